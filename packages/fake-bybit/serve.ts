import { serve } from '../fake-exchange/local-venue.ts';
import { BybitServer, TEST_KEYS } from './bybit-server.ts';

await serve(TEST_KEYS, (options) => BybitServer.start(options));
