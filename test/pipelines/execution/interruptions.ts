import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Exchange } from '../../../ports/exchange.ts';
import type { Write } from '../../../pipelines/runtime/processor.ts';

/** The process dies here: nothing after it runs, nothing in memory survives. */
export class Crash extends Error {}

export interface Interruption {
  /** Before the effect, or after it with its answer lost. */
  readonly when: 'before' | 'after';
  /** A crash, or an error that the runtime retries. */
  readonly how: 'crash' | 'transient';
}

/** Counts every call across the border of the processor, and interrupts the chosen ones. */
export class Interruptions {
  count = 0;
  #at: ReadonlyMap<number, Interruption>;
  #dead = false;

  constructor(at: ReadonlyMap<number, Interruption>) {
    this.#at = at;
  }

  end(): void {
    this.#at = new Map();
  }

  /** Another process: after a crash every step of the one before it fails, whatever it had begun. */
  revive(): void {
    this.#dead = false;
  }

  async around<T>(code: 'EXCHANGE_AWAY' | 'LOG_BUSY' | 'CRASH', step: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Crash('dead already');
    const interruption = this.#at.get(this.count++);
    if (interruption?.when === 'before') throw this.#errorFor(code, interruption);
    const result = await step();
    if (interruption?.when === 'after') throw this.#errorFor(code, interruption);
    if (this.#dead) throw new Crash('died meanwhile');
    return result;
  }

  #errorFor(code: 'EXCHANGE_AWAY' | 'LOG_BUSY' | 'CRASH', { how }: Interruption): Error {
    if (how !== 'crash' && code !== 'CRASH') return new HarvestlineError(code, 'away for a moment');
    this.#dead = true;
    return new Crash('kill -9');
  }

  write(write: Write): Write {
    return (records) => this.around('LOG_BUSY', () => write(records));
  }

  /** `placed` is called with every order that is really sent. */
  exchange(exchange: Exchange, placed: (clientOrderId: string) => void): Exchange {
    return {
      venue: exchange.venue,
      rules: (...args) => this.around('EXCHANGE_AWAY', () => exchange.rules(...args)),
      position: (...args) => this.around('EXCHANGE_AWAY', () => exchange.position(...args)),
      markPrice: (...args) => this.around('EXCHANGE_AWAY', () => exchange.markPrice(...args)),
      place: (request, gate) =>
        this.around('EXCHANGE_AWAY', () => {
          placed(request.clientOrderId);
          return exchange.place(request, gate);
        }),
      lookUp: (...args) => this.around('EXCHANGE_AWAY', () => exchange.lookUp(...args)),
      cancel: (...args) => this.around('EXCHANGE_AWAY', () => exchange.cancel(...args)),
      charges: (...args) => this.around('EXCHANGE_AWAY', () => exchange.charges(...args)),
      resting: (...args) => this.around('EXCHANGE_AWAY', () => exchange.resting(...args)),
      cancelResting: (...args) => this.around('EXCHANGE_AWAY', () => exchange.cancelResting(...args)),
    };
  }
}
