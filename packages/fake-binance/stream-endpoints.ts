import { type EndpointTable, keyed } from './endpoint.ts';

/** The listen key of the user data stream: these need the key, and no signature. */
export const STREAM_ENDPOINTS: EndpointTable = {
  'POST /fapi/v1/listenKey': keyed(({ exchange }) => ({ listenKey: exchange.listenKeys.create(exchange.now()) })),
  'PUT /fapi/v1/listenKey': keyed(({ exchange }) => ({ listenKey: exchange.listenKeys.keepAlive(exchange.now()) })),
  'DELETE /fapi/v1/listenKey': keyed(({ exchange }) => {
    exchange.listenKeys.end();
    return {};
  }),
};
