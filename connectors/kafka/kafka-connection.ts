/**
 * The settings of a connection to Kafka and its registry, from environment variables and files. What they mean on the wire is kafka-client.ts
 * and authentication.ts. It loads no Kafka client: commands read their settings before they connect.
 */
import { exec } from 'node:child_process';
import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import {
  type Environment,
  type Reading,
  learnToken,
  readAgain,
  readPlainFile,
  readSecretFile,
  secretReading,
} from '../system/settings.ts';
import { CODECS, type Codec } from './codecs.ts';
import type { RegistryConnection } from './confluent-registry.ts';

/** The addresses of Kafka and its registry, and the credentials for both. */
export interface Connections {
  readonly kafka: KafkaConnection;
  readonly registry: RegistryConnection;
}

/** The address of a Kafka cluster, and how to authenticate. */
export interface KafkaConnection {
  /** `host:port`. One running broker is enough to find the others. */
  readonly brokers: readonly string[];
  /** Read for each connection: it may have getters that read files. */
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SaslSettings;
  /** The codec of written record batches. Default: none. */
  readonly compression?: Codec;
}

/** Read for each SASL exchange: `password` may be a getter that reads a file. */
export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => string | Promise<string> };

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

/** `host:port`, also for an IPv6 address in brackets. */
const BROKER = /^(\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+):\d{1,5}$/iu;

const Settings = z.object({
  KAFKA_BROKERS: z
    .string({ error: 'is missing: host:port[,host:port…]' })
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .refine((brokers) => brokers.every((broker) => BROKER.test(broker)), 'must be host:port[,host:port…]'),
  SCHEMA_REGISTRY_URL: z
    .string({ error: 'is missing: the address of the registry, with the path of its Confluent-compatible API' })
    .refine(isHttpUrl, 'must be an http or https address')
    .refine(isBare, 'must carry neither credentials nor a query: use SCHEMA_REGISTRY_USERNAME and _PASSWORD'),
  KAFKA_SASL_MECHANISM: z
    .string()
    .toLowerCase()
    .pipe(z.enum(SASL_MECHANISMS, { error: `must be one of ${SASL_MECHANISMS.join(', ').toUpperCase()}` }))
    .optional(),
  KAFKA_COMPRESSION: z.enum(CODECS, { error: `must be one of ${CODECS.join(', ')}` }).optional(),
  KAFKA_TLS: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
});

/**
 * Reads the settings of a connection (KAFKA_SETTINGS and REGISTRY_SETTINGS of connectors/system/settings.ts). An empty variable counts as
 * left out. Throws USAGE with every setting that is missing or wrong, without their values.
 *
 * Files are read again for each connection, so that passwords, tokens, keys and certificates can be rotated without a restart. A private
 * authority of the registry's certificate is given by Node's own NODE_EXTRA_CA_CERTS.
 */
export function kafkaConnection(env: Environment): Connections {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems: Problem[] = [];
  const settings = Settings.safeParse(given);
  if (!settings.success) {
    for (const { path, message } of settings.error.issues) problems.push({ path: path.join('.'), why: message });
  }
  const mechanism = settings.data?.KAFKA_SASL_MECHANISM;
  const sasl = saslSettings(given, mechanism, problems);
  const auth = credentials(given, 'SCHEMA_REGISTRY', problems);
  const tls = tlsFiles(given, problems);
  if (!settings.success || problems.length > 0) {
    throw new HarvestlineError('USAGE', `the connection to Kafka: ${formatProblems(problems)}`, { problems });
  }
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, KAFKA_COMPRESSION, KAFKA_TLS } = settings.data;
  const encrypted = KAFKA_TLS === 'true' || (KAFKA_TLS === undefined && Object.keys(tls).length > 0);
  return {
    kafka: {
      brokers: KAFKA_BROKERS,
      ...(KAFKA_COMPRESSION === undefined ? {} : { compression: KAFKA_COMPRESSION }),
      ...(encrypted ? { ssl: tls } : {}),
      ...(sasl === null ? {} : { sasl }),
    },
    registry: { url: SCHEMA_REGISTRY_URL, ...(auth === null ? {} : { auth }) },
  };
}

/** The connections without their secrets, for logs and terminals. */
export function describeConnections({ kafka, registry }: Connections): Readonly<Record<string, unknown>> {
  const { brokers, ssl, sasl } = kafka;
  return {
    brokers,
    tls: ssl !== undefined,
    sasl: sasl === undefined || !('username' in sasl) ? null : { mechanism: sasl.mechanism, username: sasl.username },
    registry: registry.url,
    registryUsername: registry.auth?.username ?? null,
  };
}

const TOKEN_SETTINGS = ['KAFKA_SASL_TOKEN_FILE', 'KAFKA_SASL_TOKEN_COMMAND'] as const;

/** The settings of SASL; null without SASL, or where a problem was added. */
function saslSettings(
  given: Environment,
  mechanism: (typeof SASL_MECHANISMS)[number] | undefined,
  problems: Problem[],
): SaslSettings | null {
  const known = problems.length;
  const user = credentials(given, 'KAFKA_SASL', problems);
  const [tokenSetting, ...others] = TOKEN_SETTINGS.filter((name) => given[name] !== undefined);
  if (given['KAFKA_SASL_MECHANISM'] === undefined && (user !== null || tokenSetting !== undefined)) {
    problems.push({ path: 'KAFKA_SASL_MECHANISM', why: 'is missing' });
  }
  if (mechanism === 'oauthbearer') {
    if (user !== null)
      problems.push({ path: 'KAFKA_SASL_USERNAME', why: 'is not for OAUTHBEARER: its token names the user' });
    for (const other of others) problems.push({ path: other, why: `is given, and so is ${tokenSetting}` });
    const token = tokenReading(given, tokenSetting, problems);
    return token === null ? null : { mechanism, token };
  }
  if (mechanism === undefined) return null;
  if (tokenSetting !== undefined) problems.push({ path: tokenSetting, why: 'is for OAUTHBEARER only' });
  if (user === null && problems.length === known) problems.push({ path: 'KAFKA_SASL_USERNAME', why: 'is missing' });
  // Not spread, which would read the password once and keep it.
  return user === null ? null : Object.assign(user, { mechanism });
}

function tokenReading(
  given: Environment,
  name: (typeof TOKEN_SETTINGS)[number] | undefined,
  problems: Problem[],
): (() => string | Promise<string>) | null {
  const value = name === undefined ? undefined : given[name];
  if (name === undefined || value === undefined) {
    problems.push({ path: 'KAFKA_SASL_TOKEN_FILE', why: 'is missing, and so is KAFKA_SASL_TOKEN_COMMAND' });
    return null;
  }
  if (name === 'KAFKA_SASL_TOKEN_COMMAND') return tokenOfCommand(value, name);
  return readAgain((found) => readSecretFile(value, name, found, learnToken), problems);
}

/** A user name, and a password that is read again at each use. Null where neither is given. */
function credentials(
  given: Environment,
  prefix: string,
  problems: Problem[],
): { readonly username: string; readonly password: string } | null {
  const name = `${prefix}_USERNAME`;
  const username = given[name];
  const password = secretReading(given, `${prefix}_PASSWORD`, problems);
  if (username === undefined && password === undefined) return null;
  if (username === undefined) problems.push({ path: name, why: 'is missing' });
  if (password === undefined)
    problems.push({ path: `${prefix}_PASSWORD`, why: `is missing, and so is ${prefix}_PASSWORD_FILE` });
  return withReadings({ username: username ?? '' }, { password: password ?? (() => '') });
}

function tlsFiles(given: Environment, problems: Problem[]): { ca?: string; cert?: string; key?: string } {
  const content = (name: string, read: typeof readPlainFile): Reading | undefined => {
    const file = given[name];
    return file === undefined ? undefined : readAgain((found) => read(file, name, found), problems);
  };
  const ca = content('KAFKA_TLS_CA_FILE', readPlainFile);
  const cert = content('KAFKA_TLS_CERT_FILE', readPlainFile);
  const key = content('KAFKA_TLS_KEY_FILE', readSecretFile);
  if (cert !== undefined && key === undefined)
    problems.push({ path: 'KAFKA_TLS_KEY_FILE', why: 'is missing: a certificate needs its key' });
  if (key !== undefined && cert === undefined)
    problems.push({ path: 'KAFKA_TLS_CERT_FILE', why: 'is missing: a key needs its certificate' });
  return withReadings(
    {},
    {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  );
}

/** An object with getters that read these fields at each use. */
function withReadings<Fixed extends object, Name extends string>(
  fixed: Fixed,
  readings: Readonly<Partial<Record<Name, Reading>>>,
): Fixed & Record<Name, string> {
  const fields = Object.entries<Reading | undefined>(readings).map(([name, get]) => [name, { get, enumerable: true }]);
  return Object.defineProperties(fixed, Object.fromEntries(fields)) as Fixed & Record<Name, string>;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** True without user information, query and fragment, because addresses are printed. */
function isBare(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '') && !/[?#]/.test(text);
}

/** How long a command that prints a token may take; SASL_TIMEOUT_MS (kafkajs-fixes.ts) is longer. Unit: milliseconds. */
const TOKEN_COMMAND_MS = 10_000;

/** Above what a broker accepts (its sasl.server.max.receive.size). Unit: bytes. */
const LARGEST_TOKEN_BYTES = 512 * 1024;

/**
 * A function that runs a command and returns the token that it prints. Concurrent calls share one run. Neither the token nor the command is
 * ever shown. Throws CREDENTIALS_UNAVAILABLE, or BROKER_AWAY where the command has worked before: then its own source is unavailable.
 */
export function tokenOfCommand(command: string, name: string): () => Promise<string> {
  let running: Promise<string> | null = null;
  let worked = false;
  const run = async (): Promise<string> => {
    try {
      const token = await runCommand(command);
      worked = true;
      return token;
    } catch (thrown) {
      const why = `${name}: the command ${messageOf(thrown)}`;
      throw worked
        ? new HarvestlineError('BROKER_AWAY', `${why}; it gave a token before`)
        : new HarvestlineError('CREDENTIALS_UNAVAILABLE', why);
    } finally {
      running = null;
    }
  };
  return () => (running ??= run());
}

function runCommand(command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const failed = (why: string): void => reject(new Error(why));
  const limits = { timeout: TOKEN_COMMAND_MS, killSignal: 'SIGKILL', maxBuffer: LARGEST_TOKEN_BYTES } as const;
  exec(command, limits, (error, stdout) => {
    const token = stdout.trim();
    learnToken(token);
    if (error === null && token !== '' && !/\s/.test(token)) return resolve(token);
    if (error === null) return failed(token === '' ? 'printed nothing' : 'printed more than a token');
    if (error.killed === true) return failed(`printed no token within ${TOKEN_COMMAND_MS / 1000} s`);
    return failed(`failed (exit code ${error.code ?? 'unknown'})`);
  });
  return promise;
}
