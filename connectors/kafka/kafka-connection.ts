import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import { type Environment, readPlainFile, readSecret, readSecretFile } from '../system/secrets.ts';
import { CODECS } from './compression.ts';
import type { RegistryConnection } from './confluent-registry.ts';
import type { KafkaConnection } from './kafka-client.ts';

/** Where Kafka and its registry are, and how to be let in. */
export interface Connections {
  readonly kafka: KafkaConnection;
  readonly registry: RegistryConnection;
}

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
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], { error: 'must be plain, scram-sha-256 or scram-sha-512' })
    .optional(),
  KAFKA_COMPRESSION: z.enum(CODECS, { error: `must be one of ${CODECS.join(', ')}` }).optional(),
  KAFKA_TLS: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
});

/**
 * Reads the settings of a connection. Secrets may be given in a file: X_PASSWORD_FILE instead of X_PASSWORD. An empty
 * variable counts as left out. Throws USAGE with every setting that is missing or wrong; their values do not appear in it.
 *
 * KAFKA_BROKERS, SCHEMA_REGISTRY_URL; KAFKA_SASL_MECHANISM, _USERNAME, _PASSWORD[_FILE]; KAFKA_TLS, KAFKA_TLS_CA_FILE,
 * _CERT_FILE, _KEY_FILE; KAFKA_COMPRESSION; SCHEMA_REGISTRY_USERNAME, _PASSWORD[_FILE]. A registry behind a private authority is trusted by
 * Node's own NODE_EXTRA_CA_CERTS.
 */
export function kafkaConnection(env: Environment): Connections {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems: Problem[] = [];
  const settings = Settings.safeParse(given);
  if (!settings.success) {
    for (const { path, message } of settings.error.issues) problems.push({ path: path.join('.'), why: message });
  }
  const sasl = credentials(given, 'KAFKA_SASL', problems);
  const auth = credentials(given, 'SCHEMA_REGISTRY', problems);
  const tls = tlsFiles(given, problems);
  const mechanism = given['KAFKA_SASL_MECHANISM'];
  if (mechanism === undefined && sasl !== null) problems.push({ path: 'KAFKA_SASL_MECHANISM', why: 'is missing' });
  if (mechanism !== undefined && sasl === null && !problems.some(({ path }) => path.startsWith('KAFKA_SASL_'))) {
    problems.push({ path: 'KAFKA_SASL_USERNAME', why: 'is missing' });
  }
  if (!settings.success || problems.length > 0) {
    throw new HarvestlineError('USAGE', `the connection to Kafka: ${formatProblems(problems)}`, { problems });
  }
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, KAFKA_SASL_MECHANISM, KAFKA_COMPRESSION, KAFKA_TLS } = settings.data;
  const encrypted = KAFKA_TLS === 'true' || (KAFKA_TLS === undefined && Object.keys(tls).length > 0);
  return {
    kafka: {
      brokers: KAFKA_BROKERS,
      ...(KAFKA_COMPRESSION === undefined ? {} : { compression: KAFKA_COMPRESSION }),
      ...(encrypted ? { ssl: tls } : {}),
      ...(sasl === null || KAFKA_SASL_MECHANISM === undefined
        ? {}
        : { sasl: { mechanism: KAFKA_SASL_MECHANISM, ...sasl } }),
    },
    registry: { url: SCHEMA_REGISTRY_URL, ...(auth === null ? {} : { auth }) },
  };
}

/** The connection in a form for logs and terminals: without its secrets. */
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

/** Null where neither a user name nor a password is given. */
function credentials(given: Environment, prefix: string, problems: Problem[]) {
  const name = `${prefix}_USERNAME`;
  const username = given[name];
  const password = readSecret(given, `${prefix}_PASSWORD`, problems);
  if (username === undefined && password === undefined) return null;
  if (username === undefined) problems.push({ path: name, why: 'is missing' });
  if (password === undefined)
    problems.push({ path: `${prefix}_PASSWORD`, why: `is missing, and so is ${prefix}_PASSWORD_FILE` });
  return { username: username ?? '', password: password ?? '' };
}

function tlsFiles(given: Environment, problems: Problem[]): { ca?: string; cert?: string; key?: string } {
  const content = (name: string, read: typeof readPlainFile): string | undefined => {
    const file = given[name];
    return file === undefined ? undefined : read(file, name, problems);
  };
  const ca = content('KAFKA_TLS_CA_FILE', readPlainFile);
  const cert = content('KAFKA_TLS_CERT_FILE', readPlainFile);
  const key = content('KAFKA_TLS_KEY_FILE', readSecretFile);
  if (given['KAFKA_TLS_CERT_FILE'] !== undefined && given['KAFKA_TLS_KEY_FILE'] === undefined)
    problems.push({ path: 'KAFKA_TLS_KEY_FILE', why: 'is missing: a certificate needs its key' });
  if (given['KAFKA_TLS_KEY_FILE'] !== undefined && given['KAFKA_TLS_CERT_FILE'] === undefined)
    problems.push({ path: 'KAFKA_TLS_CERT_FILE', why: 'is missing: a key needs its certificate' });
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Without user information, query and fragment: an address is printed. */
function isBare(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '') && !/[?#]/.test(text);
}
