/** Binance's error codes and messages, from its documentation of USD-M futures. */
const WORDS = {
  '-1000': 'An unknown error occured while processing the request.',
  '-1003': 'Too many requests; current limit is %s requests per minute.',
  '-1007': 'Timeout waiting for response from backend server. Send status unknown; execution status unknown.',
  '-1008':
    'Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.',
  '-1015': 'Too many new orders; current limit is %s orders per %s.',
  '-1021': 'Timestamp for this request is outside of the recvWindow.',
  '-1022': 'Signature for this request is not valid.',
  '-1023': 'Start time is greater than end time.',
  '-1100': "Illegal characters found in parameter '%s'; legal range is '%s'.",
  '-1102': "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
  '-1106': "Parameter '%s' sent when not required.",
  '-1111': 'Precision is over the maximum defined for this asset.',
  '-1115': 'Invalid timeInForce.',
  '-1116': 'Invalid orderType.',
  '-1117': 'Invalid side.',
  '-1120': 'Invalid interval.',
  '-1121': 'Invalid symbol.',
  '-1122': 'Invalid symbol status.',
  '-1125': 'This listenKey does not exist.',
  '-1128': 'Combination of optional parameters invalid.',
  '-1130': "Data sent for parameter '%s' is not valid.",
  '-1136': 'Invalid newOrderRespType.',
  '-2011': 'Unknown order sent.',
  '-2013': 'Order does not exist.',
  '-2014': 'API-key format invalid.',
  '-2015': 'Invalid API-key, IP, or permissions for action.',
  '-2021': 'Order would immediately trigger.',
  '-2022': 'ReduceOnly Order is rejected.',
  '-2025': 'Reach max open order limit.',
  '-4003': 'Quantity less than or equal to zero.',
  '-4004': 'Quantity less than min quantity.',
  '-4005': 'Quantity greater than max quantity.',
  '-4014': 'Price not increased by tick size.',
  '-4015': 'Client order id is not valid.',
  '-4016': 'Price is higher than mark price multiplier cap.',
  '-4024': 'Price is lower than mark price multiplier floor.',
  '-4059': 'No need to change position side.',
  '-4060': 'Invalid position side.',
  '-4061': "Order's position side does not match user's setting.",
  '-4067': 'Position side cannot be changed if there exists open orders.',
  '-4068': 'Position side cannot be changed if there exists position.',
  '-4116': 'ClientOrderId is duplicated.',
  '-4118': 'ReduceOnly Order Failed. Please check your existing position and open orders.',
  '-4120': 'Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.',
  '-4131': "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
  '-4137': 'Quantity must be zero with closePosition equals true.',
  '-4164': "Order's notional must be no smaller than %s (unless you choose reduce only).",
  '-4165': 'Maximum time interval is %s days.',
  '-4166': 'Search window is restricted to recent %s days only.',
  '-4411': 'Please sign TradFi-Perps agreement contract fapi.',
  '-5021': 'Due to the order could not be filled immediately, the FOK order has been rejected.',
  '-5022': 'Due to the order could not be executed as maker, the Post Only order will be rejected.',
} as const;

export type BinanceCode = keyof typeof WORDS;

/** HTTP statuses other than 400. */
const STATUSES: Readonly<Partial<Record<BinanceCode, number>>> = {
  '-1003': 429,
  '-1007': 408,
  '-1008': 503,
  '-1015': 429,
  '-2014': 401,
  '-2015': 401,
};

/** A rejection in Binance's form: an HTTP status and `{"code", "msg"}`. */
export class BinanceError extends Error {
  override readonly name = 'BinanceError';
  readonly status: number;
  readonly code: BinanceCode;

  /** `details` replace the %s of the message, in order. */
  constructor(code: BinanceCode, details: string | readonly string[] = []) {
    super([details].flat().reduce<string>((words, detail) => words.replace('%s', () => detail), WORDS[code]));
    this.code = code;
    this.status = STATUSES[code] ?? 400;
  }

  get reply(): { readonly code: number; readonly msg: string } {
    return { code: Number(this.code), msg: this.message };
  }
}
