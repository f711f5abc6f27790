/**
 * The board of a desk, read from its topics while somebody looks.
 *
 * BRD-5  While nobody looks nothing is read, evaluated or compared for it; the stall watch's own reads pass by the projection.
 * BRD-6  All who watch are told the same changes in the same order, at most ten times a second. A viewer that fails costs itself alone.
 * BRD-7  A log that does not answer leaves the last picture, with an alert that says so, and is asked again.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Board, BoardChange, BoardSource, PositionStory } from '../../ports/board.ts';
import { type Clock, type EpochMillis, aborted } from '../../ports/clock.ts';
import type { Stop } from '../../ports/kill-switch.ts';
import type { DeskMode, PositionId } from '../../schemas/generated/records.ts';
import { type Alert, alertKey, lookCloser } from '../alerts/alerts.ts';
import { LATE_MS } from '../status/topic-statuses.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import type { StallReader } from '../watch/stall-watcher.ts';
import { BoardTopics, type GroupLag, type WaitingDeadLetters } from './board-reader.ts';
import { type BoardRest, changeOf } from './changes.ts';
import { BoardPicture } from './picture.ts';
import type { BoardProjection } from './projection.ts';
import { storyOf } from './story.ts';

/** Live for an eye, and a few requests for offsets each time. Unit: milliseconds. */
const READ_EVERY_MS = 250;

/** BRD-6: a picture this young is not read anew. Unit: milliseconds. */
const YOUNG_MS = 100;

/** Reading and comparing have a third of one core at most. */
const PAUSE_SHARE = 2;

/** What has to be asked for costs requests, and changes slowly. Unit: milliseconds. */
const ASK_EVERY_MS = 5000;

export interface BoardOptions extends ReadableTopics {
  readonly projection: BoardProjection;
  /** The reader of the stall watch, which passes what it reads to the projection. */
  readonly reader: () => Promise<StallReader>;
  readonly desk: string | null;
  /** Where the records lie, in words. */
  readonly logName: string;
  /** The flags that name the log in commands. */
  readonly logFlags: string;
  readonly version: string;
  /** What stops orders now. */
  readonly stops: () => Promise<readonly Stop[]>;
  /** Null: as desk.process says. */
  readonly mode: DeskMode | null;
  /** The clock of the records where the log is written live; null elsewhere. */
  readonly liveNow: () => EpochMillis | null;
  /** Alerts that only this process knows. */
  readonly ownAlerts?: () => readonly Alert[];
  /** This machine's: paces reading, and says which processes live. */
  readonly clock: Clock;
  /** Aborts when the process ends: nothing is read after it. */
  readonly signal: AbortSignal;
}

/** The stall watch's alerts take it through all its questions. Unit: milliseconds. */
const ALERTS_EVERY_MS = 1000;

/** What the reader of the stall watch says after a read. */
interface Seen {
  readonly at: EpochMillis | null;
  readonly open: ReadonlySet<PositionId>;
  readonly alerts: readonly Alert[];
}

/** What has to be asked for. */
interface Asked extends WaitingDeadLetters, GroupLag {
  readonly stops: readonly Stop[];
}

interface Viewer {
  readonly onChange: (change: BoardChange) => void;
  readonly fail: (thrown: unknown) => void;
}

export class DeskBoard implements BoardSource {
  readonly #options: BoardOptions;
  readonly #topics: BoardTopics;
  readonly #picture: BoardPicture;
  readonly #viewers = new Set<Viewer>();
  #reader: StallReader | null = null;
  #seen: Seen | null = null;
  #alertsAt = -Infinity;
  #asked: Asked | null = null;
  #askedAt = -Infinity;
  #rest: BoardRest | null = null;
  #refreshedAt = -Infinity;
  #refreshing: Promise<void> | null = null;
  #follows = false;
  /** BRD-7. */
  #away: Alert | null = null;
  #failure: unknown = null;

  constructor(options: BoardOptions) {
    this.#options = options;
    this.#topics = new BoardTopics(options, options.projection);
    this.#picture = new BoardPicture(options);
  }

  async state(): Promise<Board> {
    await this.#refresh();
    if (this.#rest === null) {
      this.#options.signal.throwIfAborted();
      throw this.#failure;
    }
    return { ...this.#rest, positions: this.#options.projection.positions.shown() };
  }

  async watch(onChange: (change: BoardChange) => void, signal: AbortSignal): Promise<void> {
    const failed = Promise.withResolvers<never>();
    const viewer = { onChange, fail: failed.reject };
    this.#viewers.add(viewer);
    if (!this.#follows) void this.#follow();
    try {
      await Promise.race([aborted(signal), failed.promise]);
    } finally {
      this.#viewers.delete(viewer);
    }
  }

  story(position: string, signal: AbortSignal): Promise<PositionStory | null> {
    return storyOf(this.#options, position, signal);
  }

  /** Reads on while there are viewers. Never throws. */
  async #follow(): Promise<void> {
    const { clock, signal } = this.#options;
    this.#follows = true;
    while (this.#viewers.size > 0 && !signal.aborted) {
      const began = clock.now();
      try {
        await this.#refresh();
      } catch (thrown) {
        for (const { fail } of this.#viewers) fail(thrown);
      }
      await clock.sleep(Math.max(READ_EVERY_MS, PAUSE_SHARE * (clock.now() - began)), signal);
    }
    this.#follows = false;
  }

  /** Callers at the same time share one. Never throws what the log throws. */
  async #refresh(): Promise<void> {
    const { clock } = this.#options;
    if (clock.now() - this.#refreshedAt < YOUNG_MS) return;
    this.#refreshing ??= this.#readAndTell().finally(() => {
      this.#refreshing = null;
      this.#refreshedAt = clock.now();
    });
    await this.#refreshing;
  }

  async #readAndTell(): Promise<void> {
    const { clock } = this.#options;
    try {
      await this.#read();
      this.#away = null;
    } catch (thrown) {
      this.#failure = thrown;
      this.#away ??= unavailable(clock.now(), messageOf(thrown));
    }
    this.#tell();
  }

  async #read(): Promise<void> {
    const { clock, liveNow, signal, stops } = this.#options;
    const reader = (this.#reader ??= await this.#options.reader());
    // Gives the event loop a turn: an embedded log returns its batches without ever waiting.
    const turn = (until: AbortSignal): Promise<void> => clock.sleep(0, until);
    const seen = await reader.readOn(signal, turn, () => this.#look(reader));
    if (seen === null) return;
    await this.#topics.readOn(seen.at, liveNow() === null ? null : clock.now(), signal);
    if (this.#asked === null || clock.now() - this.#askedAt >= ASK_EVERY_MS) {
      const letters = await this.#topics.deadLetters();
      const lag = await this.#topics.lag((liveNow() ?? seen.at ?? 0) - LATE_MS);
      const venue = await this.#topics.venueAlerts();
      this.#asked = { ...letters, ...lag, alerts: [...letters.alerts, ...venue], stops: await stops() };
      this.#askedAt = clock.now();
    }
    this.#seen = seen;
  }

  #look(reader: StallReader): Seen {
    const { clock } = this.#options;
    const watermarks = reader.watermarks();
    const stale = this.#seen === null || clock.now() - this.#alertsAt >= ALERTS_EVERY_MS;
    if (stale) this.#alertsAt = clock.now();
    const alerts = stale
      ? distinct([...reader.alerts(), ...this.#options.projection.alerts(watermarks)])
      : (this.#seen?.alerts ?? []);
    return { at: watermarks.newest(), open: reader.openPositions(watermarks), alerts };
  }

  /** BRD-6. */
  #tell(): void {
    const { projection } = this.#options;
    if (this.#seen === null || this.#asked === null) return;
    const positions = projection.positions.look(this.#seen.open);
    const before = this.#rest;
    const away = this.#away === null ? [] : [this.#away];
    const alerts = [...away, ...this.#seen.alerts, ...this.#asked.alerts, ...(this.#options.ownAlerts?.() ?? [])];
    this.#rest = this.#picture.rest({ ...this.#asked, at: this.#seen.at, open: this.#seen.open.size, alerts });
    // Who watches has no picture yet.
    if (before === null) return;
    const change = changeOf(before, this.#rest, positions);
    if (change === null) return;
    for (const viewer of this.#viewers) {
      try {
        viewer.onChange(change);
      } catch (thrown) {
        viewer.fail(thrown);
      }
    }
  }
}

/** Both readers count refused orders. */
function distinct(alerts: readonly Alert[]): readonly Alert[] {
  return [...new Map(alerts.toReversed().map((alert) => [alertKey(alert), alert])).values()].toReversed();
}

/** BRD-7. */
function unavailable(since: EpochMillis, why: string): Alert {
  const evidence = `The log does not answer, and what is shown is as of before: ${why}.`;
  return { name: 'log_unavailable', since, evidence, next: lookCloser('status') };
}
