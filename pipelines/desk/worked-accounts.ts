import { type ClaimInForce, Claims } from './claims.ts';
import { Processes } from './processes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimId, DeskClaim, EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/read-topic.ts';

/** Beats older than this are of processes that are gone long since. Unit: milliseconds. */
const BEATS_FROM_MS = 10 * 60 * 1000;

/** One account as `desk list` shows it. */
export interface WorkedAccount {
  /** `*`: every account that nobody else has claimed. */
  readonly account: string;
  readonly venue: string;
  readonly mode: 'live' | 'demo' | 'paper' | 'unrecognised';
  /** Those that work it now, by name. */
  readonly processes: readonly string[];
  readonly since: EpochMillis;
  /** What is claimed: execution, snapshots. */
  readonly parts: readonly string[];
  /** The claim stands while no process works the account. */
  readonly standing: boolean;
}

/** The accounts that are claimed, with the processes of their claims that live. */
export async function workedAccounts(topics: ReadableTopics, clock: Clock): Promise<readonly WorkedAccount[]> {
  const claims = new Claims();
  await visitTopic(topics, TOPICS.deskClaim.name, {}, (claim) => claims.apply(claim));
  const processes = new Processes();
  const now = clock.now();
  const from = await topics.log.offsetsAt(TOPICS.deskProcess.name, now - BEATS_FROM_MS);
  await visitTopic(topics, TOPICS.deskProcess.name, { from }, (record) => processes.apply(record));
  const working = processes.working(now).map(({ process }) => process);
  return [...Map.groupBy(claims.all(), ({ account }) => account).values()].map((parts) => merged(parts, working));
}

/** The parts of an account are claimed for one venue and mode (claims.ts M1). */
function merged(parts: readonly ClaimInForce[], working: readonly string[]): WorkedAccount {
  const [first] = parts;
  if (first === undefined) throw new TypeError('an account without a claim');
  return {
    account: first.account,
    venue: first.venue,
    mode: first.mode.toLowerCase() as WorkedAccount['mode'],
    processes: working.filter((process) => parts.some((part) => part.processes.has(process))),
    since: Math.min(...parts.map(({ since }) => since)),
    parts: parts.map(({ part }) => part.toLowerCase()),
    standing: parts.some(({ standing }) => standing),
  };
}

/** The record that ends all claims of an account (claims.ts M4). */
export function retirement(
  { account, venue, mode }: WorkedAccount,
  { by, reason, process }: { readonly by: string; readonly reason: string; readonly process: string },
  now: EpochMillis,
): DeskClaim {
  return {
    claim_id: `${process}/${account}/${now}` as ClaimId,
    part: 'EXECUTION',
    account,
    venue,
    mode: mode.toUpperCase() as DeskClaim['mode'],
    state: 'RETIRED',
    standing: false,
    by_default: false,
    process,
    replaces: [],
    by,
    reason,
    claimed_at: now,
  };
}
