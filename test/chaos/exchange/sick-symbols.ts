import type { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import type { RandomStream } from '../../../ports/random.ts';

/** A sickness of a symbol: applies it, and returns the function that heals it. */
type Sickness = (server: BinanceServer, symbol: string) => () => void;

const changed =
  (...changes: readonly Parameters<BinanceServer['changes']['add']>[0][]): Sickness =>
  ({ changes: standing }, symbol) => {
    const ids = changes.map((change) => standing.add({ ...change, symbol }));
    return () => ids.forEach((id) => standing.remove(id));
  };

const refused =
  (code: number, msg: string, ...paths: readonly string[]): Sickness =>
  ({ faults }, symbol) => {
    const reply = { status: 400, code, msg };
    const ids = faults.add(
      ...paths.map((path) => ({ fault: 'refuse' as const, method: 'GET', path, symbol, times: Infinity, reply })),
    );
    return () => ids.forEach((id) => faults.remove(id));
  };

const both =
  (...all: readonly Sickness[]): Sickness =>
  (server, symbol) => {
    const heals = all.map((one) => one(server, symbol));
    return () => heals.forEach((heal) => heal());
  };

const POSITION = '/positionRisk';
const FILLS = '/fapi/v1/userTrades';
const MARKET = ['/fapi/v1/klines', '/fapi/v1/premiumIndex', '/fapi/v1/openAlgoOrders'] as const;
const row = (set: Readonly<Record<string, string | null>>, path = POSITION) =>
  ({ fault: 'change-answer', symbol: '', path, set }) as const;

/** False, incomplete or missing answers about one symbol. */
const SICKNESSES: Readonly<Record<string, Sickness>> = {
  'mark 0': changed({ fault: 'mark-zero', symbol: '' }),
  'mark 0 and refused': both(
    changed({ fault: 'mark-zero', symbol: '' }),
    refused(-1121, 'Invalid symbol.', FILLS, ...MARKET),
  ),
  'entry 0': changed({ fault: 'entry-zero', symbol: '' }),
  'entry absent': changed({ fault: 'entry-absent', symbol: '' }),
  'figures that are none': changed(row({ positionAmt: 'n/a', entryPrice: '', markPrice: 'NaN' })),
  'fields that are not there': changed(row({ positionAmt: null, markPrice: null, updateTime: null })),
  'fills refused': refused(-1121, 'Invalid symbol.', FILLS),
  'old fills refused': changed({ fault: 'old-fills-refused', days: 0.001, symbol: '' }),
  'all refused': refused(-1121, 'Invalid symbol.', FILLS, ...MARKET),
  'fills that disagree': changed(row({ qty: '0.01' }, FILLS)),
  'fills that are gone': changed({ fault: 'change-answer', symbol: '', path: FILLS, set: null }),
  'dropped from exchangeInfo': changed({ fault: 'symbol-dropped', symbol: '' }),
  'dropped and refused': both(
    changed({ fault: 'symbol-dropped', symbol: '' }),
    refused(-1121, 'Invalid symbol.', FILLS, ...MARKET),
  ),
};

/** Keeps some symbols of an exchange sick, always different ones in different ways. */
export class SickSymbols {
  readonly #server: BinanceServer;
  readonly #stream: RandomStream;
  readonly #count: number;
  readonly #sick = new Map<string, () => void>();
  /** Symbols that have ever been sick. */
  readonly ever = new Set<string>();
  /** How often each sickness occurred. */
  readonly seen: Record<string, number> = {};

  constructor(server: BinanceServer, stream: RandomStream, count: number) {
    this.#server = server;
    this.#stream = stream;
    this.#count = count;
  }

  has(symbol: string): boolean {
    return this.#sick.has(symbol);
  }

  /** Heals all symbols, and makes others sick. */
  change(symbols: readonly string[]): void {
    this.heal();
    const names = Object.keys(SICKNESSES);
    while (this.#sick.size < Math.min(this.#count, symbols.length)) {
      const symbol = symbols[this.#stream.integer(0, symbols.length - 1)] ?? '';
      const name = names[this.#stream.integer(0, names.length - 1)] ?? '';
      const sickness = SICKNESSES[name];
      if (sickness === undefined || this.#sick.has(symbol)) continue;
      this.ever.add(symbol);
      this.#sick.set(symbol, sickness(this.#server, symbol));
      this.seen[name] = (this.seen[name] ?? 0) + 1;
    }
  }

  heal(): void {
    for (const heal of this.#sick.values()) heal();
    this.#sick.clear();
  }
}
