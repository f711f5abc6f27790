/**
 * Alerts of `dev` as records and messages: the watch of `run`, in lock-step with the market. Evaluated every quarter of an hour of the
 * market's time; the machine's time only paces what is sent.
 *
 * CLI-6  With targets that take what they are sent, the records are the same in every run, however often it is killed: when it evaluates
 *        follows from the market's time alone, and the next cycle waits until the messages of this one are taken.
 */
import type { EmbeddedConsumer } from '../../connectors/embedded/embedded-consumer.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Alert } from '../../pipelines/alerts/alerts.ts';
import { AlertWatch } from '../../pipelines/notify/alert-watch.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import { DeskAlerts } from '../../pipelines/notify/desk-alerts.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { NO_METRICS } from '../../ports/metrics.ts';
import type { NotifySettings } from '../../ports/notify.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DevChain } from '../compose/dev-chain.ts';

/** How late an alert may be. Unit: milliseconds of the market's time. */
const EVALUATE_EVERY_MS = 15 * 60 * 1000;

/** How long a cycle waits for the targets. One that needs longer holds up no later cycle. Unit: milliseconds. */
const TAKEN_WITHIN_MS = 5000;

interface DevWatchOptions {
  readonly chain: Pick<DevChain, 'log' | 'topics' | 'lastCycleAt'>;
  /** Length of a cycle. Unit: milliseconds of the market's time. */
  readonly intervalMs: number;
  readonly settings: NotifySettings;
  readonly notifyFile: string;
  readonly desk: string | null;
  readonly limits: StallLimits;
  /** Name the data folder in the commands of alerts. */
  readonly logFlags: string;
  /** The machine's. */
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DevWatch {
  readonly #options: DevWatchOptions;
  readonly #alerts: DeskAlerts;
  readonly #watch: AlertWatch;
  readonly #member: EmbeddedConsumer;
  readonly #ended = new AbortController();
  /** The market's. */
  #now: EpochMillis = 0;
  /** A target has not answered in time, and is not waited for. */
  #isLate = false;

  constructor(options: DevWatchOptions) {
    const { chain, limits, clock, logger, settings } = options;
    const { topics, log } = chain;
    this.#options = options;
    this.#alerts = new DeskAlerts({ topics, limits, clock });
    const market = { now: () => this.#now };
    this.#watch = new AlertWatch({
      ...options,
      topics,
      // Hours pass in moments here: reminders would come in floods.
      settings: { ...settings, remindAfterMs: Infinity },
      clearAfterMs: 0,
      settleMs: 0,
      clock: market,
      pacing: clock,
      metrics: NO_METRICS,
      signal: this.#ended.signal,
    });
    // The group of the watch, so that what it has written is not taken for a backlog.
    const processor = { name: 'watch', inputs: [TOPICS.deskAlert], process: () => Promise.resolve([]) } as const;
    const wiring = wireProcessor({ processor, log, codec: topics.codec, clock, logger });
    this.#member = log.consumer(wiring.options, wiring.handler);
  }

  /** Makes up for what an earlier run was killed in. Throws DATA_IN_USE. */
  async begin(signal: AbortSignal): Promise<void> {
    if (!(await this.#member.join())) throw new HarvestlineError('DATA_IN_USE', 'another process watches this log');
    await this.#watch.journal.readOn();
    const { lastCycleAt } = this.#options.chain;
    if (lastCycleAt !== null) await this.cycled(lastCycleAt, signal);
    await this.#send(signal);
  }

  /** The alerts that stand after the cycle of that time; null where it is not one of those that are evaluated. */
  async cycled(now: EpochMillis, signal: AbortSignal): Promise<readonly Alert[] | null> {
    this.#now = now;
    const slotOf = (at: EpochMillis): number => Math.floor(at / EVALUATE_EVERY_MS);
    if (slotOf(now) === slotOf(now - this.#options.intervalMs)) return null;
    const found = await this.#alerts.evaluate();
    await this.#watch.journal.readOn();
    await this.#watch.record(found, (records) => this.#options.chain.log.append(records));
    await this.#member.pump();
    await this.#send(signal);
    return found;
  }

  /** Gives what is due its last chance. What is not taken is sent at the next start. */
  async finish(): Promise<void> {
    this.#isLate = false;
    await this.#send(new AbortController().signal);
    this.#ended.abort();
  }

  async #send(signal: AbortSignal): Promise<void> {
    this.#watch.send();
    if (this.#isLate) return;
    const taken = new AbortController();
    const idle = this.#untilTaken(taken);
    const late = this.#untilLate(signal, taken.signal);
    await Promise.race([idle, late]);
  }

  async #untilTaken(taken: AbortController): Promise<void> {
    await this.#watch.idle();
    this.#isLate = false;
    taken.abort();
  }

  async #untilLate(signal: AbortSignal, taken: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(TAKEN_WITHIN_MS, AbortSignal.any([signal, taken]));
    if (!taken.aborted) this.#isLate = true;
  }
}
