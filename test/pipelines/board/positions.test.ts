import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoardPositions, NOT_SCORABLE } from '../../../pipelines/board/positions.ts';
import { DEFAULT_LIMITS, cooldown } from '../../../pipelines/execution/limits.ts';
import { asJudgedBy } from '../../../pipelines/scoring/confidence-map.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { modelNamed, proposalOf } from '../../fixtures/calibration-record.ts';
import { type Happening, happenings, intentOf, reportOf, snapshotOf } from './desk-of-board.ts';

type Step = (positions: BoardPositions) => void;

const openOf = (list: readonly Happening[]): ReadonlySet<PositionId> =>
  new Set(list.map((happening) => snapshotOf(happening).position_id));

const observation = (happening: Happening): Step => {
  const snapshot = snapshotOf(happening);
  return (positions) => positions.snapshot(snapshot, snapshot.observed_at);
};

/** The records of each topic, in the order of the topic. */
function topicsOf(list: readonly Happening[]): readonly (readonly Step[])[] {
  const commands = list.filter(({ kind }) => kind !== 'snapshot');
  return [
    list.map(observation),
    commands.map(
      (happening): Step =>
        (positions) =>
          positions.intent(intentOf(happening)),
    ),
    commands.map(
      (happening): Step =>
        (positions) =>
          positions.report(reportOf(happening)),
    ),
  ];
}

function shownAfter(steps: readonly Step[], open: ReadonlySet<PositionId>): ReturnType<BoardPositions['shown']> {
  const positions = new BoardPositions(defaultPolicy());
  for (const step of steps) step(positions);
  positions.look(open);
  return positions.shown();
}

describe('BRD-2', () => {
  it('neither the order of the topics nor records that come again change what is shown', () => {
    const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(happenings, order, fc.nat(), (list, topics, again) => {
        const steps = topicsOf(list);
        const open = openOf(list);
        const straight = shownAfter(steps.flat(), open);
        const others = topics.flatMap((topic) => steps[topic] ?? []);
        expect(shownAfter(others, open)).toEqual(straight);
        // A source that starts again repeats its records from some place on.
        const repeated = steps.flatMap((topic) => [...topic, ...topic.slice(again % (topic.length + 1))]);
        expect(shownAfter(repeated, open)).toEqual(straight);
      }),
    );
  });
});

describe('BRD-1', () => {
  it('shows what scoring decides on the latest snapshot, by the policy and the map in force', () => {
    const positions = new BoardPositions(defaultPolicy());
    const snapshot = aSnapshot({ r: 5 }, { confidence: 0.6 });
    const open = new Set([snapshot.position_id]);
    positions.snapshot(snapshot, snapshot.observed_at);
    positions.look(open);
    const calibration = proposalOf('cal-1', {
      model_id: modelNamed('ensemble-7'),
      status: 'APPROVED',
      map: { x: [0, 1], y: [0.1, 0.3] },
    });
    for (const policy of BUILT_IN_POLICIES.values()) {
      positions.policyInForce(policy);
      expect(positions.look(open).changed).toMatchObject([{ policy: policy.id, calibrated_confidence: null }]);
    }
    positions.calibration(calibration);
    for (const policy of BUILT_IN_POLICIES.values()) {
      positions.policyInForce(policy);
      const judged = asJudgedBy(policy, snapshot, calibration.map);
      const { action, fraction, reason, hold_score, exit_score, r } = evaluate(judged, policy);
      const [shown] = positions.look(open).changed;
      expect(shown).toMatchObject({ action, fraction, reason, hold_score, exit_score, r, policy: policy.id });
      expect(shown?.calibrated_confidence).toBeCloseTo(0.22);
    }
  });

  it('decides again only for what changed', () => {
    const positions = new BoardPositions(defaultPolicy());
    const list: Happening[] = ['BTCUSDT', 'ETHUSDT'].map((symbol) => ({ symbol, kind: 'snapshot', minute: 1, r: 1 }));
    const open = openOf(list);
    for (const happening of list) observation(happening)(positions);
    expect(positions.look(open).changed).toHaveLength(2);
    expect(positions.look(open)).toEqual({ changed: [], closed: [] });
    observation({ symbol: 'ETHUSDT', kind: 'snapshot', minute: 2, r: 3 })(positions);
    expect(positions.look(open).changed.map(({ symbol }) => symbol)).toEqual(['ETHUSDT']);
    expect(positions.look(new Set())).toEqual({ changed: [], closed: [...open] });
  });

  it('a position that cannot be scored is shown, and costs its neighbours nothing', () => {
    const positions = new BoardPositions(defaultPolicy());
    const good = aSnapshot({ symbol: 'ETHUSDT' });
    const sick = aSnapshot({}, { initial_stop_price: 99.999_999_999_999, mark_price: 250 });
    for (const snapshot of [sick, good]) positions.snapshot(snapshot, snapshot.observed_at);
    const { changed } = positions.look(new Set([sick.position_id, good.position_id]));
    expect(changed).toMatchObject([
      { action: 'HOLD', reason: NOT_SCORABLE },
      { symbol: 'ETHUSDT', r: 0.5 },
    ]);
  });
});

describe('the cooldown that is shown', () => {
  it('is the time from which execution lets a partial close pass again', () => {
    fc.assert(
      fc.property(fc.nat({ max: 90 }), (later) => {
        const partial: Happening = { symbol: 'BTCUSDT', kind: 'partial', minute: 120, r: 3 };
        const next: Happening = { ...partial, kind: 'snapshot', minute: 120 + later };
        const [[shown]] = [shownAfter([...topicsOf([partial]).flat(), observation(next)], openOf([partial]))];
        const { observed_at } = snapshotOf(next);
        const lastPartial = snapshotOf(partial).observed_at;
        const intent = { ...intentOf({ ...partial, minute: next.minute }), observed_at };
        const suppressed = cooldown(intent, observed_at, lastPartial, observed_at, DEFAULT_LIMITS);
        expect(shown?.cooldown_until).toBe(suppressed === null ? null : lastPartial + DEFAULT_LIMITS.cooldownMs);
      }),
    );
  });

  it('is of the partial close alone: neither of one that was suppressed nor of one by a wrong clock', () => {
    const partial: Happening = { symbol: 'BTCUSDT', kind: 'partial', minute: 120, r: 3 };
    const open = openOf([partial]);
    expect(shownAfter(topicsOf([{ ...partial, kind: 'suppressed' }]).flat(), open)).toMatchObject([
      { cooldown_until: null },
    ]);
    const early = { ...reportOf(partial), reported_at: reportOf(partial).reported_at - 3_600_000 };
    const steps = [
      observation(partial),
      (one: BoardPositions) => one.intent(intentOf(partial)),
      (one: BoardPositions) => one.report(early),
    ];
    expect(shownAfter(steps, open)).toMatchObject([{ cooldown_until: null }]);
  });
});

describe('BRD-3', () => {
  it('forgets what is not open, a look after it was seen not to be', () => {
    const positions = new BoardPositions(defaultPolicy());
    const partial: Happening = { symbol: 'BTCUSDT', kind: 'partial', minute: 120, r: 3 };
    const open = openOf([partial]);
    // Its order is read before its first snapshot.
    positions.intent(intentOf(partial));
    positions.report(reportOf(partial));
    positions.forget(new Set());
    observation(partial)(positions);
    expect(positions.look(open).changed).toMatchObject([{ cooldown_until: expect.any(Number) }]);
    positions.forget(new Set());
    positions.forget(new Set());
    expect(positions.look(open).changed).toEqual([]);
  });
});
