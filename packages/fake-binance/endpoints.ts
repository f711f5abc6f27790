import { ACCOUNT_ENDPOINTS } from './account-endpoints.ts';
import { ALGO_ENDPOINTS } from './algo-endpoints.ts';
import type { EndpointTable } from './endpoint.ts';
import { FUNDING_ENDPOINTS } from './funding.ts';
import { MARKET_ENDPOINTS } from './market-endpoints.ts';
import { ORDER_ENDPOINTS } from './order-endpoints.ts';
import { STREAM_ENDPOINTS } from './stream-endpoints.ts';

/** The paths that the server knows, by method and path. */
export const ENDPOINTS: EndpointTable = {
  ...MARKET_ENDPOINTS,
  ...ACCOUNT_ENDPOINTS,
  ...ORDER_ENDPOINTS,
  ...ALGO_ENDPOINTS,
  ...FUNDING_ENDPOINTS,
  ...STREAM_ENDPOINTS,
};
