/**
 * `run watch`: evaluates the desk every few seconds, keeps desk.alert, and sends messages about it.
 *
 * reads      desk.alert in the group `watch`; desk.alert, notify.delivered; whatever the evaluation reads
 * writes     desk.alert, notify.delivered
 * state      the latest record of each alert and delivery, from these topics; what cannot be recorded yet, in memory
 * guarantee  of all watches one works, the one that is assigned the partition of desk.alert; the others evaluate, and take over. A change is
 *            written once and sent at least once (alert-watch.ts)
 *
 * NTF-16  While the log does not answer, `log_unavailable` is sent from memory by the watch that worked last, and recorded once the log is
 *         back. All else waits meanwhile: another watch may have taken over.
 * NTF-17  An evaluation that fails for a minute is `log_unavailable` as well: nobody watches.
 */
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { type Clock, type EpochMillis, orAborted } from '../../ports/clock.ts';
import { SEVERITIES } from '../../ports/notify.ts';
import type { AlertSeverity, DeskAlert } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Gauge } from '../../ports/metrics.ts';
import { severityOf } from '../alerts/alert-table.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { type Alert, alertKey, lookCloser } from '../alerts/alerts.ts';
import type { Processor, Write } from '../runtime/processor.ts';
import { AlertWatch, type AlertWatchOptions } from './alert-watch.ts';
import { LogProbe } from './log-probe.ts';

/** Far below the three minutes within which a person has to know, and some hundred small requests each time. Unit: milliseconds. */
const EVALUATE_EVERY_MS = 10_000;

/** The pause after an evaluation, as a multiple of what it took: watching has a fifth of one core at most. */
const PAUSE_SHARE = 4;

/** The longest pause, however long an evaluation took. Unit: milliseconds. */
const LONGEST_PAUSE_MS = 30_000;

/** How late a message may be sent that became due meanwhile: a retry, a reminder. Unit: milliseconds. */
const SEND_EVERY_MS = 1000;

/** An alert that is gone for two evaluations is over. Unit: milliseconds. */
const CLEAR_AFTER_MS = 15_000;

/** Longer than any alert takes to be found again after a start: processors-gone.ts, NTF-15, NTF-17. Unit: milliseconds. */
const SETTLE_MS = 2 * 60_000;

/** A watch that has not evaluated for so long is not well. Unit: milliseconds. */
const UNWELL_AFTER_MS = 2 * 60_000;

/** Bounds a drain. A message that is given up is sent again by whoever watches next. Unit: milliseconds. */
const FINISHED_WITHIN_MS = 10_000;

/** A watch that has not been assigned its partition again by then is not the one that works. Unit: milliseconds. */
const TAKEN_OVER_AFTER_MS = 60_000;

/** NTF-17. Unit: milliseconds. */
const EVALUATES_WITHIN_MS = 60_000;

export interface RunWatchOptions extends Omit<
  AlertWatchOptions,
  'clock' | 'pacing' | 'clearAfterMs' | 'settleMs' | 'signal'
> {
  readonly evaluate: () => Promise<readonly Alert[]>;
  /** Told what stands after each evaluation, in every watch: for gauges and log lines. */
  readonly onEvaluated?: (alerts: readonly Alert[]) => void;
  /** Calls monitors while the watch is well, until the signal aborts. */
  readonly monitor?: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

export class RunWatch {
  readonly #options: RunWatchOptions;
  /** Aborted when nothing is sent any more. */
  readonly #ended = new AbortController();
  readonly #watch: AlertWatch;
  readonly #probe: LogProbe;
  readonly #standing: ReadonlyMap<AlertSeverity, Gauge>;
  /** Writes while this is the watch that works; null while another is, or none. */
  #write: Write | null = null;
  /** NTF-16: what was sent from memory, and when the log did not answer last. */
  #told: DeskAlert | null = null;
  #toldAt: EpochMillis = -Infinity;
  #isReturning = false;
  #evaluatedAt: EpochMillis = -Infinity;
  #failingSince: EpochMillis | null = null;
  #found: readonly Alert[] = [];

  constructor(options: RunWatchOptions) {
    const { clock, topics } = options;
    this.#options = options;
    const terms = { clearAfterMs: CLEAR_AFTER_MS, settleMs: SETTLE_MS };
    this.#watch = new AlertWatch({ ...options, ...terms, pacing: clock, signal: this.#ended.signal });
    this.#probe = new LogProbe(topics.log, clock);
    const { metrics } = options;
    this.#standing = new Map(SEVERITIES.map((severity) => [severity, metrics.gauge('alertsStanding', { severity })]));
    const age = metrics.gauge('evaluationAge', {});
    const startedAt = clock.now();
    metrics.onLook(() => age.set((clock.now() - Math.max(this.#evaluatedAt, startedAt)) / 1000));
  }

  /** What the group `watch` runs: it decides who works. */
  get processor(): Processor {
    return {
      name: TOPICS.deskAlert.writer,
      inputs: [TOPICS.deskAlert],
      recover: async (partitions, write) => {
        this.#write = null;
        if (partitions.length === 0) return;
        await this.#watch.journal.readOn();
        this.#write = write;
      },
      // What it has written itself. What an earlier watch wrote last is read with the rest before each change.
      process: () => Promise.resolve([]),
    };
  }

  /** It has evaluated within the last two minutes. */
  isWell(): boolean {
    return this.#options.clock.now() - this.#evaluatedAt <= UNWELL_AFTER_MS;
  }

  /** Until `signal` aborts, and what is on its way then is taken or late. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, monitor } = this.#options;
    const evaluating = this.#evaluateOn(signal);
    await Promise.all([this.#probe.run(signal), evaluating, this.#sendOn(signal), monitor?.(signal)]);
    const idle = new AbortController();
    await Promise.race([this.#watch.idle(), clock.sleep(FINISHED_WITHIN_MS, idle.signal)]);
    idle.abort();
    this.#ended.abort();
  }

  async #evaluateOn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const startedAt = clock.now();
      await orAborted(this.#evaluate(signal), signal);
      const took = clock.now() - startedAt;
      await clock.sleep(Math.max(EVALUATE_EVERY_MS, Math.min(PAUSE_SHARE * took, LONGEST_PAUSE_MS)), signal);
    }
  }

  async #evaluate(signal: AbortSignal): Promise<void> {
    const { evaluate, onEvaluated, clock, logger } = this.#options;
    try {
      this.#found = await evaluate();
      this.#evaluatedAt = clock.now();
      this.#failingSince = null;
    } catch (thrown) {
      if (signal.aborted) return;
      if (this.#failingSince === null) {
        logger.warn({ err: thrown }, `alerts cannot be evaluated: ${messageOf(thrown)}`);
      }
      this.#failingSince ??= clock.now();
      if (clock.now() - this.#failingSince < EVALUATES_WITHIN_MS) return;
      this.#found = [blind(this.#failingSince, messageOf(thrown)), ...this.#found.filter(({ name }) => name !== BLIND)];
    }
    onEvaluated?.(this.#found);
    const counts = Map.groupBy(this.#found, ({ name }) => severityOf(name));
    for (const [severity, gauge] of this.#standing) gauge.set(counts.get(severity)?.length ?? 0);
    await this.#record();
  }

  async #record(): Promise<void> {
    const write = this.#write;
    if (write === null || this.#told !== null) return;
    try {
      await this.#watch.journal.readOn();
      await this.#watch.record(this.#found, write);
      this.#send();
    } catch (thrown) {
      this.#lost(thrown, write);
    }
  }

  async #sendOn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#send();
      await clock.sleep(SEND_EVERY_MS, signal);
    }
  }

  #send(): void {
    const { clock } = this.#options;
    const { journal } = this.#watch;
    const silentSince = this.#probe.silentSince();
    if (silentSince !== null && (this.#write !== null || this.#told !== null)) {
      // NTF-16.
      this.#told ??= this.#watch.raised(silent(silentSince));
      this.#toldAt = clock.now();
      this.#watch.send(new Map([[alertKey(this.#told), this.#told]]));
    } else if (this.#told !== null) {
      if (!this.#isReturning) void this.#return(this.#told);
    } else if (silentSince === null && this.#write !== null) {
      this.#watch.send();
      if (journal.hasNotes) void journal.recordNotes().catch(() => {});
    }
  }

  /**
   * NTF-16: the log is back. What was sent is recorded, and the next evaluation clears it. Where another watch has taken over meanwhile, it
   * is cleared from memory: the other knows nothing of it.
   */
  async #return(told: DeskAlert): Promise<void> {
    const { clock } = this.#options;
    const { journal } = this.#watch;
    const write = this.#write;
    this.#isReturning = true;
    try {
      if (write !== null && told.state === 'RAISED') {
        await journal.readOn();
        if (journal.alerts.get(alertKey(told))?.alert_id !== told.alert_id) await journal.change([told], write);
        await journal.recordNotes();
        this.#told = null;
      } else if (told.state === 'CLEARED') {
        this.#watch.send(new Map([[alertKey(told), told]]));
        await this.#watch.idle();
        if (this.#watch.isDone) this.#told = null;
      } else if (clock.now() - this.#toldAt >= TAKEN_OVER_AFTER_MS) {
        this.#told = { ...told, state: 'CLEARED', at: clock.now() };
      }
    } catch (thrown) {
      this.#lost(thrown, write);
    } finally {
      this.#isReturning = false;
    }
  }

  /** Another watch works by now: the next assignment decides. Whatever else the log said, the next evaluation tries again. */
  #lost(thrown: unknown, write: Write | null): void {
    const { logger } = this.#options;
    if (this.#ended.signal.aborted) return;
    logger.warn({ err: thrown }, `alerts are not recorded: ${messageOf(thrown)}`);
    const isOver = thrown instanceof HarvestlineError && thrown.code === 'MEMBERSHIP_LOST';
    if (isOver && this.#write === write) this.#write = null;
  }
}

const BLIND = 'log_unavailable';

function silent(since: EpochMillis): Alert {
  const evidence = `The log has not answered since ${formatEventTime(since)}: nothing is decided, recorded or watched.`;
  return { name: BLIND, since, evidence, next: lookCloser('doctor') };
}

function blind(since: EpochMillis, why: string): Alert {
  return {
    name: BLIND,
    since,
    evidence: `The watch has not been able to evaluate the desk for a minute: ${why}.`,
    next: lookCloser('doctor'),
  };
}
