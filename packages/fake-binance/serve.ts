/**
 * The server by itself: `node packages/fake-binance/serve.ts --port 0 --symbols 15`. Prints its address as the first line, then runs until it is
 * told to stop.
 */
import { parseArgs } from 'node:util';
import { BinanceServer, TEST_KEYS } from './binance-server.ts';
import { openDesk } from './open-desk.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    key: { type: 'string', default: TEST_KEYS.key },
    secret: { type: 'string', default: TEST_KEYS.secret },
    seed: { type: 'string', default: '1' },
    symbols: { type: 'string', default: '15' },
    hedge: { type: 'boolean', default: false },
    'weight-per-minute': { type: 'string', default: '2400' },
    'hold-ms': { type: 'string', default: '2000' },
    fills: { type: 'string', default: '1' },
  },
});

const server = await BinanceServer.start({
  port: Number(values.port),
  keys: { key: values.key, secret: values.secret },
  seed: Number(values.seed),
  hedge: values.hedge,
  weightPerMinute: Number(values['weight-per-minute']),
  holdMs: Number(values['hold-ms']),
  fills: Number(values.fills),
});
openDesk(server.exchange, Number(values.symbols));
process.stdout.write(`${JSON.stringify({ http: server.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
