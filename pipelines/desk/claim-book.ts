import { formatCoordinates } from '../../errors/harvestline-error.ts';
import { type ClaimInForce, Claims } from './claims.ts';
import { BEAT_MS, GONE_MS, Processes } from './presence.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, TopicCursor } from '../runtime/topic-cursor.ts';
import type { ClaimId, DeskClaim } from '../../schemas/generated/records.ts';

const TOPIC = TOPICS.deskClaim.name;

/** How old a look may be that work rests on, before it is taken again. Unit: milliseconds. */
export const FRESH_MS = 1000;

/** And at the moment of sending an order, where nothing is waited for any more. Unit: milliseconds. */
export const LAST_FRESH_MS = 1500;

export interface ClaimBookOptions extends ReadableTopics {
  /** The machine's. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The claims on desk.claim, read on. Invariants:
 * B1  `fresh` answers from a look that began at most FRESH_MS before it was asked, or throws.
 * B2  Callers at the same time share one look.
 * B3  A topic that ends before what was read of it is another topic of that name: it is read from its beginning, and what was claimed on
 *     the first is claimed no longer.
 */
export class ClaimBook {
  readonly #options: ClaimBookOptions;
  #claims = new Claims();
  readonly #records: TopicCursor<typeof TOPIC>;
  #lookedAt: EpochMillis = -Infinity;
  #looking: Promise<void> | null = null;

  constructor(options: ClaimBookOptions) {
    this.#options = options;
    this.#records = new TopicCursor(options, TOPIC, (claim) => this.#claims.apply(claim), {
      // B3.
      onMadeAnew: () => {
        this.#claims = new Claims();
      },
      onPoison: ({ topic, partition, offset }, { code, message }) => {
        const where = formatCoordinates({ topic, partition, offset });
        options.logger.error({ topic, partition, offset, code }, `passed over: ${where}: ${message}`);
      },
    });
  }

  /** As of the last look. */
  get claims(): Claims {
    return this.#claims;
  }

  /** B1. */
  async fresh(): Promise<Claims> {
    const askedAt = this.#options.clock.now();
    // A look in the future was dated by a clock that was set back since: it counts as old.
    if (this.#lookedAt > askedAt || this.#isOldAt(askedAt)) await this.#look();
    // The look that was joined may have taken long.
    if (this.#isOldAt(askedAt)) await this.#look();
    return this.#claims;
  }

  /** B1, of a claim at the moment of sending. */
  get isFreshEnough(): boolean {
    const age = this.#options.clock.now() - this.#lookedAt;
    return age >= 0 && age < LAST_FRESH_MS;
  }

  /** To the end that stands now: a look that began before does not count. */
  async read(): Promise<Claims> {
    await this.#looking?.catch(() => {});
    await this.#look();
    return this.#claims;
  }

  #isOldAt(askedAt: EpochMillis): boolean {
    return askedAt - this.#lookedAt >= FRESH_MS;
  }

  /** B2. */
  async #look(): Promise<void> {
    this.#looking ??= this.#readOn().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #readOn(): Promise<void> {
    const startedAt = this.#options.clock.now();
    await this.#records.readOn();
    this.#lookedAt = startedAt;
  }
}

/** How far back beats are read: whoever has said nothing since is gone, unless it says something now. Unit: milliseconds. */
const BEATS_FROM_MS = 10 * 60 * 1000;

/** Between two looks for a beat. Unit: milliseconds. */
const LOOK_EVERY_MS = 250;

/** A look takes milliseconds; one that takes longer says that others could not write either. Unit: milliseconds. */
const SLOW_LOOK_MS = 1000;

/** A beat of somebody whose clock is behind, or who waits out a broker that was away, comes within this. Unit: milliseconds. */
const WATCH_MS = 3 * BEAT_MS;

/**
 * Finds out whether the processes of claims live: the name of one that does, null where all are gone. A process lives where a new beat of it
 * comes; it is gone where it said that it ended, or where nothing comes of it: for GONE_MS since its last beat, and for WATCH_MS as it is
 * watched, whatever its clock says. Time in which the log does not answer is no evidence: watching begins anew then, and lasts GONE_MS.
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
    await clock.sleep(LOOK_EVERY_MS, signal);
    const lookedAt = clock.now();
    await beats.readOn(signal);
    if (clock.now() - lookedAt <= SLOW_LOOK_MS) continue;
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
  await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => claims.apply(claim));
  const processes = new Processes();
  const now = clock.now();
  const from = await topics.log.offsetsAt(TOPICS.deskProcess.name, now - BEATS_FROM_MS);
  await forEachRecord(topics, TOPICS.deskProcess.name, { from }, (record) => processes.apply(record));
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
