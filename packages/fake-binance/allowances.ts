/** The weight of a request, by its parameters where they matter. */
type Weight = number | ((parameters: URLSearchParams) => number);

const bySymbol =
  (one: number, all: number): Weight =>
  (parameters) =>
    parameters.has('symbol') ? one : all;

/** By the number of candles, which is 500 by default. */
const byLimit: Weight = (parameters) => {
  const limit = Number(parameters.get('limit') ?? 500);
  if (limit < 100) return 1;
  if (limit < 500) return 2;
  return limit <= 1000 ? 5 : 10;
};

/** The documented weights of requests; 1 for any other. */
const WEIGHTS: Readonly<Record<string, Weight>> = {
  'GET /fapi/v1/klines': byLimit,
  'GET /fapi/v1/premiumIndex': bySymbol(1, 10),
  'GET /fapi/v1/ticker/price': bySymbol(1, 2),
  'GET /fapi/v2/ticker/price': bySymbol(1, 2),
  'GET /fapi/v1/ticker/bookTicker': bySymbol(2, 5),
  'GET /fapi/v2/positionRisk': 5,
  'GET /fapi/v3/positionRisk': 5,
  'GET /fapi/v2/account': 5,
  'GET /fapi/v3/account': 5,
  'GET /fapi/v2/balance': 5,
  'GET /fapi/v3/balance': 5,
  'GET /fapi/v1/accountConfig': 5,
  'GET /fapi/v1/symbolConfig': 5,
  'GET /fapi/v1/positionSide/dual': 30,
  'GET /fapi/v1/multiAssetsMargin': 30,
  'GET /fapi/v1/commissionRate': 20,
  'GET /fapi/v1/userTrades': 5,
  'GET /fapi/v1/income': 30,
  'GET /fapi/v1/allOrders': 5,
  'GET /fapi/v1/openOrders': bySymbol(1, 40),
  'GET /fapi/v1/forceOrders': bySymbol(20, 50),
  'GET /fapi/v1/openAlgoOrders': bySymbol(1, 40),
  'GET /fapi/v1/allAlgoOrders': 5,
  // Orders count against the account's limit of orders instead.
  'POST /fapi/v1/order': 0,
  'POST /fapi/v1/algoOrder': 0,
};

export function weightOf(name: string, parameters: URLSearchParams): number {
  const weight = WEIGHTS[name] ?? 1;
  return typeof weight === 'number' ? weight : weight(parameters);
}

const MINUTE_MS = 60_000;

/** More rejected requests in a minute lead to a ban. Unit: requests. */
const REFUSALS_TO_BAN = 10;

/** Binance's bans grow from two minutes to three days. Unit: milliseconds. */
const FIRST_BAN_MS = 2 * MINUTE_MS;
const LONGEST_BAN_MS = 3 * 24 * 60 * MINUTE_MS;

/** A ban of the address. */
export interface Ban {
  readonly until: number;
  /** Whether the Retry-After header is sent; otherwise only the message names the time. */
  readonly retryAfter: boolean;
}

export type Allowance =
  | { readonly kind: 'allowed'; readonly used: number }
  | {
      readonly kind: 'refused';
      readonly used: number;
      readonly status: 429 | 418;
      readonly retryAfterS: number;
      readonly ban: Ban | null;
    };

/** The weight that one address has used, minute by minute. */
export class Weights {
  readonly #perMinute: number;
  #minute = -1;
  #used = 0;
  #refusals = 0;
  #ban: Ban = { until: 0, retryAfter: true };
  #nextBanMs = FIRST_BAN_MS;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  take(weight: number, now: number): Allowance {
    if (now < this.#ban.until) return this.#refused(418, this.#ban.until - now, this.#ban);
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      this.#refusals = 0;
    }
    this.#used += weight;
    if (this.#used <= this.#perMinute) return { kind: 'allowed', used: this.#used };
    this.#refusals += 1;
    if (this.#refusals <= REFUSALS_TO_BAN) return this.#refused(429, (minute + 1) * MINUTE_MS - now);
    const banMs = this.#nextBanMs;
    this.#ban = { until: now + banMs, retryAfter: true };
    this.#nextBanMs = Math.min(2 * banMs, LONGEST_BAN_MS);
    return this.#refused(418, banMs, this.#ban);
  }

  /** Bans the address; a past time ends a ban. */
  banUntil(ban: Ban): void {
    this.#ban = ban;
  }

  /** Null: not banned. */
  banAt(now: number): Ban | null {
    return now < this.#ban.until ? this.#ban : null;
  }

  #refused(status: 429 | 418, waitMs: number, ban: Ban | null = null): Allowance {
    return { kind: 'refused', used: this.#used, status, retryAfterS: Math.ceil(waitMs / 1000), ban };
  }
}

/** A time span in which the number of orders is limited. */
interface Span {
  /** As in the header of a reply. */
  readonly name: '10S' | '1M';
  readonly words: string;
  readonly lengthMs: number;
}

const SPANS: readonly Span[] = [
  { name: '10S', words: '10 SECONDS', lengthMs: 10_000 },
  { name: '1M', words: '1 MINUTE', lengthMs: 60_000 },
];

/** Unit: orders. Infinity: unlimited. */
interface OrderLimits {
  readonly per10Seconds: number;
  readonly perMinute: number;
}

interface OrderCount {
  /** The number of orders so far, by header. */
  readonly headers: Readonly<Record<string, number>>;
  /** The details of -1015; null where the order is allowed. */
  readonly over: readonly [limit: string, span: string] | null;
}

/** The number of orders that the account has sent in each span. */
export class OrderCounts {
  readonly #limits: Readonly<Record<Span['name'], number>>;
  readonly #counts = new Map<Span['name'], { readonly span: number; count: number }>();

  constructor({ per10Seconds, perMinute }: OrderLimits) {
    this.#limits = { '10S': per10Seconds, '1M': perMinute };
  }

  take(now: number): OrderCount {
    const headers: Record<string, number> = {};
    let over: OrderCount['over'] = null;
    for (const { name, words, lengthMs } of SPANS) {
      const span = Math.floor(now / lengthMs);
      let current = this.#counts.get(name);
      if (current?.span !== span) this.#counts.set(name, (current = { span, count: 0 }));
      current.count += 1;
      headers[`X-MBX-ORDER-COUNT-${name}`] = current.count;
      if (current.count > this.#limits[name]) over = [String(this.#limits[name]), words];
    }
    return { headers, over };
  }
}
