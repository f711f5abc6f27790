import { once } from 'node:events';
import { type Server, createServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { sharedTestBroker, started } from '../tools/kafka/test-broker.ts';
import { runProgram, startProgram } from './program.ts';

const broker = await sharedTestBroker();

/** It takes every connection, and is silent. */
const silent: Server = createServer(() => undefined);
silent.listen(0, '127.0.0.1');
await once(silent, 'listening');
afterAll(() => void silent.close());
const address = silent.address();
const silentBroker = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

const MAIN = JSON.stringify(new URL('../../cli/main.ts', import.meta.url).href);

/** A program that has a connection open when its command is done. */
const lingering = (...args: readonly string[]): string => `
  import { createServer } from 'node:net';
  import { endSoon, main } from ${MAIN};
  createServer().listen(0, '127.0.0.1');
  await main(['node', 'harvestline', ${args.map((arg) => JSON.stringify(arg)).join(', ')}]);
  endSoon();
`;

async function runLingering(...args: readonly string[]) {
  const command = process.execPath;
  const program = startProgram([], { command, args: ['--input-type=module', '--eval', lingering(...args)] });
  return { code: await program.ended, stdout: program.stdout(), stderr: program.stderr() };
}

describe('a command ends when it is done, whatever connections are still open', () => {
  it('with all that it wrote and exit code 0', async () => {
    const direct = await runProgram(['policy', 'show', '2026-02-07']);
    expect(direct.stdout.length).toBeGreaterThan(1000);
    expect(await runLingering('policy', 'show', '2026-02-07')).toEqual({ code: 0, stdout: direct.stdout, stderr: '' });
  });

  it('with its error and exit code 1', async () => {
    const { code, stderr } = await runLingering('policy', 'show', 'nobody-knows-it');
    expect(code).not.toBe(0);
    expect(stderr).toContain('nobody-knows-it');
  });
});

describe.skipIf('skipped' in broker)('a broker that takes connections and never answers', () => {
  it('is passed over where another answers', async () => {
    const { brokers, registryUrl } = started(broker);
    const where = ['--brokers', [silentBroker, ...brokers].join(','), '--registry', registryUrl];
    const { code, stderr } = await runProgram(['topics', 'apply', '--desk', 'silent-broker', ...where]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('alone is an outage, and the command ends', async () => {
    const where = ['--brokers', silentBroker, '--registry', started(broker).registryUrl];
    const { code, stderr } = await runProgram(['topics', 'apply', '--desk', 'silent-broker', ...where]);
    expect(code).toBe(1);
    expect(stderr).toContain('BROKER_AWAY');
  });
});
