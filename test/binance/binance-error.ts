/** The codes that the server answers with, with Binance's own words. */
export const WORDS = {
  '-1000': 'An unknown error occurred while processing the request.',
  '-1003': 'Too many requests; current limit is %s requests per minute.',
  '-1007': 'Timeout waiting for response from backend server. Send status unknown; execution status unknown.',
  '-1021': 'Timestamp for this request is outside of the recvWindow.',
  '-1022': 'Signature for this request is not valid.',
  '-1102': "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
  '-1106': "Parameter '%s' sent when not required.",
  '-1111': 'Precision is over the maximum defined for this asset.',
  '-1121': 'Invalid symbol.',
  '-2013': 'Order does not exist.',
  '-2014': 'API-key format invalid.',
  '-2015': 'Invalid API-key, IP, or permissions for action.',
  '-2022': 'ReduceOnly Order is rejected.',
  '-4003': 'Quantity less than or equal to zero.',
  '-4004': 'Quantity less than min quantity.',
  '-4005': 'Quantity greater than max quantity.',
  '-4015': 'Client order id is not valid.',
  '-4061': "Order's position side does not match user's setting.",
  '-4116': 'ClientOrderId is duplicated.',
  '-4120': 'Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.',
  '-4164': "Order's notional must be no smaller than %s (unless you choose reduce only).",
  '-4059': 'No need to change position side.',
} as const;

export type BinanceCode = keyof typeof WORDS;

/** An answer in Binance's form: HTTP status, and `{"code", "msg"}`. */
export class BinanceError extends Error {
  override readonly name = 'BinanceError';
  readonly status: number;
  readonly code: BinanceCode;

  constructor(code: BinanceCode, detail = '', status = code === '-2014' || code === '-2015' ? 401 : 400) {
    super(WORDS[code].replace('%s', detail));
    this.code = code;
    this.status = status;
  }

  get body(): string {
    return JSON.stringify({ code: Number(this.code), msg: this.message });
  }
}
