/** Those who write to the desk's topics from outside: the models, and whoever sends what is no record. */
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Random, RandomStream } from '../../ports/random.ts';
import type { ModelId } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { FaultBoard } from './faults.ts';
import type { Kernel } from './kernel.ts';

/** How often the models speak of a symbol. Unit: milliseconds. */
export const SIGNAL_EVERY_MS = 5 * 60_000;

const MODEL = 'ensemble-1' as ModelId;
const REGIMES = ['trend', 'range', 'storm'] as const;

/** How likely a model changes its mind about the regime of a symbol between two words. */
const CHANGES_REGIME = 0.03;

interface Opinion {
  readonly draw: RandomStream;
  confidence: number;
  regime: string;
}

/** An ensemble that speaks of every symbol, in steps that it seldom takes far. */
export class Models {
  readonly #opinions = new Map<string, Opinion>();
  readonly #writer: TopicWriter;
  readonly #kernel: Kernel;
  readonly #faults: FaultBoard;

  constructor(symbols: readonly string[], codec: RecordCodec, random: Random, kernel: Kernel, faults: FaultBoard) {
    this.#writer = new TopicWriter('models', codec);
    this.#kernel = kernel;
    this.#faults = faults;
    for (const symbol of symbols) {
      const draw = random.stream('model', symbol);
      this.#opinions.set(symbol, { draw, confidence: 0.5 + draw.uniform() / 2.5, regime: regimeBy(draw) });
    }
  }

  /** What they say now. */
  speak(): readonly OutgoingRecord[] {
    const { now } = this.#kernel;
    const said: OutgoingRecord[] = [];
    for (const [symbol, opinion] of this.#opinions) {
      const { draw } = opinion;
      const lies = this.#faults.strikes('signals_lie', symbol) !== null;
      const step = draw.normal() * 0.03;
      const leaps = draw.uniform();
      opinion.confidence = lies ? leaps : Math.min(0.99, Math.max(0.01, opinion.confidence + step));
      if (leaps < CHANGES_REGIME || lies) opinion.regime = regimeBy(draw);
      if (this.#faults.strikes('signals_stop', symbol) !== null) continue;
      const record = {
        account: MAIN_ACCOUNT,
        symbol,
        model_id: MODEL,
        emitted_at: now,
        side: 'LONG' as const,
        confidence: opinion.confidence,
        regime: opinion.regime,
        members: [],
      };
      said.push(this.#writer.encode(TOPICS.modelSignal, record, now));
    }
    return said;
  }
}

function regimeBy(draw: RandomStream): string {
  return REGIMES[draw.integer(0, REGIMES.length - 1)] ?? REGIMES[0];
}

/** Bytes that are no record of the topic, in the ways that producers get it wrong. */
export function poison(topic: string, much: number, timestamp: number): OutgoingRecord {
  const ways: readonly (Uint8Array | null)[] = [
    null,
    new Uint8Array(0),
    Buffer.from('{"symbol":"BTCUSDT"}'),
    Uint8Array.from([0, 0, 0, 0, 1, 255, 255, 255, 255]),
    Uint8Array.from([0, 0, 0, 39, 15, 2, 2]),
    Buffer.alloc(4096, 0xa5),
  ];
  const value = ways[Math.floor(much * ways.length)] ?? null;
  return { topic, key: Buffer.from(`${MAIN_ACCOUNT}:BTCUSDT`), value, timestamp };
}
