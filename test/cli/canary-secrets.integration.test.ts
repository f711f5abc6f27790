import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programFor } from '../../cli/main.ts';
import { VenueClient } from '../../connectors/exchange/ccxt/venue-client.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { settingsFor } from '../connectors/exchange/ccxt/a-client.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

/**
 * Secrets that can be recognised, in every place where a secret can stand, and every command: found nowhere in what is printed or kept. The
 * registry here gives back what it was sent, as a careless proxy does; nothing listens where the broker should be.
 */

const LAUNCHER = fileURLToPath(new URL('../../bin/harvestline.mjs', import.meta.url));

/** Letters that JSON, addresses and a shell write otherwise, and lengths of every remainder by 3. */
const CANARIES = {
  token: 'eyJhbGciOiJub25lIn0.canary-token-8Qz.',
  apiKey: 'CANARY-key-"7f3Q/+=%',
  apiSecret: "CANARY-secret-'Zk91&?x",
  passphrase: 'CANARY-pass \\ phrase',
  sasl: 'CANARY-sasl-€-9s',
  registry: 'CANARY-registry-55aZ',
  tlsKey: 'CANARYtlskeyMIIEvQIBADANBgkqhkiG9w0BAQEF',
  address: 'CANARY-address-81',
} as const;

const folder = temporaryFolder();
afterAll(() => folder.remove());
const data = join(folder.path, 'data');

/** What somebody may find of a secret. */
function looksOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const longer = ['desk:', 'reader:', 'a'].map((before) => Buffer.from(`${before}${secret}`).toString('base64'));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    ...longer,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
}

const LOOKS = Object.entries(CANARIES).flatMap(([name, secret]) => looksOf(secret).map((look) => ({ name, look })));

function found(text: string): readonly { readonly name: string; readonly look: string }[] {
  return LOOKS.filter(({ look }) => text.includes(look));
}

function secretFile(name: string, content: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Runs the program to its end, or for as long as a person would look. Settings of the caller's own environment do not leak in. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  command = [LAUNCHER],
): Promise<Ended> {
  const child = spawn(process.execPath, [...command, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], HARVESTLINE_DATA: data, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  const hear = (text: string): void => {
    said += text;
    // `run` waits for a broker without an end.
    if (/trying again.*\n.*trying again/s.test(said)) child.kill('SIGTERM');
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  child.stdin.on('error', () => {}).end(`{"position_id":"${CANARIES.registry}"}\n`);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

let registry: Server;
let registryUrl: string;
let byVariable: Readonly<Record<string, string>>;
let byFile: Readonly<Record<string, string>>;

beforeAll(async () => {
  registry = createServer((request, response) => {
    const authorization = request.headers.authorization ?? '';
    const password = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    const message = `no: ${authorization}, ${password}, ${encodeURIComponent(password)}, ${JSON.stringify(request.headers)}`;
    response.writeHead(403).end(JSON.stringify({ error_code: 40301, message: message.slice(0, 900) }));
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const connection = {
    KAFKA_BROKERS: '127.0.0.1:1',
    SCHEMA_REGISTRY_URL: registryUrl,
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: 'desk',
    SCHEMA_REGISTRY_USERNAME: 'reader',
  };
  byVariable = {
    ...connection,
    HARVESTLINE_API_KEY: CANARIES.apiKey,
    HARVESTLINE_API_SECRET: CANARIES.apiSecret,
    HARVESTLINE_API_PASSPHRASE: CANARIES.passphrase,
    KAFKA_SASL_PASSWORD: CANARIES.sasl,
    SCHEMA_REGISTRY_PASSWORD: CANARIES.registry,
  };
  const pem = `-----BEGIN PRIVATE KEY-----\n${CANARIES.tlsKey}\n-----END PRIVATE KEY-----\n`;
  byFile = {
    ...connection,
    HARVESTLINE_API_KEY_FILE: secretFile('key', `\uFEFF${CANARIES.apiKey}\r\n`),
    HARVESTLINE_API_SECRET_FILE: secretFile('secret', `${CANARIES.apiSecret}\n`),
    HARVESTLINE_API_PASSPHRASE_FILE: secretFile('passphrase', CANARIES.passphrase),
    KAFKA_SASL_PASSWORD_FILE: secretFile('sasl', `${CANARIES.sasl}\n`),
    SCHEMA_REGISTRY_PASSWORD_FILE: secretFile('registry', CANARIES.registry),
    KAFKA_TLS_KEY_FILE: secretFile('tls.pem', pem),
    KAFKA_TLS_CERT_FILE: secretFile(
      'cert.pem',
      pem.replaceAll('PRIVATE KEY', 'CERTIFICATE').replace(CANARIES.tlsKey, 'x'),
    ),
  };
  const { KAFKA_BROKERS: _brokers, ...alone } = byVariable;
  expect((await run(['dev', '--cycles', '20', '--log-level', 'debug'], alone)).code).toBe(0);
});

afterAll(() => registry.close());

/** Every command that does something, with words for its arguments. */
function leaves(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  if (command.commands.length > 0) return command.commands.flatMap((sub) => leaves(sub, [...words, sub.name()]));
  const given = command.registeredArguments
    .filter(({ required }) => required)
    .map((argument) => ARGUMENTS[argument.name()] ?? 'some');
  return [[...words, ...given]];
}

function commandsBelow(command: Command): readonly Command[] {
  return command.commands.flatMap((sub) => [sub, ...commandsBelow(sub)]);
}

const ARGUMENTS: Readonly<Record<string, string>> = { topic: 'trade.closed', letter: '0:0', 'id-or-file': 'legacy' };

const commands = leaves(await programFor()).map((words) => (words[0] === 'dev' ? [...words, '--cycles', '1'] : words));

describe('no secret is said', () => {
  it.each(commands.map((words) => [words.join(' '), words] as const))('by %s', async (_name, words) => {
    const { KAFKA_BROKERS: _brokers, ...alone } = byVariable;
    const takesLog = words[0] !== 'run' ? [] : ['--log-level', 'debug'];
    const endings = await Promise.all([run([...words, ...takesLog], alone), run([...words, ...takesLog], byFile)]);
    for (const { said } of endings) expect(found(said)).toEqual([]);
  });

  it('by the help of any command, or by a usage error', async () => {
    const { code, said } = await run(['run', '--help'], byVariable);
    expect({ code, found: found(said) }).toEqual({ code: 0, found: [] });
    // All else of it is the same text in any environment.
    expect(
      found(
        commandsBelow(await programFor())
          .map((command) => command.helpInformation())
          .join(),
      ),
    ).toEqual([]);
    for (const words of [
      ['tail', `--no-such-option=${CANARIES.apiSecret}`],
      ['run', '--faults', CANARIES.sasl],
      [CANARIES.registry],
    ]) {
      const refused = await run(words, byFile);
      expect({ code: refused.code, found: found(refused.said) }).toEqual({ code: 2, found: [] });
    }
  });

  it('by a token of OAUTHBEARER, in a file, printed by a command, or in its words', async () => {
    const { KAFKA_SASL_USERNAME: _user, KAFKA_SASL_PASSWORD: _password, ...alone } = byVariable;
    const bearer = { ...alone, KAFKA_SASL_MECHANISM: 'OAUTHBEARER' };
    const file = secretFile('token', CANARIES.token);
    for (const words of [['run', 'scoring', '--log-level', 'debug'], ['status']]) {
      for (const token of [{ KAFKA_SASL_TOKEN_FILE: file }, { KAFKA_SASL_TOKEN_COMMAND: `echo ${CANARIES.token}` }]) {
        expect(found((await run(words, { ...bearer, ...token })).said)).toEqual([]);
      }
    }
    const both = { KAFKA_SASL_TOKEN_FILE: file, KAFKA_SASL_TOKEN_COMMAND: `echo ${CANARIES.token}` };
    const refused = await run(['status'], { ...bearer, ...both });
    expect({ code: refused.code, found: found(refused.said) }).toEqual({ code: 2, found: [] });
  });

  it.each([
    ['a broker with user information', { KAFKA_BROKERS: `${CANARIES.address}@127.0.0.1:1` }, []],
    ['a user and a password', { KAFKA_BROKERS: `sasl://desk:${CANARIES.address}@127.0.0.1:1` }, []],
    ['a registry with a query', { SCHEMA_REGISTRY_URL: `http://127.0.0.1:1/x?token=${CANARIES.address}` }, []],
    ['a registry with a password', { SCHEMA_REGISTRY_URL: `http://reader:${CANARIES.address}@127.0.0.1:1` }, []],
    ['an option with a query', {}, [`--registry=http://127.0.0.1:1/?${CANARIES.address}`]],
    ['an option with user information', {}, ['--brokers', `${CANARIES.address}@127.0.0.1:1`]],
    [
      'a file variable that holds the secret itself',
      { KAFKA_SASL_PASSWORD_FILE: CANARIES.address, KAFKA_SASL_PASSWORD: '' },
      [],
    ],
  ])('of %s, which is refused', async (_what, env, options) => {
    for (const words of [['run', 'scoring'], ['status']]) {
      const { code, said } = await run([...words, ...options], { ...byVariable, ...env });
      expect({ code, found: found(said) }).toEqual({ code: 2, found: [] });
      expect(said).toMatch(/KAFKA_BROKERS|SCHEMA_REGISTRY_URL|KAFKA_SASL_PASSWORD_FILE/);
    }
  });

  it('by a settings file that wants requests printed, or holds a secret', async () => {
    const contents = [
      { ccxt: { verbose: true } },
      { ccxt: { apiKey: CANARIES.apiKey } },
      { ccxt: { options: { verbose: true } } },
    ];
    for (const [number, content] of contents.entries()) {
      const settings = secretFile(`settings-${number}.json`, JSON.stringify(content));
      const venue = ['--venue', 'binanceusdm', '--live', '--symbols', 'BTCUSDT', '--venue-settings', settings];
      const { code, said } = await run(['run', 'execution', ...venue], byVariable);
      expect({ code, found: found(said) }).toEqual({ code: 2, found: [] });
      expect(said).toMatch(/ccxt\.(verbose|apiKey|options\.verbose): is not among what may be set/);
    }
  });

  it('by a registry that gives back what it was sent', async () => {
    const { code, said } = await run(['status'], byVariable);
    expect(code).toBe(1);
    expect(said).toMatch(/REGISTRY_REFUSED: .*answered 403: no: .*\[hidden\]/);
    expect(found(said)).toEqual([]);
  });

  it('by a library, a warning, or an error that nobody caught', async () => {
    const program = `
      import { main } from ${JSON.stringify(new URL('../../cli/main.ts', import.meta.url).href)};
      await main(['node', 'harvestline', 'policy', 'list']);
      const key = process.env.HARVESTLINE_API_KEY;
      console.log('request', { 'X-MBX-APIKEY': key });
      console.error('to', encodeURIComponent(key), Buffer.from(key).toString('hex'));
      process.emitWarning('with ' + key);
      await new Promise(setImmediate);
      for (const letter of key) process.stdout.write(letter);
      process.stdout.write(' after');
      throw new Error('failed with ' + Buffer.from('x' + key).toString('base64'), { cause: new Error(key) });
    `;
    const { code, said } = await run([], byVariable, ['--input-type=module', '--eval', program]);
    expect(code).toBe(1);
    expect(said).toMatch(/request.*\[hidden\]/);
    expect(said).toMatch(/Warning: with \[hidden\]/);
    expect(said).toMatch(/\[hidden\] after/);
    expect(said).toMatch(/failed with /);
    expect(found(said)).toEqual([]);
  });

  it('by an exchange that gives back what it was sent', async () => {
    const exchange = createServer((request, response) => {
      const key = String(request.headers['x-mbx-apikey'] ?? '');
      response.writeHead(400).end(JSON.stringify({ code: -1, msg: `${key} ${request.url ?? ''}` }));
    });
    exchange.listen(0, '127.0.0.1');
    await once(exchange, 'listening');
    const url = `http://127.0.0.1:${(exchange.address() as AddressInfo).port}`;
    const credentials = { key: CANARIES.apiKey, secret: CANARIES.apiSecret, passphrase: null };
    const client = await VenueClient.open({ ...settingsFor(url), credentials }, new SystemClock(), SILENT_LOGGER);
    const refused = await client.ask('look-up', 'mode', (api) => api.fetchPositionMode()).then(String, String);
    exchange.close();
    expect(refused).toMatch(/EXCHANGE_AWAY|HTTP 400: \[hidden\]/);
    expect(refused).not.toMatch(/signature=[0-9a-f]/);
    expect(found(refused)).toEqual([]);
  });

  it('by any file of the data folder, which is closed to others', () => {
    const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => join(data, name));
    expect(files.length).toBeGreaterThan(3);
    expect([data, ...files].filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
    for (const path of files.filter((one) => statSync(one).isFile())) {
      expect(found(readFileSync(path, 'latin1'))).toEqual([]);
    }
  });
});
