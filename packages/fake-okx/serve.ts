/** The local OKX as a process: prints its address as a line of JSON and runs until it is told to stop. */
import { parseArgs } from 'node:util';
import { OkxServer, TEST_KEYS } from './okx-server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    key: { type: 'string', default: TEST_KEYS.key },
    secret: { type: 'string', default: TEST_KEYS.secret },
    passphrase: { type: 'string', default: TEST_KEYS.passphrase },
    hedge: { type: 'boolean', default: false },
    fills: { type: 'string', default: '1' },
  },
});

const server = await OkxServer.start({
  port: Number(values.port),
  keys: { key: values.key, secret: values.secret, passphrase: values.passphrase },
  hedge: values.hedge,
  fills: Number(values.fills),
});
process.stdout.write(`${JSON.stringify({ http: server.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
