import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { intentIdOf } from '../../schemas/ids.ts';
import { type ConfidenceMap, seenBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import type { Policy } from '../scoring/policy.ts';

/** One place in an intent that is not what its snapshot, policy and map give. */
export interface Difference {
  /** Dotted, for example `factors[2].points`. */
  readonly path: string;
  /** Null where the intent has nothing there. */
  readonly recorded: unknown;
  readonly recomputed: unknown;
}

/** What scoring copies from the snapshot into the intent. */
const COPIED = [
  'position_id',
  'account',
  'venue',
  'symbol',
  'side',
  'entry_price',
  'mark_price',
  'initial_stop_price',
  'quantity',
  'opened_at',
  'observed_at',
  'confidence_at_entry',
  'confidence',
  'model_id',
] as const satisfies readonly (keyof HarvestIntent & keyof PositionSnapshot)[];

/** Copied as well since the third version of the intent's schema: in an earlier one they are null, whatever the snapshot has. */
const COPIED_SINCE = ['peak_price', 'worst_price', 'regime_at_entry'] as const satisfies readonly (keyof HarvestIntent &
  keyof PositionSnapshot)[];

/**
 * Every difference between an intent and what its snapshot gives again. Pure. Invariants:
 * A1  Decision and copied fields are compared exactly: scoring is deterministic, so the last digit counts too.
 * A2  An intent whose snapshot would be held has differences, `action` among them.
 * Throws RECORD_INVALID where the snapshot cannot be scored.
 */
export function auditIntent(
  intent: HarvestIntent,
  snapshot: PositionSnapshot,
  policy: Policy,
  map: ConfidenceMap | null,
): readonly Difference[] {
  const { action, fraction, reason, hold_score, exit_score, r, factors, unknown } = evaluate(
    seenBy(policy, snapshot, map),
    policy,
  );
  const decision = { action, fraction, hold_score, exit_score, r, reason, factors, unknown };
  const recomputed = {
    ...decision,
    intent_id: intentIdOf(snapshot.position_id, snapshot.observed_at),
    ...Object.fromEntries(
      [...COPIED, ...COPIED_SINCE.filter((name) => (intent[name] ?? null) !== null)].map((name) => [
        name,
        snapshot[name],
      ]),
    ),
  };
  const found: Difference[] = [];
  for (const [name, value] of Object.entries(recomputed))
    compare(name, intent[name as keyof HarvestIntent], value, found);
  return found;
}

/** Where an audit of an intent stops before it can compare anything: why it is unverifiable. */
export const UNVERIFIABLE = [
  'intent_undecodable',
  'intent_breaks_a_rule',
  'input_of_another_topic',
  'input_removed',
  'input_missing',
  'input_undecodable',
  'input_unscorable',
  'unknown_policy',
  'unknown_calibration_version',
] as const;
export type Unverifiable = (typeof UNVERIFIABLE)[number];

/** An intent that was looked at, by where it lies and what it rests on. */
export interface AuditedDifference extends Difference {
  readonly intent_id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly input: HarvestIntent['input'];
}

export function locatedDifferences(
  intent: HarvestIntent,
  { topic, partition, offset }: LogRecord,
  differences: readonly Difference[],
): readonly AuditedDifference[] {
  const { intent_id, input } = intent;
  return differences.map((difference) => ({ intent_id, topic, partition, offset, input, ...difference }));
}

function compare(path: string, recorded: unknown, recomputed: unknown, found: Difference[]): void {
  const [one, other] = [recorded ?? null, recomputed ?? null];
  if (Array.isArray(one) && Array.isArray(other)) {
    for (let index = 0; index < Math.max(one.length, other.length); index++)
      compare(`${path}[${index}]`, one[index], other[index], found);
    return;
  }
  if (isObject(one) && isObject(other)) {
    for (const name of new Set([...Object.keys(other), ...Object.keys(one)]))
      compare(`${path}.${name}`, one[name], other[name], found);
    return;
  }
  if (one !== other) found.push({ path, recorded: one, recomputed: other });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
