/** What requests cost of the allowance of a minute, by path; 1 where none is named. */
const WEIGHTS: Readonly<Record<string, number>> = {
  '/fapi/v3/positionRisk': 5,
  '/fapi/v2/positionRisk': 5,
  '/fapi/v1/userTrades': 5,
  '/fapi/v1/allOrders': 5,
  '/fapi/v1/allAlgoOrders': 5,
  '/fapi/v1/klines': 2,
  '/fapi/v1/positionSide/dual': 30,
  '/fapi/v1/order': 1,
};

const MINUTE_MS = 60_000;

/** Going on after so many refusals in a minute is a ban. Unit: requests. */
const REFUSALS_TO_BAN = 10;

export type Allowance =
  | { readonly kind: 'allowed'; readonly used: number }
  | { readonly kind: 'refused'; readonly status: 429 | 418; readonly retryAfterS: number };

/** The allowance of one address, minute by minute. */
export class Weights {
  readonly #perMinute: number;
  #minute = -1;
  #used = 0;
  #refusals = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  take(path: string, now: number): Allowance {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      this.#refusals = 0;
    }
    this.#used += WEIGHTS[path] ?? 1;
    if (this.#used <= this.#perMinute) return { kind: 'allowed', used: this.#used };
    this.#refusals += 1;
    const retryAfterS = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000);
    return { kind: 'refused', status: this.#refusals > REFUSALS_TO_BAN ? 418 : 429, retryAfterS };
  }
}
