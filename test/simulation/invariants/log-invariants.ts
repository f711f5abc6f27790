/** What has to be true of the topics by themselves. */
import { accumulate } from '../../../pipelines/clm/accumulate.ts';
import type { ClmOutcome, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS, type TopicName } from '../../../schemas/topics.ts';
import { type Given, type Invariant, WORKED_OFF_WITHIN_MS, placesOf } from './evidence.ts';

/** What each group consumes. */
const CONSUMED: readonly (readonly [group: string, topics: readonly TopicName[]])[] = [
  ['scoring', [TOPICS.positionSnapshot.name]],
  ['execution', [TOPICS.harvestIntent.name, TOPICS.positionReconciled.name]],
  ['clm', [TOPICS.tradeClosed.name]],
];

/** Topics that nobody but the desk writes to in a plan: every record is valid. */
const OWN_TOPICS: readonly TopicName[] = [
  TOPICS.executionReport.name,
  TOPICS.clmOutcome.name,
  TOPICS.positionReconciled.name,
  TOPICS.deskControl.name,
  TOPICS.deskClaim.name,
  TOPICS.deskProcess.name,
  TOPICS.deskAlert.name,
  TOPICS.notifyDelivered.name,
  TOPICS.policyApplied.name,
];

export const LOG_INVARIANTS = [
  {
    name: 'lag_ends',
    says: 'Once all is healed, every group has worked off its topics.',
    *breaches({ raw, endedAt }) {
      for (const [group, topics] of CONSUMED) {
        for (const topic of topics) {
          const committed = raw.committedOf(group, topic);
          for (const [partition, records] of raw.current(topic).entries()) {
            const last = records.findLast(({ timestamp }) => timestamp < endedAt - WORKED_OFF_WITHIN_MS);
            const end = last === undefined ? 0 : last.offset + 1;
            const at = committed.get(partition) ?? 0;
            if (at < end) yield `${group} has committed ${at} of ${topic}[${partition}], which ends at ${end}`;
          }
        }
      }
    },
  },
  {
    name: 'poison_is_kept',
    says: 'A record that nobody may act on is in the dead-letter topic, byte for byte.',
    *breaches(evidence) {
      for (const [group, topics] of CONSUMED) {
        for (const topic of topics) {
          const letters = placesOf(evidence.letters(topic));
          for (const at of evidence.sorted(topic).bad) {
            if (evidence.raw.mayBeUnread(group, at)) continue;
            const found = letters.get(`${at.partition}:${at.offset}`);
            const where = `${topic}[${at.partition}]@${at.offset}`;
            if (found === undefined) yield `${where} is no record, and has no dead letter`;
            else if (!found.some((letter) => equal(letter.value, at.value) && equal(letter.key, at.key)))
              yield `the dead letter of ${where} has other bytes`;
          }
        }
      }
    },
  },
  {
    name: 'own_records_are_valid',
    says: 'Whatever the desk writes is valid by its schema and its rules.',
    *breaches(evidence) {
      for (const topic of OWN_TOPICS) {
        for (const { partition, offset, value } of evidence.sorted(topic).bad) {
          // A tombstone is none of the desk's records.
          if (value !== null) yield `${topic}[${partition}]@${offset} does not decode`;
        }
      }
    },
  },
  {
    name: 'outcomes_recompute',
    says: 'What CLM says of a position is what its trades add up to.',
    *breaches(evidence) {
      const folded = new Map<string, ClmOutcome>();
      for (const trade of evidence.good(TOPICS.tradeClosed.name)) {
        const next = accumulate(folded.get(trade.position_id), trade);
        if (next !== null) folded.set(trade.position_id, next);
      }
      const latest = new Map(evidence.good(TOPICS.clmOutcome.name).map((one) => [String(one.position_id), one]));
      for (const [id, expected] of folded) {
        const found = latest.get(id);
        if (found === undefined) yield `${id} has trades and no outcome`;
        else if (summary(found) !== summary(expected))
          yield `${id}: CLM says ${summary(found)}, its trades add up to ${summary(expected)}`;
      }
      for (const id of latest.keys()) if (!folded.has(id)) yield `${id} has an outcome and no trades`;
    },
  },
  {
    name: 'doubles_are_equal',
    says: 'A trade that is on the log twice says the same both times, but for costs that the exchange told one of its two writers only.',
    *breaches(evidence) {
      const seen = new Map<string, Given<'trade.closed'>>();
      for (const { record, at } of evidence.sorted(TOPICS.tradeClosed.name).good) {
        const before = seen.get(record.trade_id);
        if (before === undefined) seen.set(record.trade_id, { record, at });
        else if (!equal(before.at.value, at.value) && !differsInWhatWasTold(before.record, record)) {
          yield `${record.trade_id} differs between offsets ${before.at.offset} and ${at.offset} of partition ${at.partition}`;
        }
      }
    },
  },
] as const satisfies readonly Invariant[];

/** What of a trade rests on costs that the exchange tells, or does not. */
const COSTS: ReadonlySet<string> = new Set<keyof TradeClosed>([
  'fee_quote',
  'fee_asset',
  'fee_amount',
  'opening_fee_quote',
  'opening_fee_asset',
  'opening_fee_amount',
  'funding_quote',
  'pnl_net_quote',
  'r_net',
]);

/** Whether they are the same but for costs that one of them lacks: what both were told must be equal. */
function differsInWhatWasTold(one: TradeClosed, other: TradeClosed): boolean {
  const told = new Map(Object.entries(other));
  return Object.entries(one).every(([name, value]) => {
    const same = JSON.stringify(value) === JSON.stringify(told.get(name));
    return same || name === 'unknown_costs' || (COSTS.has(name) && (value === null || told.get(name) === null));
  });
}

function equal(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}

/** What must be equal whatever the order in which slices came (CLM-2). */
function summary({ status, label, slices, quantity, pnl_quote, fee_quote, funding_quote }: ClmOutcome): string {
  const rounded = (value: number | null): string => (value === null ? 'unknown' : value.toPrecision(9));
  return [
    status,
    label ?? 'no label',
    slices.toSorted().join('+'),
    quantity,
    rounded(pnl_quote),
    rounded(fee_quote),
    rounded(funding_quote),
  ].join(' ');
}
