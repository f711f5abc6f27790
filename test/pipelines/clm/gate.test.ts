import { describe, expect, it } from 'vitest';
import { GATE_OUTCOMES, type GateOutcome, gateOf } from '../../../pipelines/clm/gate.ts';

const HOUR_MS = 60 * 60 * 1000;

function final(hour: number, fields: Partial<GateOutcome> = {}): GateOutcome {
  return { status: 'FINAL', label: 'WIN', closed_at: hour * HOUR_MS, excluded_from_calibration: null, ...fields };
}

const hours = (count: number) => Array.from({ length: count }, (_, hour) => hour);

describe('gateOf', () => {
  it('counts FINAL, and as usable only WIN and LOSS that are not excluded', () => {
    const gate = gateOf([
      final(0),
      final(1, { label: 'LOSS' }),
      final(2, { label: 'NEUTRAL' }),
      final(3, { excluded_from_calibration: 'EXTERNAL' }),
      { status: 'ACCUMULATING', label: null, closed_at: null, excluded_from_calibration: null },
    ]);
    expect(gate).toMatchObject({
      final: 4,
      usable: 2,
      needed: 50,
      open: false,
      labels: { WIN: 2, LOSS: 1, NEUTRAL: 1 },
      excluded: { EXTERNAL: 1 },
    });
  });

  it('opens on the fiftieth usable outcome, however many are merely final', () => {
    const neutral = hours(100).map((hour) => final(hour, { label: 'NEUTRAL' }));
    const usable = hours(GATE_OUTCOMES).map((hour) => final(hour));
    expect(gateOf([...neutral, ...usable.slice(1)])).toMatchObject({ final: 149, usable: 49, open: false });
    expect(gateOf([...neutral, ...usable])).toMatchObject({ final: 150, usable: 50, open: true, eta: null });
  });

  it('eta continues the pace of the usable outcomes', () => {
    // Eleven outcomes, one each hour up to hour 10: 39 more take up to hour 49.
    expect(gateOf(hours(11).map((hour) => final(hour))).eta).toBe(49 * HOUR_MS);
    // Neither the order nor what is not usable changes the pace.
    const mixed = [
      final(500, { label: 'NEUTRAL' }),
      ...hours(11)
        .toReversed()
        .map((hour) => final(hour)),
    ];
    expect(gateOf(mixed).eta).toBe(49 * HOUR_MS);
  });

  it('has no eta without a pace', () => {
    expect(gateOf([]).eta).toBeNull();
    expect(gateOf([final(1)]).eta).toBeNull();
    expect(gateOf([final(1), final(1)]).eta).toBeNull();
  });
});
