/**
 * Raises stall alerts while the processors run: reads what came to the topics since the last look, as lines in the log and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first 48 h
 *            before the account that is furthest behind of the first four, and all of the others
 * writes     nothing
 * state      what the watch keeps (stall-watch.ts, S2); the first look holds every trade and outcome until its end
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look; batches are taken with pauses, so that processors in the same process get their turn
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { RaisedAlerts } from '../raised-alerts.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { StallReader } from '../stall-reader.ts';

/** Adds little to the minutes that a stall takes to show, and asks the log for a few offsets. Unit: milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** About as long as a batch takes to decode: at most half of one core while it catches up. Unit: milliseconds. */
const PAUSE_MS = 10;

export interface StallWatcherOptions extends ReadableTopics {
  readonly policy: Policy;
  readonly stallLimits?: StallLimits;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Looks until `signal` aborts. Never throws. */
export async function watchStalls(options: StallWatcherOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  const raised = new RaisedAlerts(options);
  let reader: StallReader | null = null;
  let away = false;
  while (!signal.aborted) {
    try {
      reader ??= await StallReader.open({
        ...options,
        now: () => clock.now(),
        pause: (stop) => clock.sleep(PAUSE_MS, stop),
      });
      if (await reader.readOn(signal)) raised.become(reader.alerts());
      away = false;
    } catch (thrown) {
      if (!away && !signal.aborted) logger.warn({ err: thrown }, `stall alerts wait for the log: ${messageOf(thrown)}`);
      away = true;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
