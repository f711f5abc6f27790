import type { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import type { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { anIntent } from '../../fixtures/an-intent.ts';

export const ACCOUNT = 'main';
export const VENUE = 'binanceusdm';

/** Enough symbols for all partitions. */
const SYMBOLS = Array.from({ length: 24 }, (_, index) => `S${index}USDT`);

/** Faster than the client sends orders, so that orders always queue. Unit: milliseconds. */
const EVERY_MS = 60;

const QUANTITY = 10;
const ENTRY = 100;

/** Opens positions at the exchange again and again, with an intent to close each, until `signal` is aborted. */
export async function feedOrders(
  { server, log, codec, clock }: { server: BinanceServer; log: KafkaLog; codec: RecordCodec; clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const scoring = new TopicWriter('scoring', codec);
  const openedAt = new Map<string, number>();
  for (const symbol of SYMBOLS) {
    server.exchange.setMarket({ symbol, price: '107', tick: '0.01', lotStep: '0.1' });
  }
  for (let turn = 0; !signal.aborted; turn++) {
    const symbol = SYMBOLS[turn % SYMBOLS.length] ?? '';
    const now = clock.now();
    const isOpen = !server.exchange.orders.account.position(symbol, 'BOTH').amount.isZero();
    if (!isOpen) {
      server.exchange.open({ symbol, side: 'LONG', quantity: String(QUANTITY), price: String(ENTRY), at: now });
      openedAt.set(symbol, now);
    }
    const intent = closing(symbol, openedAt.get(symbol) ?? now, now);
    await log.append([scoring.encode(TOPICS.harvestIntent, intent, now)], signal).catch(() => {});
    await clock.sleep(EVERY_MS, signal);
  }
}

function closing(symbol: string, opened_at: number, observed_at: number): HarvestIntent {
  const position_id = positionIdOf(ACCOUNT, symbol, 'LONG', opened_at);
  return {
    ...anIntent({ symbol, fraction: 1, quantity: QUANTITY, entry: ENTRY }),
    account: ACCOUNT,
    venue: VENUE,
    position_id,
    intent_id: intentIdOf(position_id, observed_at),
    opened_at,
    observed_at,
  };
}
