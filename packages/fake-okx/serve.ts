import { serve } from '../fake-exchange/local-venue.ts';
import { OkxServer, TEST_KEYS } from './okx-server.ts';

await serve(TEST_KEYS, (options) => OkxServer.start(options));
