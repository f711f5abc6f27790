/**
 * Raises stall alerts while the processors run, and those of letters: reads what came to the topics since the
 * last look, as lines in the log and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first 48 h
 *            before the account that is furthest behind of the first four, and all of the others; every dead-letter topic and letter.discarded
 * writes     nothing
 * state      what the watch keeps (stall-watch.ts, S2); the first look holds every trade and outcome until its end
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look. Processors in the same process go first: the first look waits until they have caught up (catch-up.ts), and
 *            looks take a small share of their time
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Alert } from '../alerts/alerts.ts';
import type { Policy } from '../scoring/policy.ts';
import type { StallLimits } from './stall-limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { LetterWatch } from '../dlq/letter-watch.ts';
import { RaisedAlerts } from '../alerts/raised-alerts.ts';
import type { ReadableTopics } from '../runtime/read-topic.ts';
import { StallReader } from './stall-reader.ts';
import { untilCaughtUp } from './catch-up.ts';
import type { WatchedGroup } from './lag-watch.ts';

/** Adds little to the minutes that a stall takes to show, and asks the log for a few offsets. Unit: milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** How many times as long as a batch took a look pauses after it: so it has at most a fifth of one core. */
const PAUSE_SHARE = 4;

/** A look goes on, however long a batch took. Unit: milliseconds. */
const LONGEST_PAUSE_MS = 1000;

export interface StallWatcherOptions extends ReadableTopics {
  readonly policy: Policy;
  /** The consumer groups of the processors of this process; the first look waits for them. */
  readonly groups: readonly WatchedGroup[];
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
  let resumedAt = clock.now();
  const pause = async (stop: AbortSignal): Promise<void> => {
    const took = clock.now() - resumedAt;
    await clock.sleep(Math.min(PAUSE_SHARE * took, LONGEST_PAUSE_MS), stop);
    resumedAt = clock.now();
  };
  const letters = new LetterWatch(options, pause);
  let reader: StallReader | null = null;
  /** What each of them raises, null when `signal` aborted; one that fails or waits keeps none before it from being raised. */
  const watches: readonly (() => Promise<readonly Alert[] | null>)[] = [
    async () => ((await letters.readOn(signal)) ? letters.alerts() : null),
    async () => {
      reader ??= await StallReader.open({ ...options, now: () => clock.now(), pause });
      return (await reader.readOn(signal)) ? reader.alerts() : null;
    },
  ];
  const standing = new Map<number, readonly Alert[]>();
  let away = false;
  await untilCaughtUp(options.log, options.groups, clock, signal);
  while (!signal.aborted) {
    const failures: unknown[] = [];
    resumedAt = clock.now();
    for (const [place, watch] of watches.entries()) {
      try {
        const alerts = await watch();
        if (alerts !== null) standing.set(place, alerts);
        if (!signal.aborted) raised.become([...standing.values()].flat());
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    const [first] = failures;
    if (first !== undefined && !away && !signal.aborted) {
      logger.warn({ err: first }, `stall alerts wait for the log: ${messageOf(first)}`);
    }
    away = first !== undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
