import { createHash } from 'node:crypto';
import { BinanceError } from './binance-error.ts';

/** A key that nobody keeps alive ends after an hour. Unit: milliseconds. */
const LIFETIME_MS = 60 * 60 * 1000;

interface ListenKey {
  readonly key: string;
  validUntil: number;
}

/** The one listen key of the account, which names its user data stream. */
export class ListenKeys {
  readonly #seed: number;
  #made = 0;
  #current: ListenKey | null = null;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The one that there is, kept alive, or a new one. */
  create(now: number): string {
    const valid = this.valid(now);
    if (valid === null) {
      const key = createHash('sha256').update(`listen-key ${this.#seed} ${++this.#made}`).digest('hex');
      this.#current = { key, validUntil: now + LIFETIME_MS };
      return key;
    }
    this.keepAlive(now);
    return valid;
  }

  /** Throws -1125 where there is none. */
  keepAlive(now: number): string {
    if (this.#current === null || this.valid(now) === null) throw new BinanceError('-1125');
    this.#current.validUntil = now + LIFETIME_MS;
    return this.#current.key;
  }

  /** Ends it, as its owner or the exchange may. Null where there was none. */
  end(): string | null {
    const ended = this.#current?.key ?? null;
    this.#current = null;
    return ended;
  }

  valid(now: number): string | null {
    return this.#current !== null && now < this.#current.validUntil ? this.#current.key : null;
  }

  /** The one whose hour is over, once. */
  expired(now: number): string | null {
    return this.#current !== null && now >= this.#current.validUntil ? this.end() : null;
  }
}
