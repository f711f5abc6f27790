import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { gateOf } from '../../../pipelines/clm/gate.ts';
import { GateFigures } from '../../../pipelines/status/gate-figures.ts';
import { AccountWatermarks, SeriesWatermark, SignalSeries } from '../../../pipelines/watch/account-watermarks.ts';
import type { ClmOutcome, ModelId, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const LEAP = 60;

it('WAT-22: the gate is that of a count of the latest outcomes, none of them closed further ahead than its account is', () => {
  const outcome = fc.record({
    position: fc.integer({ min: 0, max: 30 }),
    status: fc.constantFrom('ACCUMULATING', 'FINAL', 'FINAL', 'FINAL'),
    label: fc.constantFrom('WIN', 'LOSS', 'NEUTRAL'),
    model: fc.constantFrom('model one', 'model two', null),
    excluded: fc.constantFrom(null, null, null, 'RECONSTRUCTED'),
    closed: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 200 }) }, fc.constantFrom(5000, 9000)),
    clock: fc.integer({ min: 100, max: 400 }),
    confidence: fc.constantFrom(0.4, 0.6, 0.8),
  });
  let ahead = 0;
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 60, size: 'max' }), (events) => {
      const figures = new GateFigures();
      const latest = new Map<number, ClmOutcome>();
      for (const { position, status, label, model, excluded, closed, clock, confidence } of events) {
        const isFinal = status === 'FINAL';
        const account = `account ${position % 2}`;
        const record: ClmOutcome = {
          ...GOOD_RECORDS[TOPICS.clmOutcome.name],
          position_id: `P${position}` as PositionId,
          account,
          symbol: `S${position % 3}`,
          status,
          label: isFinal ? label : null,
          closed_at: isFinal ? closed : null,
          excluded_from_calibration: isFinal ? excluded : null,
          model_id: model as ModelId | null,
          confidence,
        };
        figures.add(record);
        latest.set(position, record);
        const series = new SeriesWatermark(LEAP, [{ last: { at: clock }, confirmed: true }]);
        const watermarks = new AccountWatermarks(new Map([['account 0', series]]), new SignalSeries(LEAP), LEAP, null);
        const bounded = [...latest.values()].map((one) => ({
          ...one,
          closed_at: one.closed_at === null ? null : watermarks.bounded(one.account, one.closed_at),
        }));
        expect(figures.of(watermarks)).toEqual(gateOf(bounded));
        if (bounded.some(({ closed_at }) => closed_at === clock)) ahead += 1;
      }
    }),
  );
  expect(ahead).toBeGreaterThan(100);
});
