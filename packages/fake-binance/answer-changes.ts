import { BinanceError } from './binance-error.ts';
import type { Received } from './received.ts';

/** What is changed in the rows about a symbol; null takes them out. */
type RowChange = Readonly<Record<string, string | number | boolean | null>> | null;

/** What an endpoint answers differently, by the end of its path. */
type ChangeTable = Readonly<Record<string, RowChange>>;

const NO_MARK = { markPrice: '0.00000000', notional: '0', unRealizedProfit: '0' };

/** Lies about one symbol in answers that would be right: what other answers say is not touched. */
export const ANSWER_CHANGES = {
  /** As for a contract that is about to be delisted. */
  'mark-zero': {
    '/positionRisk': NO_MARK,
    '/premiumIndex': {
      markPrice: '0.00000000',
      indexPrice: '0.00000000',
      estimatedSettlePrice: '0',
      lastFundingRate: '0',
      interestRate: '0',
      nextFundingTime: 0,
    },
  },
  'entry-zero': { '/positionRisk': { entryPrice: '0.0' } },
  /** null takes the field out. */
  'entry-absent': { '/positionRisk': { entryPrice: null } },
  'symbol-dropped': { '/exchangeInfo': null },
} as const satisfies Record<string, ChangeTable>;

export type ChangeName = keyof typeof ANSWER_CHANGES;

export const CHANGE_NAMES = Object.keys(ANSWER_CHANGES) as readonly ChangeName[];

/** What stands until it is removed. */
export type AnswerChange =
  | { readonly fault: ChangeName; readonly symbol: string }
  /** Fields of one's own choice; null takes a field out. */
  | { readonly fault: 'change-answer'; readonly symbol: string; readonly path: string; readonly set: RowChange }
  /** Fills from so long ago are refused with -4166; those of an order that is named are not. Unit: days. */
  | { readonly fault: 'old-fills-refused'; readonly days: number; readonly symbol?: string };

const DAY_MS = 24 * 60 * 60 * 1000;

/** Answers that are changed before they are given, as long as the changes stand. */
export class AnswerChanges {
  readonly #standing = new Map<number, AnswerChange>();
  readonly #nextId: () => number;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Its id. */
  add(change: AnswerChange): number {
    const id = this.#nextId();
    this.#standing.set(id, change);
    return id;
  }

  remove(id: number): boolean {
    return this.#standing.delete(id);
  }

  clear(): void {
    this.#standing.clear();
  }

  list(): readonly (readonly [id: number, change: AnswerChange])[] {
    return [...this.#standing];
  }

  /** Throws -4166. */
  vet({ path, parameters }: Received, now: number): void {
    if (!path.endsWith('/userTrades') || parameters.has('orderId') || !parameters.has('startTime')) return;
    for (const change of this.#standing.values()) {
      if (change.fault !== 'old-fills-refused') continue;
      if (change.symbol !== undefined && change.symbol !== parameters.get('symbol')) continue;
      if (Number(parameters.get('startTime')) < now - change.days * DAY_MS) {
        throw new BinanceError('-4166', String(change.days));
      }
    }
  }

  changed({ path }: Received, body: unknown): unknown {
    let changed = body;
    for (const change of this.#standing.values()) {
      if (change.fault === 'old-fills-refused') continue;
      const table: ChangeTable =
        change.fault === 'change-answer' ? { [change.path]: change.set } : ANSWER_CHANGES[change.fault];
      for (const [end, row] of Object.entries(table)) {
        if (path.endsWith(end)) changed = withChange(changed, change.symbol, row);
      }
    }
    return changed;
  }
}

/** In a row about the symbol, in a list of rows, or in the list that an answer holds. */
function withChange(body: unknown, symbol: string, change: RowChange): unknown {
  if (Array.isArray(body)) {
    return body.flatMap((row: unknown) => {
      if (!isAbout(row, symbol)) return [row];
      return change === null ? [] : [changedRow(row, change)];
    });
  }
  if (isAbout(body, symbol)) return change === null ? {} : changedRow(body, change);
  if (typeof body !== 'object' || body === null) return body;
  const lists = Object.entries(body).map(([name, value]) => [
    name,
    Array.isArray(value) ? withChange(value, symbol, change) : (value as unknown),
  ]);
  return Object.fromEntries(lists) as object;
}

function isAbout(row: unknown, symbol: string): row is object {
  return typeof row === 'object' && row !== null && 'symbol' in row && row.symbol === symbol;
}

function changedRow(row: object, change: NonNullable<RowChange>): object {
  const entries = Object.entries({ ...row, ...change }) as [string, unknown][];
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}
