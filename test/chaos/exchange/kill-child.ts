/**
 * One life of execution and reconciliation, on the embedded log of a folder and a local server of Binance's API: works off what is there, and
 * kills itself with SIGKILL before its n-th step towards the log or the exchange. Arguments: folder, address, n (0: never), style of orders,
 * the time from which the clock is sped up. Exits 0 when nothing is left to do.
 */
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { CcxtExchange, AccountMode } from '../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import { perPartition } from '../../../pipelines/runtime/per-partition.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import type { Exchange } from '../../../ports/exchange.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { SPED_UP, limitsFor, settingsFor, retried } from './exchange-settings.ts';
import { restoredSource } from './restored-source.ts';
import { SpedUpClock } from './chaos-clocks.ts';

const [dataDir = '', url = '', killAt = '0', style = 'market', since = '0'] = process.argv.slice(2);

/** In the last life enough to reconcile the last orders, whose lists may be late. */
const CYCLES = killAt === '0' ? 6 : 1;
const PAUSE_MS = 20_000;

/** A quarter of the usual waits, since time is sped up and not skipped; longer than a late order takes. */
const LOOK_UP_WAITS_MS = [50, 100, 200, 400, 800, 1000];

let steps = 0;
/** To be called before and after everything with an effect, since the process is killed between two steps. */
function step(): void {
  steps += 1;
  if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

async function stepped<T>(act: () => Promise<T>): Promise<T> {
  step();
  const result = await act();
  step();
  return result;
}

const clock = new SpedUpClock(Number(since));
const log = EmbeddedLog.open(dataDir, clock);
const append = log.append.bind(log);
log.append = (records) => stepped(() => append(records));
const appendAndCommit = log.appendAndCommit.bind(log);
log.appendAndCommit = (records, commits) => {
  step();
  appendAndCommit(records, commits);
  step();
};
const codec = await RecordCodec.open(log.registry);
const client = await VenueClient.open(settingsFor(url, SPED_UP.timeoutMs), clock, SILENT_LOGGER);
await retried(clock, () => client.measureClock());
const markets = new VenueMarkets(client);
const real = new CcxtExchange(client, markets, await retried(clock, () => AccountMode.of(client)));
const exchange: Exchange = {
  venue: real.venue,
  rules: (symbol) => real.rules(symbol),
  position: (reference) => stepped(() => real.position(reference)),
  markPrice: (reference) => real.markPrice(reference),
  place: (request, gate) => stepped(() => real.place(request, gate)),
  lookUp: (id, symbol) => stepped(() => real.lookUp(id, symbol)),
  cancel: (id, symbol) => stepped(() => real.cancel(id, symbol)),
  charges: (reference) => stepped(() => real.charges(reference)),
  resting: (symbol, side) => stepped(() => real.resting(symbol, side)),
  cancelResting: (symbol, order) => stepped(() => real.cancelResting(symbol, order)),
};
const writer = new TopicWriter('execution', codec);
const limits = { ...limitsFor(style as OrderStyle), lookUpWaitsMs: LOOK_UP_WAITS_MS };
const processor = perPartition(() =>
  executionProcessor({ writer, exchange, clock: client.clock, logger: SILENT_LOGGER, limits }),
);
const source = await retried(clock, () => restoredSource({ log, codec, client, markets }));
const cycle = (): Promise<unknown> => retried(clock, source);
await cycle();
const wiring = wireProcessor({ processor, log, codec, clock, logger: SILENT_LOGGER });
const consumer = log.consumer(wiring.options, wiring.handler);
await consumer.join();
await consumer.pump();
for (let count = 0; count < CYCLES; count++) {
  await cycle();
  await consumer.pump();
  if (killAt === '0') await clock.sleep(PAUSE_MS);
}
await consumer.stop();
await log.close();
process.exit(0);
