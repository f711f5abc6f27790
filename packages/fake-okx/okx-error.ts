/** OKX's codes and words, from its list of V5 error codes, each with its HTTP status. */
const WORDS = {
  '50004': [
    400,
    'API endpoint request timeout (does not mean that the request was successful or failed, please check the request result)',
  ],
  '50011': [429, 'Rate limit reached. Please refer to API documentation and throttle requests accordingly'],
  '50101': [401, 'APIKey does not match current environment.'],
  '50102': [401, 'Timestamp request expired'],
  '50105': [401, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.'],
  '50111': [401, 'Invalid OK-ACCESS-KEY'],
  '50113': [401, 'Invalid Sign'],
  '51000': [200, 'Parameter %s error'],
  '51001': [200, 'Instrument ID does not exist'],
  '51016': [200, 'Duplicated client order ID'],
  '51020': [200, 'Your order should meet or exceed the minimum order amount.'],
  '51022': [200, 'Contract suspended'],
  '51112': [200, 'Close order size exceeds the available size for this position.'],
  '51121': [200, 'Order quantity must be a multiple of the lot size.'],
  '51169': [
    200,
    "Order failed because you don't have any positions in this direction for this contract to reduce or close.",
  ],
  '51202': [200, 'Market order amount exceeds the maximum amount.'],
  '51400': [200, 'Cancellation failed as the order has been filled, canceled or does not exist.'],
  '51603': [200, 'Order does not exist'],
} as const satisfies Record<string, readonly [number, string]>;

export type OkxCode = keyof typeof WORDS;

export class OkxError extends Error {
  override readonly name = 'OkxError';
  readonly code: OkxCode;
  readonly status: number;

  constructor(code: OkxCode, detail = '') {
    const [status, words] = WORDS[code];
    super(words.replace('%s', detail));
    this.code = code;
    this.status = status;
  }
}
