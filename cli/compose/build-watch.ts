import { callMonitor } from '../../connectors/notify/heartbeat.ts';
import { readNotifyFile } from '../../connectors/notify/notify-file.ts';
import { RaisedAlerts } from '../../pipelines/alerts/alerts.ts';
import { sendHeartbeats } from '../../pipelines/notify/heartbeats.ts';
import { RunWatch } from '../../pipelines/notify/run-watch.ts';
import type { StatusTopics } from '../../pipelines/status/status-reader.ts';
import { DeskAlerts } from '../../pipelines/notify/desk-alerts.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { NotifySettings } from '../../ports/notify.ts';

/** Where alerts go, as `--notify` says. */
export interface WatchChoice {
  /** Null: alerts are recorded, and nobody is told. */
  readonly notifyFile: string | null;
  /** In place of what the file says: where targets are none of the world's. */
  readonly settings?: NotifySettings;
  readonly desk: string | null;
}

interface WatchParts extends Pick<StatusTopics, 'log' | 'codec'> {
  readonly stallLimits: StallLimits;
  /** Name the log in the commands that alerts print. */
  readonly logWords: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Without a file: no targets. */
const NO_SETTINGS: NotifySettings = { targets: [], heartbeats: [], quietHours: null, remindAfterMs: Infinity };

/** The watch of `run`. Throws NOTIFY_FILE_INVALID. */
export function buildWatch({ notifyFile, settings: given, desk }: WatchChoice, parts: WatchParts): RunWatch {
  const { log, codec, stallLimits, logWords, clock, logger, metrics } = parts;
  const settings = given ?? (notifyFile === null ? NO_SETTINGS : readNotifyFile(notifyFile));
  const topics = { log, codec, counts: () => 1, countsOffsets: true, liveNow: () => clock.now() } as const;
  const alerts = new DeskAlerts({ topics, limits: stallLimits, clock });
  const raised = new RaisedAlerts({ logger, metrics, logWords });
  const watch = new RunWatch({
    topics,
    settings,
    desk,
    notifyFile,
    logFlags: logWords,
    evaluate: () => alerts.evaluate(),
    onEvaluated: (found) => raised.become(found),
    monitor: (signal) => {
      const { heartbeats } = settings;
      const isWell = (): boolean => watch.isWell();
      return sendHeartbeats({ heartbeats, call: callMonitor, isWell, clock, logger, metrics }, signal);
    },
    clock,
    logger,
    metrics,
  });
  return watch;
}
