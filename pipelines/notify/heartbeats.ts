/**
 * The dead man's switch: calls monitors elsewhere for as long as all is well here. Whatever ends this process, its machine or its network
 * ends the calls as well, and the monitor raises the alarm that nothing here could.
 *
 * NTF-5  A monitor is called only while `isWell` says so. A call that fails is logged once until one works again, ends nothing, and keeps no
 *        other monitor waiting.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Heartbeat, Secret } from '../../ports/notify.ts';

/** Calls the address of a monitor within a bounded time. Throws where the monitor did not take it. */
export type CallMonitor = (name: string, url: Secret, signal: AbortSignal) => Promise<void>;

interface HeartbeatsOptions {
  readonly heartbeats: readonly Heartbeat[];
  readonly call: CallMonitor;
  readonly isWell: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How often it is asked whether all is well, before the first call and after trouble. Unit: milliseconds. */
const ASK_EVERY_MS = 1000;

/** Until `signal` aborts. Never throws. */
export async function sendHeartbeats(
  { heartbeats, ...options }: HeartbeatsOptions,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(heartbeats.map((heartbeat) => beat(heartbeat, options, signal)));
}

async function beat(
  { name, url, everyMs }: Heartbeat,
  { call, isWell, clock, logger, metrics }: Omit<HeartbeatsOptions, 'heartbeats'>,
  signal: AbortSignal,
): Promise<void> {
  const sent = metrics.counter('notifyMessages', { target: name, result: 'taken' });
  const failed = metrics.counter('notifyMessages', { target: name, result: 'failed' });
  let fails = false;
  while (!signal.aborted) {
    if (!isWell()) {
      await clock.sleep(ASK_EVERY_MS, signal);
      continue;
    }
    try {
      await call(name, url, signal);
      sent.add(1);
      if (fails) logger.info({ target: name }, `${name} is called again`);
      fails = false;
    } catch (thrown) {
      if (signal.aborted) return;
      failed.add(1);
      if (!fails) logger.warn({ target: name, err: thrown }, `the monitor cannot be called: ${messageOf(thrown)}`);
      fails = true;
    }
    await clock.sleep(everyMs, signal);
  }
}
