import type { Health } from '../../pipelines/runtime/health.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Heartbeat } from '../../ports/notify.ts';

/** A rebalance, a restart of the broker, a slow read: what passes within that is no reason for an alarm. Unit: milliseconds. */
const UNWELL_AFTER_MS = 2 * 60_000;

interface BeatOptions {
  /** A monitor to call; null for none. */
  readonly heartbeat: Heartbeat | null;
  readonly health: Health;
  /** What else has to be well. */
  readonly isWell: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Calls the monitor while this process is ready, or was so within the last two minutes. Loaded where there is one. */
export async function beatWhileReady(
  { heartbeat, health, ...options }: BeatOptions,
  signal: AbortSignal,
): Promise<void> {
  if (heartbeat === null) return;
  const { callMonitor } = await import('../../connectors/notify/heartbeat.ts');
  const { sendHeartbeats } = await import('../../pipelines/notify/heartbeats.ts');
  const { clock } = options;
  let readyAt = -Infinity;
  const isWell = (): boolean => {
    if (health.ready().ok) readyAt = clock.now();
    return clock.now() - readyAt <= UNWELL_AFTER_MS && options.isWell();
  };
  await sendHeartbeats({ ...options, heartbeats: [heartbeat], call: callMonitor, isWell }, signal);
}
