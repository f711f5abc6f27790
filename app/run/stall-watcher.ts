/**
 * Raises stall alerts while the processors run, and those of letters: reads what came to the topics since the
 * last look, as lines in the log and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first 48 h
 *            before the account that is furthest behind of the first four, and all of the others; every dead-letter topic and letter.discarded
 * writes     nothing
 * state      what the watch keeps (stall-watch.ts, S2); the first look holds every trade and outcome until its end
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look; batches are taken with pauses, so that processors in the same process get their turn
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Alert } from '../../pipelines/watch/alerts.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { LetterWatch } from '../dlq/letter-watch.ts';
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
  const pause = (stop: AbortSignal): Promise<void> => clock.sleep(PAUSE_MS, stop);
  const letters = new LetterWatch(options, pause);
  let reader: StallReader | null = null;
  /** What each of them raises, null when `signal` aborted; one that fails keeps no other from being raised. */
  const watches: readonly (() => Promise<readonly Alert[] | null>)[] = [
    async () => {
      reader ??= await StallReader.open({ ...options, now: () => clock.now(), pause });
      return (await reader.readOn(signal)) ? reader.alerts() : null;
    },
    async () => ((await letters.readOn(signal)) ? letters.alerts() : null),
  ];
  const standing = new Map<number, readonly Alert[]>();
  let away = false;
  while (!signal.aborted) {
    const failures: unknown[] = [];
    for (const [place, watch] of watches.entries()) {
      try {
        const alerts = await watch();
        if (alerts !== null) standing.set(place, alerts);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (!signal.aborted) raised.become([...standing.values()].flat());
    const [first] = failures;
    if (first !== undefined && !away && !signal.aborted) {
      logger.warn({ err: first }, `stall alerts wait for the log: ${messageOf(first)}`);
    }
    away = first !== undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
