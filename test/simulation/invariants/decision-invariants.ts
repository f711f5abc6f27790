/** What has to be true of decisions: that each is made once, as policy, map and cooldown say, and that reports tell what came of it. */
import { DEFAULT_LIMITS } from '../../../pipelines/execution/limits.ts';
import { verdictOf } from '../../../pipelines/scoring/evaluate.ts';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { intentIdOf } from '../../../schemas/ids.ts';
import { knownSince } from '../../../schemas/time-bound.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import type { Evidence, Given, Invariant } from './evidence.ts';

/** What was observed in the last minutes may not be decided yet. Unit: milliseconds. */
const DECIDED_WITHIN_MS = 15 * 60_000;

/** A map is read a second after its approval, by a clock that may jump. Unit: milliseconds. */
const MAP_LATE_MS = 30_000;

/** The exchange is asked between the check of an intent's age and its order. Unit: milliseconds. */
const ASKED_FOR_MS = 60_000;

export const DECISION_INVARIANTS = [
  {
    name: 'snapshots_are_decided',
    says: 'Every snapshot whose verdict is not HOLD has one intent, and no other snapshot has one.',
    *breaches(evidence) {
      const policy = defaultPolicy();
      const wanted = new Map<string, string>();
      for (const { record, at } of evidence.sorted(TOPICS.positionSnapshot.name).good) {
        const { action } = verdictOf(record, policy);
        const isDue = at.timestamp <= evidence.endedAt - DECIDED_WITHIN_MS && !evidence.raw.mayBeUnread('scoring', at);
        const id = intentIdOf(record.position_id, record.observed_at);
        if (action !== 'HOLD') wanted.set(id, isDue ? action : `${action}?`);
      }
      const found = new Map(
        evidence.good(TOPICS.harvestIntent.name).map((intent) => [String(intent.intent_id), intent]),
      );
      for (const [id, action] of wanted) {
        const intent = found.get(id);
        if (intent === undefined && !action.endsWith('?')) yield `${id} should be a ${action}, and is no intent`;
        else if (intent !== undefined && !action.startsWith(intent.action))
          yield `${id} is a ${intent.action}, not a ${action}`;
      }
      for (const id of found.keys()) if (!wanted.has(id)) yield `${id} is an intent of no snapshot that asks for one`;
    },
  },
  {
    name: 'maps_in_force',
    says: 'A decision names the confidence map that was in force.',
    *breaches(evidence) {
      const untilWhen = endsOfMaps(evidence);
      for (const { record, at } of evidence.sorted(TOPICS.harvestIntent.name).good) {
        if (record.model_id === null) continue;
        const version = record.calibration_version;
        const until = untilWhen.get(version) ?? -Infinity;
        if (at.timestamp > until + MAP_LATE_MS)
          yield `${record.intent_id} names ${version ?? 'no map'}, ${at.timestamp - until} ms after that was in force`;
      }
    },
  },
  {
    name: 'cooldown_holds',
    says: 'Two partial closes of a position rest on observations that are a cooldown apart.',
    *breaches(evidence) {
      const intents = intentsOf(evidence);
      const last = new Map<string, Given<'harvest.intent'>>();
      for (const report of evidence.good(TOPICS.executionReport.name)) {
        const { position_id: position, intent_id, status, action } = report;
        const intent = intents.get(intent_id);
        if (intent === undefined || (status !== 'FILLED' && status !== 'UNKNOWN')) continue;
        if (action === 'PARTIAL_CLOSE') {
          const before = last.get(position);
          const apart =
            before === undefined || before === intent
              ? Infinity
              : knownSince(intent.record.observed_at, intent.at.timestamp) - before.record.observed_at;
          if (apart < DEFAULT_LIMITS.cooldownMs)
            yield `${intent_id} follows the partial close before it after ${apart} ms`;
          last.set(position, intent);
        }
        if (report.remaining_quantity === 0) last.delete(position);
      }
    },
  },
  {
    name: 'no_order_of_old',
    says: 'No order is sent for an intent that is too old to say anything about now.',
    *breaches(evidence) {
      const intents = intentsOf(evidence);
      for (const { intent_id, status, part, submitted_at: at } of evidence.good(TOPICS.executionReport.name)) {
        const intent = intents.get(intent_id);
        if (status !== 'SUBMITTED' || part !== 0 || at === null || intent === undefined) continue;
        const age = at - knownSince(intent.record.observed_at, intent.at.timestamp);
        if (age > DEFAULT_LIMITS.maxIntentAgeMs + ASKED_FOR_MS)
          yield `${intent_id} was sent ${age} ms after its observation`;
      }
    },
  },
  {
    name: 'reports_are_true',
    says: 'What a report says was filled is what the exchange filled.',
    *breaches(evidence) {
      const fills = Map.groupBy(evidence.ledger.fills, ({ order }) => order.clientOrderId);
      const orders = new Map<string, Set<string>>();
      for (const { intent_id, client_order_id } of evidence.good(TOPICS.executionReport.name)) {
        orders.set(intent_id, (orders.get(intent_id) ?? new Set()).add(client_order_id));
      }
      for (const { intent_id, status, reason, filled_quantity } of evidence.good(TOPICS.executionReport.name)) {
        if (status !== 'FILLED' && status !== 'REJECTED') continue;
        const own = [...(orders.get(intent_id) ?? [])].flatMap((id) => fills.get(id as ClientOrderId) ?? []);
        const filled = Exact.sum(0, ...own.map(({ fill }) => fill.quantity));
        if (!filled.eq(filled_quantity))
          yield `${intent_id} is ${status} (${reason}) with ${filled_quantity}, and ${filled.toFixed()} filled`;
      }
    },
  },
] as const satisfies readonly Invariant[];

function intentsOf(evidence: Evidence): ReadonlyMap<string, Given<'harvest.intent'>> {
  return new Map(evidence.sorted(TOPICS.harvestIntent.name).good.map((given) => [given.record.intent_id, given]));
}

/** Until when each version was in force; null is raw confidence. */
function endsOfMaps(evidence: Evidence): ReadonlyMap<string | null, EpochMillis> {
  const ends = new Map<string | null, EpochMillis>();
  let approved: readonly string[] = [];
  for (const { record, at } of evidence.sorted(TOPICS.confidenceCalibration.name).good) {
    ends.set(approved.at(-1) ?? null, at.timestamp);
    approved = approved.filter((version) => version !== record.version);
    if (record.status === 'APPROVED') approved = [...approved, record.version];
  }
  return ends.set(approved.at(-1) ?? null, Infinity);
}
