import type { LogRecord } from '../../ports/event-log.ts';
import type { HarvestIntent, PositionSnapshot } from '../../schemas/generated/records.ts';
import { intentIdOf } from '../../schemas/ids.ts';
import { type ConfidenceMap, asJudgedBy } from '../scoring/confidence-map.ts';
import { evaluate } from '../scoring/evaluate.ts';
import type { Policy } from '../scoring/policy.ts';

/** A field of a recorded intent that is not what its snapshot, policy and calibration map give when evaluated again. */
export interface Difference {
  /** Dotted, for example `factors[2].points`. */
  readonly path: string;
  /** Null where the intent has nothing there. */
  readonly recorded: unknown;
  readonly recomputed: unknown;
}

/** Fields that scoring copies from the snapshot into the intent. */
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

/** Copied since version 3 of the intent's schema. An intent of an earlier version has null there, whatever its snapshot has. */
const COPIED_SINCE = ['peak_price', 'worst_price', 'regime_at_entry'] as const satisfies readonly (keyof HarvestIntent &
  keyof PositionSnapshot)[];

/**
 * Recomputes an intent from its snapshot and lists every difference. Pure.
 *
 * RPL-1  Decision and copied fields are compared exactly: scoring is deterministic, so the last digit counts too.
 * RPL-2  An intent whose snapshot evaluates to HOLD differs, at least in its action.
 * Throws RECORD_INVALID where the snapshot cannot be scored.
 */
export function auditIntent(
  intent: HarvestIntent,
  snapshot: PositionSnapshot,
  policy: Policy,
  map: ConfidenceMap | null,
): readonly Difference[] {
  const { action, fraction, reason, hold_score, exit_score, r, factors, unknown } = evaluate(
    asJudgedBy(policy, snapshot, map),
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

/** Why nothing of an intent could be compared. */
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

/** A difference with the coordinates of its intent and of the snapshot that the intent names. */
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
