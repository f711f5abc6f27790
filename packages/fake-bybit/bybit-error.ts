/** Bybit's codes and words, from its list of V5 error codes. All but the gateway's own come with status 200. */
const WORDS = {
  10001: 'Request parameter error: %s',
  10002: 'invalid request, please check your server timestamp or recv_window param',
  10003: 'API key is invalid.',
  10004: 'Error sign, please check your signature generation algorithm.',
  10006: 'Too many visits. Exceeded the API Rate Limit.',
  10016: 'Internal server error.',
  110001: 'Order does not exist',
  110017: 'current position is zero, cannot fix reduce-only order qty',
  110072: 'OrderLinkedID is duplicate',
  110074: 'This contract is not live',
  110094: 'Order does not meet minimum order value 5USDT',
} as const;

export type BybitCode = keyof typeof WORDS;

export class BybitError extends Error {
  override readonly name = 'BybitError';
  readonly code: BybitCode;

  constructor(code: BybitCode, detail = '') {
    super(WORDS[code].replace('%s', detail));
    this.code = code;
  }
}
