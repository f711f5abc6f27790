import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID, type Policy } from '../../../pipelines/scoring/policy.ts';
import { intentOf } from '../../../pipelines/scoring/scoring-processor.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

export function defaultPolicy(): Policy {
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new Error('no default policy');
  return policy;
}

/** Snapshots of as many positions: in turn one that is closed, one that is closed in part, one that is held. */
export function freshSnapshots(count: number, observed_at: EpochMillis): PositionSnapshot[] {
  return Array.from({ length: count }, (_, index) => {
    const holds = index % 3 === 2;
    const base = aSnapshot({ symbol: `S${index}USDT`, r: [9, 3, 0.5][index % 3] ?? 0 });
    return { ...base, observed_at, volatility_gradient: holds ? 0.5 : base.volatility_gradient };
  });
}

/** What the policy asks for, but for the place of the snapshot. */
export function deservingIntents(snapshots: readonly PositionSnapshot[]): HarvestIntent[] {
  const at: LogRecord = {
    topic: TOPICS.positionSnapshot.name,
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: null,
    value: null,
    headers: [],
  };
  return snapshots
    .map((snapshot) => intentOf(snapshot, evaluate(snapshot, defaultPolicy()), at))
    .filter((intent) => intent !== null);
}
