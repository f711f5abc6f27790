import { HarvestlineError, isKind, messageOf } from '../../errors/harvestline-error.ts';
import { retryPart } from '../../pipelines/runtime/part-retry.ts';
import type { Processor, Source } from '../../pipelines/runtime/processor.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog, SubscribeOptions, Subscription } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { Health } from '../../pipelines/runtime/health.ts';
import { type WatchedGroup, watchLag } from '../../pipelines/watch/lag-watch.ts';
import { observeProcessor } from '../../pipelines/runtime/processor-observer.ts';

interface RunProcessorsOptions {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly processors: readonly Processor[];
  readonly sources: readonly Source[];
  /** Parts that do not keep the process running, but end it where they cannot go on. */
  readonly watchers: readonly Source[];
  /** The consumer groups of processors whose group is not their name. */
  readonly groups: Readonly<Record<string, string>>;
  /** Where a group starts that has committed nothing yet. */
  readonly from: SubscribeOptions['from'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  readonly metrics: Metrics;
  readonly health: Health;
}

/**
 * Runs processors and sources on one log until `drain` is aborted, by the caller or by a part that cannot go on, or until
 * there are only sources and all have ended.
 *
 * CLI-3  Before this returns, every batch in hand is finished and committed, and the process has left every group.
 * CLI-4  When one part cannot go on, the others drain in the same way; then its error is thrown.
 * CLI-5  A batch that waits out a back-off when the drain begins is given up: uncommitted, it comes again.
 */
export async function runProcessors(options: RunProcessorsOptions, drain: AbortController): Promise<void> {
  const { processors, sources, watchers, health, logger } = options;
  const failures: unknown[] = [];
  const subscriptions: Subscription[] = [];
  const fail = (name: string, thrown: unknown): void => {
    // CLI-5: its back-off was ended by the drain.
    if (drain.signal.aborted && isKind(thrown, 'transient')) return;
    failures.push(thrown);
    health.is(name, 'failed');
    logger.error({ processor: name, err: thrown }, `${name} cannot go on: ${messageOf(thrown)}`);
    drain.abort();
  };
  const consume = async (processor: Processor): Promise<void> => {
    const subscription = await subscribe(processor, options, drain.signal);
    subscriptions.push(subscription);
    const leave = (): void => void subscription.stop().catch((thrown: unknown) => fail(processor.name, thrown));
    if (drain.signal.aborted) leave();
    else drain.signal.addEventListener('abort', leave, { once: true });
    await subscription.done;
    if (drain.signal.aborted) return;
    throw new HarvestlineError('PROCESSOR_STOPPED', `${processor.name} stopped consuming although nobody asked it to`);
  };

  const parts = [
    ...processors.map((processor) => consume(processor).catch((thrown: unknown) => fail(processor.name, thrown))),
    ...sources.map((source) => source.run(drain.signal).catch((thrown: unknown) => fail(source.name, thrown))),
  ];
  const watched = watchers.map((watcher) =>
    watcher.run(drain.signal).catch((thrown: unknown) => fail(watcher.name, thrown)),
  );
  const watching = watchLag({ ...options, groups: watchedGroups(options) }, drain.signal);
  await Promise.all(parts);
  drain.abort();
  // CLI-3: a consumer whose handler failed has ended, but has not left its group yet.
  await Promise.all([watching, ...watched, ...subscriptions.map((subscription) => subscription.stop())]);
  if (failures.length > 0) throw failures[0];
}

/** The consumer groups of the processors, with what they consume. */
export function watchedGroups({
  processors,
  groups,
}: Pick<RunProcessorsOptions, 'processors' | 'groups'>): readonly WatchedGroup[] {
  return processors.map(({ name, inputs, observes = [] }) => ({
    group: groups[name] ?? name,
    topics: [...inputs, ...observes],
  }));
}

async function subscribe(
  processor: Processor,
  { log, codec, groups, from, clock, logger, metrics, health }: RunProcessorsOptions,
  signal: AbortSignal,
): Promise<Subscription> {
  const group = groups[processor.name] ?? processor.name;
  const observer = observeProcessor(processor, group, metrics, health);
  const wiring = wireProcessor({
    processor,
    group,
    log,
    codec,
    clock,
    liveClock: clock,
    logger,
    from,
    signal,
    observer,
  });
  const part = { processor: processor.name, clock, logger, signal, observer };
  return retryPart(part, 'joining', () => log.subscribe(wiring.options, wiring.handler));
}
