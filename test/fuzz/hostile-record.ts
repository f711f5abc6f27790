/**
 * Records as hostile or faulty producers write them, drawn from the schemas' own bounds: edges included, valid and not. The bytes are
 * avsc's, so nothing of ours has looked at them. The same seed gives the same records.
 */
import * as fc from 'fast-check';
import type { Type } from 'avsc';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { RandomStream } from '../../ports/random.ts';
import { avroTypeOf } from '../../schemas/avro-type.ts';
import { positionIdOf } from '../../schemas/ids.ts';
import { loadSchema, type Topic, TOPICS } from '../../schemas/topics.ts';
import { valueOf } from '../schemas/arbitrary-value.ts';

type Fields = Record<string, unknown>;

/** Where the records go: all that the processors take in, and the state that they read back, which gets rubbish alone. */
const TARGETS: readonly { readonly topic: Topic; readonly weight: number; readonly rubbishOnly?: true }[] = [
  { topic: TOPICS.positionSnapshot, weight: 40 },
  { topic: TOPICS.harvestIntent, weight: 25 },
  { topic: TOPICS.tradeClosed, weight: 15 },
  { topic: TOPICS.positionReconciled, weight: 10 },
  { topic: TOPICS.confidenceCalibration, weight: 3 },
  { topic: TOPICS.modelSignal, weight: 3 },
  { topic: TOPICS.executionReport, weight: 2, rubbishOnly: true },
  { topic: TOPICS.clmOutcome, weight: 2, rubbishOnly: true },
];

/** Marks what the fuzz has written: what bears it not is the chain's own. */
export const FUZZ_HEADER = 'fuzz';

const POOL = 1000;
const SYMBOLS = 40;
const HOUR_MS = 60 * 60 * 1000;
const YEAR_2100 = 4_102_444_800_000;

const ODD_NUMBERS = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  -1,
  5e-324,
  1e308,
  -1e308,
  Number.MAX_VALUE,
  1e-12,
  9.99e-13,
  1e12,
  1.01e12,
  1e15,
  1.01e15,
  2 ** 53,
];

interface Target {
  readonly topic: Topic;
  readonly weight: number;
  readonly rubbishOnly: boolean;
  readonly type: Type;
  readonly schemaId: number;
  /** Values that the schema allows; their fields are mixed. */
  readonly pool: readonly Fields[];
}

export class HostileRecords {
  readonly #random: RandomStream;
  readonly #targets: readonly Target[];
  readonly #total: number;
  #count = 0;

  /** `schemaIdOf` names the id under which the registry holds the schema of a topic. */
  static async open(
    seed: number,
    random: RandomStream,
    schemaIdOf: (topic: Topic) => Promise<number>,
  ): Promise<HostileRecords> {
    const targets: Target[] = [];
    for (const { topic, weight, rubbishOnly = false } of TARGETS) {
      const schema = loadSchema(topic);
      const pool = fc.sample(valueOf(schema), { seed, numRuns: POOL }) as Fields[];
      targets.push({ topic, weight, rubbishOnly, type: avroTypeOf(schema), schemaId: await schemaIdOf(topic), pool });
    }
    return new HostileRecords(random, targets);
  }

  private constructor(random: RandomStream, targets: readonly Target[]) {
    this.#random = random;
    this.#targets = targets;
    this.#total = targets.reduce((sum, { weight }) => sum + weight, 0);
  }

  next(now: number): OutgoingRecord {
    const target = this.#target();
    const number = (this.#count += 1);
    const value = target.rubbishOnly ? this.#rubbish(target, now) : this.#value(target, now);
    const { record, bytes } = value;
    const key = this.#key(record);
    return {
      topic: target.topic.name,
      key,
      value: bytes,
      timestamp: this.#timestamp(now),
      headers: [[FUZZ_HEADER, Buffer.from(String(number))], ...this.#headers()],
      ...(key === null ? { partition: this.#below(target.topic.partitions) } : {}),
    };
  }

  #value(target: Target, now: number): { record: Fields | null; bytes: Uint8Array | null } {
    const kind = this.#random.uniform();
    if (kind < 0.1) return this.#rubbish(target, now);
    const record = this.#plausible(target, now);
    // Half of them are as they are.
    if (kind > 0.5) return { record, bytes: encoded(target, record) };
    const broken = this.#broken(target, record, now);
    return { record: broken, bytes: encoded(target, broken) };
  }

  /** Bytes that are no record of the topic. */
  #rubbish(target: Target, now: number): { record: null; bytes: Uint8Array | null } {
    const good = encoded(target, this.#plausible(target, now)) ?? Buffer.alloc(0);
    const flipped = Buffer.from(good);
    for (let flips = this.#below(4); flips >= 0 && flipped.length > 5; flips--) {
      flipped[5 + this.#below(flipped.length - 5)] = this.#below(256);
    }
    const otherId = Buffer.from(good);
    if (otherId.length > 4) otherId.writeInt32BE(this.#pick([0, -1, 999_999, target.schemaId + 1, 2 ** 31 - 1]), 1);
    const bytes = this.#pick<Uint8Array | null>([
      null,
      Buffer.alloc(0),
      Buffer.from('{"not":"avro"}'),
      Buffer.from([0]),
      Buffer.from(Uint8Array.from({ length: this.#below(200) }, () => this.#below(256))),
      good.subarray(0, this.#below(good.length + 1)),
      Buffer.concat([good, Buffer.from('trailing')]),
      flipped,
      otherId,
      this.#below(200) === 0 ? Buffer.alloc(1_000_000, 0x7f) : Buffer.alloc(2000, 0x7f),
    ]);
    return { record: null, bytes };
  }

  /** Fields of the pool, mixed, and made to keep the rules of their topic as far as that is easily done. */
  #plausible({ topic, pool }: Target, now: number): Fields {
    const record: Fields = {};
    for (const name of Object.keys(pool[0] ?? {})) record[name] = this.#pick(pool)[name];
    // Some positions come again and again.
    const openedAt = Math.floor(now / (6 * HOUR_MS)) * 6 * HOUR_MS - this.#below(3) * HOUR_MS;
    const symbol = `F${this.#below(SYMBOLS)}USDT`;
    const account = this.#pick(['main', 'desk']);
    const side = this.#pick(['LONG', 'SHORT'] as const);
    const named = { account, symbol, side, venue: 'paper', position_id: positionIdOf(account, symbol, side, openedAt) };
    switch (topic.name) {
      case TOPICS.positionSnapshot.name: {
        const entry = record['entry_price'] as number;
        // Most of them near the entry: so that something is decided.
        const mark =
          this.#below(3) === 0 ? (record['mark_price'] as number) : near(entry, 0.5 + this.#random.uniform());
        const stop = near(entry, side === 'LONG' ? 0.98 : 1.02);
        const stopped = this.#below(2) === 0 && (side === 'LONG' ? stop < entry : stop > entry);
        return {
          ...record,
          ...named,
          mark_price: mark,
          peak_price: mark,
          initial_stop_price: stopped ? stop : null,
          opened_at: Math.min(openedAt, now - 60_000),
          observed_at: now - this.#below(60_000),
        };
      }
      case TOPICS.harvestIntent.name: {
        const action = this.#pick(['CLOSE', 'PARTIAL_CLOSE']);
        return {
          ...record,
          ...named,
          intent_id: `fuzz-${this.#count}`,
          action,
          fraction: action === 'CLOSE' ? 1 : (1 + this.#below(100)) / 100,
          factors: [],
          hold_score: 0,
          exit_score: 0,
          opened_at: now - HOUR_MS,
          observed_at: now - this.#below(60_000),
        };
      }
      case TOPICS.tradeClosed.name: {
        const [entry, exit, quantity] = [record['entry_price'], record['exit_price'], record['quantity']] as number[];
        const move = ((exit ?? 0) - (entry ?? 0)) * (side === 'LONG' ? 1 : -1);
        return {
          ...record,
          ...named,
          trade_id: `fuzz-${this.#count}`,
          // Some positions have many slices.
          ...(this.#below(2) === 0 ? {} : { position_id: `many-${this.#below(5)}` }),
          pnl_quote: move * (quantity ?? 0),
          pnl_percent: (move / (entry ?? 1)) * 100,
          opened_at: now - HOUR_MS,
          closed_at: now - this.#below(60_000),
          intent_id: `fuzz-${this.#count}`,
        };
      }
      case TOPICS.positionReconciled.name: {
        const reductions = (record['reductions'] as Fields[]).map((reduction, index) => ({
          ...reduction,
          position_id: named.position_id,
          fill_id: `${this.#count}-${index}`,
          opened_at: now - HOUR_MS,
          closed_at: now - this.#below(60_000),
        }));
        return { ...record, account, symbol, venue: 'paper', reconciled_at: now - this.#below(60_000), reductions };
      }
      default:
        return { ...record, account, symbol };
    }
  }

  /** One or two fields of another kind. */
  #broken({ pool }: Target, record: Fields, now: number): Fields {
    const names = Object.keys(pool[0] ?? {});
    const broken = { ...record };
    for (let left = 1 + this.#below(2); left > 0; left--) {
      const name = this.#pick(names);
      const value = broken[name];
      if (name.endsWith('_at')) broken[name] = this.#time(now);
      else if (typeof value === 'number') broken[name] = this.#pick(ODD_NUMBERS);
      else if (typeof value === 'string') broken[name] = this.#text();
      else if (Array.isArray(value))
        broken[name] = Array.from({ length: this.#pick([0, 1, 300, 12_000]) }, () => value[0] ?? 0);
    }
    return broken;
  }

  #time(now: number): number {
    const times = [
      0,
      -1,
      1,
      now / 1000,
      now,
      now + 59_000,
      now + 61_000,
      now + HOUR_MS,
      YEAR_2100,
      now * 1000,
      8.64e15,
      8.64e15 + 1,
    ];
    return Math.floor(this.#pick(times));
  }

  #text(): string {
    const rarelyHuge = this.#below(500) === 0 ? 900_000 : 3000;
    return this.#pick([
      '',
      'x',
      'x'.repeat(256),
      'x'.repeat(257),
      'y'.repeat(rarelyHuge),
      '\u001b[2J',
      '__proto__',
      '\ud800',
    ]);
  }

  #timestamp(now: number): number {
    return this.#below(10) === 0 ? Math.max(0, this.#time(now)) : now - this.#below(60_000);
  }

  #key(record: Fields | null): Uint8Array | null {
    const kind = this.#below(20);
    if (kind === 0) return null;
    if (kind === 1) return Buffer.from(this.#text());
    const part = (name: string, otherwise: string): string => {
      const value = record?.[name];
      return typeof value === 'string' ? value.slice(0, 300) : otherwise;
    };
    return Buffer.from(`${part('account', 'main')}:${part('symbol', 'F0USDT')}`);
  }

  #headers(): NonNullable<OutgoingRecord['headers']> {
    const kind = this.#below(20);
    if (kind > 2) return [];
    // What a dead letter says of itself, said by the record.
    const spoofed = [
      ['__streams.errors.topic', Buffer.from('position.snapshot')],
      ['harvestline.errors.code', Buffer.from('TIMESTAMP_AHEAD')],
      ['harvestline.retry.mark', Buffer.from('3')],
    ] as const;
    return kind === 0 ? spoofed : [['trace', this.#below(2) === 0 ? null : Buffer.alloc(this.#below(5000))]];
  }

  #target(): Target {
    let at = this.#random.uniform() * this.#total;
    for (const target of this.#targets) {
      at -= target.weight;
      if (at < 0) return target;
    }
    const [first] = this.#targets;
    if (first === undefined) throw new Error('there is nowhere to write to');
    return first;
  }

  #below(end: number): number {
    return this.#random.integer(0, Math.max(0, end - 1));
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#below(from.length)];
    return picked as T;
  }
}

function near(price: number, ratio: number): number {
  return Math.min(1e12, Math.max(1e-12, price * ratio));
}

/** In wire format; null where not even avsc can write it. */
function encoded({ type, schemaId }: Target, record: Fields): Buffer | null {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  try {
    return Buffer.concat([header, type.toBuffer(record)]);
  } catch {
    return null;
  }
}
