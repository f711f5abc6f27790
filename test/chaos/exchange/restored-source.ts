import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { CcxtVenue } from '../../../connectors/exchange/ccxt/ccxt-venue.ts';
import type { VenueClient } from '../../../connectors/exchange/ccxt/venue-client.ts';
import type { VenueMarkets } from '../../../connectors/exchange/ccxt/venue-markets.ts';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import type { EventLog } from '../../../ports/event-log.ts';
import type { PositionReconciled, PositionSnapshot } from '../../../schemas/generated/records.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { ACCOUNT } from './exchange-story.ts';

interface Observing {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly client: VenueClient;
  readonly markets: VenueMarkets;
}

/** A snapshot source restored from the log, as after a restart. Each call of the result is a cycle, and writes what it observed. */
export async function restoredSource({
  log,
  codec,
  client,
  markets,
}: Observing): Promise<() => Promise<ObservedCycle>> {
  const source = new PositionObserver({
    venue: new CcxtVenue(client, markets),
    account: ACCOUNT,
    clock: client.clock,
    symbols: null,
    signals: { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) },
  });
  const snapshots = new Map<string, PositionSnapshot>();
  const reconciled: PositionReconciled[] = [];
  await forEachRecord({ log, codec }, TOPICS.positionSnapshot.name, {}, (one) => snapshots.set(one.position_id, one));
  await forEachRecord({ log, codec }, TOPICS.positionReconciled.name, {}, (one) => reconciled.push(one));
  source.restore(snapshots.values(), reconciled);
  const writer = new TopicWriter('snapshots', codec);
  return async () => {
    const cycle = await source.observe();
    await log.append([
      ...cycle.reconciled.map((one) => writer.encode(TOPICS.positionReconciled, one, cycle.now)),
      ...cycle.snapshots.map((one) => writer.encode(TOPICS.positionSnapshot, one, cycle.now)),
    ]);
    return cycle;
  };
}
