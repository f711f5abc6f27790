import type { EpochMillis, ModelSignal } from '../../schemas/generated/records.ts';
import { SteadyLooks, timeOf } from './steady-looks.ts';

interface Spoken {
  readonly at: EpochMillis;
}

/**
 * Until when the models have spoken about each account: they are programs of their own, and go on where the source of snapshots died
 * with all that it observed.
 */
export class SignalTimes {
  readonly #leapMs: number;
  readonly #accounts = new Map<string, Map<string, SteadyLooks<Spoken>>>();

  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  add({ account, symbol }: Pick<ModelSignal, 'account' | 'symbol'>, at: EpochMillis): void {
    let symbols = this.#accounts.get(account);
    if (symbols === undefined) this.#accounts.set(account, (symbols = new Map()));
    let looks = symbols.get(symbol);
    if (looks === undefined) symbols.set(symbol, (looks = new SteadyLooks(this.#leapMs)));
    looks.tell({ at });
  }

  /** -Infinity where nobody spoke. A single signal that is not near another one says nothing. */
  ofAccount(account: string): EpochMillis {
    const symbols = [...(this.#accounts.get(account)?.values() ?? [])];
    return symbols.some(({ steady }) => steady) || symbols.length > 1 ? timeOf(symbols, this.#leapMs) : -Infinity;
  }
}
