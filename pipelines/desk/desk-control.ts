/**
 * The kill switch as a process obeys it: desk.control, polled.
 *
 * DSK-12  An order is sent only where a poll that began less than POLL_MS before the request found nothing that stops it. What that poll and
 *         all later ones found is checked in the turn of the event loop that hands the order to the network; the poll is at most OLDEST_MS
 *         old then, so a process that was paused polls again.
 * DSK-13  A poll reads the whole topic (kill-switch.ts) from its beginning whenever its offsets have changed, and every WHOLE_MS besides: a
 *         topic that was made anew is never taken for the old one.
 * DSK-14  Callers at the same time share one poll.
 * DSK-15  A switch that cannot be known stops everything: a topic that is missing, that cannot be read, or that can forget a command (checked
 *         every SETTINGS_MS). While the log does not answer, an order that would be sent is withheld, and earlier steps wait for the log.
 * DSK-16  A stop is acknowledged (`obeys`) only when every order that was let through before has its answer.
 */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import { type KillSwitchState, type LastObeyed, WHOLE_DESK } from './kill-switch.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import {
  type KillSwitch,
  type SendGate,
  type Stop,
  type UnknownSwitch,
  WithheldOrder,
  describeStop,
} from '../../ports/kill-switch.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ObeyedCommand } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { readKillSwitch, readLastObeyed } from './control-topic.ts';
import type { ObeyedSwitch } from './presence.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';

const TOPIC = TOPICS.deskControl.name;

/** A halt is obeyed within a second; a poll costs the log one request. Unit: milliseconds. */
const POLL_MS = 250;

/** Short enough that settings which can forget a command are seen before they do. Unit: milliseconds. */
const SETTINGS_MS = 1000;

/** Bounds how long a topic made anew with equal offsets could go unseen after this process was paused. Unit: milliseconds. */
const WHOLE_MS = 5000;

/** A poll that takes longer is reported: the log does not answer. Unit: milliseconds. */
const SILENT_MS = 3000;

/** A poll takes milliseconds, and on a busy machine up to a second. Unit: milliseconds. */
const OLDEST_MS = 2000;

interface DeskControlOptions {
  /** Why the topic can forget a command; null where it cannot. Left out: not checked. */
  readonly whyItForgets?: () => Promise<string | null>;
  /** Bounds the wait for a poll. Needed where the clock is virtual: sleeping would move it. */
  readonly timer?: Pick<Clock, 'sleep'>;
  /** Called after each poll, and after everything else that may have changed the stops. */
  readonly onPoll?: () => void;
}

export class DeskControlWatch implements KillSwitch, ObeyedSwitch {
  readonly #topics: ReadableTopics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: DeskControlOptions;
  #state: KillSwitchState | null = null;
  /** Why the switch cannot be known (DSK-15); null where it can. */
  #blind: UnknownSwitch | null = null;
  /** Since when and why the log has not answered; null where it has. */
  #away: UnknownSwitch | null = null;
  /** The offsets of the topic when it was read. */
  #ends = '';
  #offsets: readonly PartitionOffsets[] = [];
  #polledAt: EpochMillis = -Infinity;
  #readAt: EpochMillis = -Infinity;
  #settingsAt: EpochMillis = -Infinity;
  #forgets: string | null = null;
  #polling: Promise<void> | null = null;
  readonly #sending = new Set<Promise<unknown>>();
  #obeyed: readonly ObeyedCommand[] = [];
  /** The number of the state that was read last, and of the one that is acknowledged. */
  #read = 0;
  #acknowledged = 0;
  #logged: readonly string[] = [];

  constructor(topics: ReadableTopics, clock: Clock, logger: Logger, options: DeskControlOptions = {}) {
    this.#topics = topics;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
  }

  async halted(account: string): Promise<Stop | null> {
    const askedAt = this.#clock.now();
    if (this.#isPolledAfter(askedAt) || this.#isOldAt(askedAt)) await this.poll();
    // The shared poll may have begun long ago.
    if (this.#isOldAt(askedAt)) await this.poll();
    return this.#stopOf(account);
  }

  gate(account: string): SendGate {
    return async (send) => {
      const askedAt = this.#clock.now();
      if (this.#isPolledAfter(askedAt) || this.#isOldAt(askedAt)) await this.#pollWithin(OLDEST_MS);
      if (this.#isOldAt(askedAt)) await this.#pollWithin(OLDEST_MS);
      // DSK-12: from here to `send` nothing is awaited.
      const isLate = this.#isOldAt(askedAt) || this.#clock.now() - this.#polledAt >= OLDEST_MS;
      const stop = isLate ? this.#unanswered('it does not answer') : this.#stopOf(account);
      if (stop !== null) throw new WithheldOrder(stop);
      const sending = send();
      this.#sending.add(sending);
      try {
        return await sending;
      } finally {
        this.#sending.delete(sending);
      }
    };
  }

  /** Everything that stops orders, as of the last poll. */
  stops(): readonly Stop[] {
    return [this.#away, this.#blind, ...(this.#state?.stops() ?? [])].filter((stop) => stop !== null);
  }

  async obey(): Promise<void> {
    const now = this.#clock.now();
    if (!this.#isPolledAfter(now) && !this.#isOldAt(now)) return;
    await this.#pollWithin(POLL_MS);
    if (this.#clock.now() - this.#polledAt >= SILENT_MS) this.#setAway('it does not answer');
  }

  obeys(): readonly ObeyedCommand[] {
    return this.#obeyed;
  }

  /** Reads to the end that stands now. Throws the log's transient errors. */
  async poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = null;
      this.#options.onPoll?.();
    });
    await this.#polling;
  }

  /** Waits for a poll at most that long; one that is not over by then goes on. Never throws. */
  async #pollWithin(ms: number): Promise<void> {
    const over = new AbortController();
    const { timer = this.#clock } = this.#options;
    await Promise.race([this.poll().catch(() => {}), timer.sleep(ms, over.signal)]);
    over.abort();
  }

  /** DSK-12. */
  #isOldAt(askedAt: EpochMillis): boolean {
    return askedAt - this.#polledAt >= POLL_MS;
  }

  /** The last poll was dated by a clock that was set back since: its age is not known. */
  #isPolledAfter(now: EpochMillis): boolean {
    return this.#polledAt > now;
  }

  #stopOf(account: string): Stop | null {
    return this.#blind ?? this.#state?.stopOf(account) ?? null;
  }

  async #poll(): Promise<void> {
    const startedAt = this.#clock.now();
    try {
      await this.#readOn(startedAt);
      this.#away = null;
      this.#setBlind(this.#forgets);
    } catch (thrown) {
      if (isKind(thrown, 'transient')) {
        this.#setAway(thrown.message);
        throw thrown;
      }
      // DSK-15.
      this.#ends = '';
      this.#setBlind(`it cannot be read: ${messageOf(thrown)}`);
    }
    this.#polledAt = startedAt;
  }

  async #readOn(startedAt: EpochMillis): Promise<void> {
    const { log } = this.#topics;
    const offsets = await log.offsets(TOPIC);
    if (Math.abs(startedAt - this.#settingsAt) >= SETTINGS_MS) {
      this.#forgets = (await this.#options.whyItForgets?.()) ?? null;
      this.#settingsAt = startedAt;
    }
    const ends = JSON.stringify(offsets);
    if (ends === this.#ends && Math.abs(startedAt - this.#readAt) < WHOLE_MS) return;
    if (wentBack(this.#offsets, offsets)) this.#setBlind('its offsets went back: it was made anew');
    const before = this.#state === null ? await readLastObeyed(this.#topics) : lastObeyedOf(this.#state);
    this.#state = await readKillSwitch(this.#topics, before);
    this.#ends = ends;
    this.#offsets = offsets;
    this.#readAt = startedAt;
    this.#acknowledge(this.#state);
  }

  /** Notes why the switch cannot be known; null where it can. */
  #setBlind(why: string | null): void {
    if (why === null) this.#blind = null;
    else this.#blind = { scope: WHOLE_DESK, why: `${TOPIC}: ${why}`, since: this.#blind?.since ?? this.#clock.now() };
    this.#logOnce(this.stops().map(describeStop));
  }

  /** DSK-16. */
  #acknowledge(state: KillSwitchState): void {
    const before = [...this.#sending];
    const number = ++this.#read;
    const acknowledge = (): void => {
      if (number < this.#acknowledged) return;
      this.#acknowledged = number;
      this.#obeyed = state.obeys();
    };
    if (before.length === 0) acknowledge();
    else void Promise.allSettled(before).then(acknowledge);
  }

  #setAway(why: string): void {
    this.#away = this.#unanswered(why);
    this.#logOnce(this.stops().map(describeStop));
    this.#options.onPoll?.();
  }

  #unanswered(why: string): UnknownSwitch {
    const since = this.#away?.since ?? (this.#polledAt === -Infinity ? this.#clock.now() : this.#polledAt);
    return { scope: WHOLE_DESK, why: `${TOPIC}: ${why}`, since };
  }

  #logOnce(lines: readonly string[]): void {
    const before = this.#logged;
    this.#logged = lines;
    for (const line of lines)
      if (!before.includes(line)) this.#logger.warn({ topic: TOPIC }, `orders are stopped: ${line}`);
    if (lines.length === 0 && before.length > 0) this.#logger.warn({ topic: TOPIC }, 'orders may be sent again');
  }
}

/** Whether some offset is lower than before: the topic was deleted and made anew. */
function wentBack(before: readonly PartitionOffsets[], now: readonly PartitionOffsets[]): boolean {
  const ends = new Map(now.map(({ partition, end }) => [partition, end]));
  return before.some(({ partition, end }) => (ends.get(partition) ?? 0) < end);
}

function lastObeyedOf(state: KillSwitchState): LastObeyed {
  return new Map(state.obeys().map((obeyed) => [obeyed.scope, obeyed]));
}
