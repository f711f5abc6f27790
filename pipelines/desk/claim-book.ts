/** The claims on desk.claim: kept up to date for the processes that work accounts, and as `desk list` shows them. */
import { HarvestlineError, formatCoordinates } from '../../errors/harvestline-error.ts';
import { type ClaimInForce, Claims } from './claims.ts';
import { BEAT_MS, GONE_MS, Processes } from './presence.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, TopicCursor } from '../runtime/topic-cursor.ts';
import type { ClaimId, DeskClaim } from '../../schemas/generated/records.ts';

const TOPIC = TOPICS.deskClaim.name;

/** The greatest age of the claims that work may rest on, before they are read again. Unit: milliseconds. */
const FRESH_MS = 1000;

/** The same at the moment of sending an order, where nothing is awaited any more. Unit: milliseconds. */
export const LAST_FRESH_MS = 1500;

export interface ClaimBookOptions extends ReadableTopics {
  /** The machine's clock. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * DSK-4  `fresh` answers from a read that began at most FRESH_MS before the call, or throws.
 * DSK-5  Callers at the same time share one read.
 * DSK-6  A topic that ends before what was read of it was made anew: it is read from its beginning, and the claims of the old one are void.
 */
export class ClaimBook {
  readonly #options: ClaimBookOptions;
  #claims = new Claims();
  readonly #records: TopicCursor<typeof TOPIC>;
  #readAt: EpochMillis = -Infinity;
  #reading: Promise<void> | null = null;

  constructor(options: ClaimBookOptions) {
    this.#options = options;
    this.#records = new TopicCursor(options, TOPIC, (claim) => this.#claims.apply(claim), {
      // DSK-6.
      onMadeAnew: () => {
        this.#claims = new Claims();
      },
      onPoison: ({ topic, partition, offset }, { code, message }) => {
        const where = formatCoordinates({ topic, partition, offset });
        options.logger.error({ topic, partition, offset, code }, `passed over: ${where}: ${message}`);
      },
    });
  }

  /** As of the last read. */
  get claims(): Claims {
    return this.#claims;
  }

  /** DSK-4. */
  async fresh(): Promise<Claims> {
    const askedAt = this.#options.clock.now();
    // A read in the future was dated by a clock that was set back since: it counts as old.
    if (this.#readAt > askedAt || this.#isOldAt(askedAt)) await this.#refresh();
    // The shared read may have begun long ago.
    if (this.#isOldAt(askedAt)) await this.#refresh();
    return this.#claims;
  }

  /** Whether an order may be sent on the claims as they are (LAST_FRESH_MS). */
  get isFreshEnough(): boolean {
    const age = this.#options.clock.now() - this.#readAt;
    return age >= 0 && age < LAST_FRESH_MS;
  }

  /** Reads to the end that stands now: a read that began before does not count. */
  async read(): Promise<Claims> {
    await this.#reading?.catch(() => {});
    await this.#refresh();
    return this.#claims;
  }

  #isOldAt(askedAt: EpochMillis): boolean {
    return askedAt - this.#readAt >= FRESH_MS;
  }

  /** DSK-5. */
  async #refresh(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const startedAt = this.#options.clock.now();
    await this.#records.readOn();
    this.#readAt = startedAt;
  }
}

/** How far back heartbeats are read: a process without one since is gone, unless a new one comes. Unit: milliseconds. */
const BEATS_FROM_MS = 10 * 60 * 1000;

/** Between two reads of new heartbeats. Unit: milliseconds. */
const POLL_MS = 250;

/** A read takes milliseconds. During one that takes longer others could not write either. Unit: milliseconds. */
const SLOW_READ_MS = 1000;

/** A heartbeat comes within this time even from a process with a slow clock, or after a short outage of the broker. Unit: milliseconds. */
const WATCH_MS = 3 * BEAT_MS;

/**
 * Finds out whether any process of the claims lives, and returns its name, or null where all are gone. A process lives where a new heartbeat
 * of it comes. It is gone where it recorded its end, or where no heartbeat comes: for GONE_MS since its last one, and for WATCH_MS of
 * watching, whatever its clock says. Time in which the log does not answer is no evidence: watching begins anew, and then takes GONE_MS.
 */
export async function livingProcess(
  claims: readonly ClaimInForce[],
  { log, codec, clock }: ClaimBookOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const names = new Map(claims.flatMap(({ processes }) => [...processes]));
  const processes = new Processes();
  const since = clock.now() - BEATS_FROM_MS;
  const beats = new TopicCursor({ log, codec }, TOPICS.deskProcess.name, (record) => processes.apply(record), {
    since,
  });
  await beats.readOn(signal);
  const first = new Map([...names.keys()].map((name) => [name, processes.of(name)?.seen_at]));
  let watchedFrom = clock.now();
  let quietCounts = true;
  for (;;) {
    const now = clock.now();
    const watched = now - watchedFrom;
    let pending = 0;
    for (const [name, claimedAt] of names) {
      const latest = processes.of(name);
      if (latest?.state === 'ENDED') continue;
      if (latest !== undefined && latest.seen_at !== first.get(name)) return name;
      const quietFor = now - (latest?.seen_at ?? claimedAt);
      const isGone = watched >= GONE_MS || (quietCounts && quietFor > GONE_MS && watched >= WATCH_MS);
      if (!isGone) pending += 1;
    }
    if (pending === 0 || signal.aborted) return null;
    await clock.sleep(POLL_MS, signal);
    const lookedAt = clock.now();
    await beats.readOn(signal);
    if (clock.now() - lookedAt <= SLOW_READ_MS) continue;
    watchedFrom = clock.now();
    quietCounts = false;
  }
}

/** One account as `desk list` shows it. */
export interface WorkedAccount {
  /** `*`: every account that nobody else has claimed. */
  readonly account: string;
  readonly venue: string;
  readonly mode: 'live' | 'demo' | 'paper' | 'unrecognised';
  /** The live processes, by name. */
  readonly processes: readonly string[];
  readonly since: EpochMillis;
  /** The claimed parts: execution, snapshots. */
  readonly parts: readonly string[];
  /** The claim stands even while no process works the account. */
  readonly standing: boolean;
}

/** The claimed accounts, with the live processes of their claims. */
export async function workedAccounts(topics: ReadableTopics, clock: Clock): Promise<readonly WorkedAccount[]> {
  const claims = new Claims();
  await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => claims.apply(claim));
  const processes = new Processes();
  const now = clock.now();
  const from = await topics.log.offsetsAt(TOPICS.deskProcess.name, now - BEATS_FROM_MS);
  await forEachRecord(topics, TOPICS.deskProcess.name, { from }, (record) => processes.apply(record));
  const working = processes.working(now).map(({ process }) => process);
  return [...Map.groupBy(claims.all(), ({ account }) => account).values()].map((parts) => merged(parts, working));
}

/** The claims of one account. Throws ACCOUNT_UNKNOWN, with the accounts that are claimed. */
export async function claimedAccount(topics: ReadableTopics, account: string, clock: Clock): Promise<WorkedAccount> {
  const accounts = await workedAccounts(topics, clock);
  const found = accounts.find((one) => one.account === account);
  if (found !== undefined) return found;
  const known = accounts.map((one) => one.account).join(', ');
  const others = known === '' ? 'no account is claimed' : `claimed are ${known}`;
  throw new HarvestlineError('ACCOUNT_UNKNOWN', `nobody has claimed an account ${account}; ${others}`);
}

/** The claims of one account: all of its parts are claimed for one venue and mode (DSK-7). */
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

/** The record that ends all claims of an account (DSK-10). */
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
