/**
 * One process of harvestline in the simulated world: the composition of `run` (cli/compose/run.ts) as it is shipped, with the log, the
 * exchange, the targets of alerts and the clocks of the simulation.
 */
import { type RunOptions, run } from '../../cli/compose/run.ts';
import type { ProcessorName } from '../../cli/compose/build-processors.ts';
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { DEFAULT_TERMS } from '../../pipelines/execution/order-plan.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { exchangeSource } from '../../pipelines/snapshots/exchange-source.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import type { Exchange } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { NotifySettings } from '../../ports/notify.ts';
import type { ChangeStream, Venue } from '../../ports/venue.ts';
import type { OrderStyle } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { Host } from './host.ts';

/** A part of the chain that a process may run. */
export type Part = ProcessorName | 'snapshots';

/** What every process of a desk shares. */
export interface ProcessTerms {
  readonly venue: string;
  readonly order: OrderStyle;
  /** Between two looks of the source at the account. Unit: milliseconds. */
  readonly cycleMs: number;
  readonly maxClosesPerMinute: number;
}

/** The world as one process reaches it. */
export interface Reached {
  readonly log: EventLog & TopicAdmin;
  readonly openCodec: () => Promise<RecordCodec>;
  readonly exchange: Exchange & Venue;
  readonly stream: ChangeStream;
  readonly notify: NotifySettings;
  readonly logger: Logger;
}

/** As a desk at an exchange has it (cli/options/venue-options.ts). */
const LIMITS = { maxOrderNotional: null, maxAtOnce: 8, ownVenueOnly: true } as const;

/** Runs the parts until `drain` is aborted or they cannot go on. */
export function runProcess(
  host: Host,
  parts: readonly Part[],
  terms: ProcessTerms,
  reached: Reached,
  drain: AbortController,
): Promise<void> {
  const { log, openCodec, exchange, stream, notify, logger } = reached;
  const { venue, order, cycleMs, maxClosesPerMinute } = terms;
  const observes = parts.includes('snapshots');
  const options: RunOptions = {
    desk: {
      account: MAIN_ACCOUNT,
      venue,
      mode: 'DEMO',
      standing: false,
      observes: observes ? [MAIN_ACCOUNT] : [],
      machine: host.name,
      by: 'desk',
      clock: host.clock,
    },
    processors: parts.filter((part) => part !== 'snapshots'),
    sources: observes
      ? {
          snapshots: (given) =>
            exchangeSource({
              ...given,
              venue: exchange,
              account: MAIN_ACCOUNT,
              symbols: null,
              cycleMs,
              stream,
              mirror: null,
              clock: host.venueClock,
            }),
        }
      : {},
    connect: () => Promise.resolve({ log, openCodec, close: () => log.close() }),
    policy: defaultPolicy(),
    exchange: () => Promise.resolve(exchange),
    limits: { ...LIMITS, maxClosesPerMinute, order: { ...DEFAULT_TERMS, style: order } },
    from: 'beginning',
    http: null,
    onListening: () => {},
    watch: { notifyFile: null, settings: notify, desk: null },
    clock: host.venueClock,
    logger,
  };
  return run(options, drain);
}

/** Loads what `run` loads where it is first used, so that no start of a simulated process waits for a file. */
export async function loadParts(): Promise<void> {
  await Promise.all([
    import('../../cli/compose/build-watch.ts'),
    import('../../cli/compose/build-execution.ts'),
    import('../../pipelines/scoring/scoring-processor.ts'),
    import('../../pipelines/clm/clm-processor.ts'),
    import('../../pipelines/watch/stall-watcher.ts'),
  ]);
}
