import { statSync } from 'node:fs';
import type { Problem } from '../../errors/harvestline-error.ts';
import { readBoundedFile } from './bounded-file.ts';
import { redactor } from './redactor.ts';

/**
 * Settings from the environment, secrets among them. One table names them all: what is hidden, what --help shows and what docs/operations.md
 * lists derive from it.
 *
 * - `secret`       a secret, also as NAME_FILE for a file that holds it
 * - `secret file`  names a file that holds a secret
 * - `address`      should hold no secret, but user information and query are hidden in case it does
 * - `command`      may contain a secret: it is never shown, and not learned either, since its words occur in any text
 * - `plain`        may be shown
 */
export interface Setting {
  readonly name: string;
  readonly kind: 'secret' | 'secret file' | 'address' | 'command' | 'plain';
  readonly means: string;
}

/** Connection and authentication to Kafka. */
export const KAFKA_SETTINGS = [
  {
    name: 'KAFKA_BROKERS',
    kind: 'address',
    means: 'host:port[,host:port…], and nothing else: no scheme, no user, no query',
  },
  {
    name: 'KAFKA_SASL_MECHANISM',
    kind: 'plain',
    means: 'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, in any case; no SASL where left out',
  },
  { name: 'KAFKA_SASL_USERNAME', kind: 'plain', means: 'the user of PLAIN and SCRAM' },
  { name: 'KAFKA_SASL_PASSWORD', kind: 'secret', means: 'its password' },
  { name: 'KAFKA_SASL_TOKEN_FILE', kind: 'secret file', means: 'OAUTHBEARER: a file that holds the token' },
  {
    name: 'KAFKA_SASL_TOKEN_COMMAND',
    kind: 'command',
    means: 'OAUTHBEARER: a command that prints the token within 10 s, run by the shell for each connection',
  },
  {
    name: 'KAFKA_TLS',
    kind: 'plain',
    means: 'true or false; true where one of the next three is given and this is left out',
  },
  {
    name: 'KAFKA_TLS_CA_FILE',
    kind: 'plain',
    means: "PEM: the authorities that may sign the brokers' certificates; Node's own where left out",
  },
  { name: 'KAFKA_TLS_CERT_FILE', kind: 'plain', means: "PEM: this program's certificate, for mutual TLS" },
  { name: 'KAFKA_TLS_KEY_FILE', kind: 'secret file', means: 'PEM: its key' },
  {
    name: 'KAFKA_COMPRESSION',
    kind: 'plain',
    means: 'what is written: none (where left out), gzip, snappy, lz4 or zstd; all are read',
  },
] as const satisfies readonly Setting[];

/** The schema registry. */
export const REGISTRY_SETTINGS = [
  {
    name: 'SCHEMA_REGISTRY_URL',
    kind: 'address',
    means: 'the address with the path of the Confluent-compatible API, without user and query: it stands in logs',
  },
  { name: 'SCHEMA_REGISTRY_USERNAME', kind: 'plain', means: 'basic authentication' },
  { name: 'SCHEMA_REGISTRY_PASSWORD', kind: 'secret', means: 'its password' },
] as const satisfies readonly Setting[];

/** The account at an exchange. */
export const EXCHANGE_SETTINGS = [
  { name: 'HARVESTLINE_API_KEY', kind: 'secret', means: 'the key of the account at the exchange' },
  { name: 'HARVESTLINE_API_SECRET', kind: 'secret', means: 'its secret' },
  { name: 'HARVESTLINE_API_PASSPHRASE', kind: 'secret', means: 'its passphrase, where the exchange has one' },
] as const satisfies readonly Setting[];

export const SETTINGS: readonly Setting[] = [...KAFKA_SETTINGS, ...REGISTRY_SETTINGS, ...EXCHANGE_SETTINGS];

/** The names of the settings of a kind. */
function settingsOf(kind: Setting['kind']): readonly string[] {
  return SETTINGS.filter((setting) => setting.kind === kind).map(({ name }) => name);
}

/** Lines for --help: name and meaning. */
export function settingsHelp(settings: readonly Setting[]): string {
  const shown = settings.map(({ name, kind, means }) => [kind === 'secret' ? `${name}[_FILE]` : name, means] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, means]) => `  ${name.padEnd(width)}  ${means}`).join('\n');
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that hold a secret, each also as NAME_FILE. */
const SECRET_VARIABLES = settingsOf('secret');

/** Variables that name a file with a secret. */
const SECRET_FILE_VARIABLES = settingsOf('secret file');

/** Variables and options that hold addresses, which may contain secrets by mistake. */
const ADDRESS_VARIABLES = settingsOf('address');
const ADDRESS_OPTIONS = ['--brokers', '--registry', '--venue-url'] as const;

/** The mode bits of everybody but the owner. */
const OTHERS = 0o077;

/**
 * Teaches the redactor every secret of the environment and the command line, before anything else is done. Files that cannot be read are
 * reported later, by whoever needs them.
 */
export function learnSecrets(env: Environment, argv: readonly string[]): void {
  for (const name of SECRET_VARIABLES) redactor.learn(env[name]);
  for (const name of [...SECRET_VARIABLES.map((one) => `${one}_FILE`), ...SECRET_FILE_VARIABLES]) {
    const file = env[name];
    if (!isGiven(file)) continue;
    try {
      redactor.learn(cleaned(readBoundedFile(file).toString('utf8')));
    } catch {
      // See above.
    }
  }
  const options = argv.flatMap((word, index) =>
    ADDRESS_OPTIONS.flatMap((option) =>
      word === option ? [argv[index + 1]] : word.startsWith(`${option}=`) ? [word.slice(option.length + 1)] : [],
    ),
  );
  for (const address of [...ADDRESS_VARIABLES.map((name) => env[name]), ...options]) {
    redactor.learn(...secretsInAddress(address ?? ''));
  }
}

/** Returns the current value of a setting; that of a file is read at each call. */
export type Reading = () => string;

/** A secret from its variable or its file; undefined where neither is given. Adds problems by the variable's name, without a value. */
export function readSecret(env: Environment, name: string, problems: Problem[]): string | undefined {
  return secretReading(env, name, problems)?.();
}

/** As `readSecret`, for a secret that may change while the process runs. */
export function secretReading(env: Environment, name: string, problems: Problem[]): Reading | undefined {
  const value = env[name];
  const file = env[`${name}_FILE`];
  if (isGiven(file)) {
    if (isGiven(value)) problems.push({ path: `${name}_FILE`, why: `is given, and so is ${name}` });
    return readAgain((found) => readSecretFile(file, `${name}_FILE`, found), problems);
  }
  if (!isGiven(value)) return undefined;
  redactor.learn(value);
  if (value.trim() === '') problems.push({ path: name, why: 'holds nothing but blanks' });
  return () => value;
}

/** Reads a file at each call, so that a new content is noticed. While it cannot be read, as during its replacement, the last content counts. */
export function readAgain(read: (problems: Problem[]) => string, problems: Problem[]): Reading {
  let last = read(problems);
  return () => {
    const found: Problem[] = [];
    const content = read(found);
    if (found.length === 0) last = content;
    return last;
  };
}

/** How many replaced tokens stay hidden: a process that runs for months sees thousands. */
const KEPT_TOKENS = 32;
const tokens: string[] = [];

/** Hides a new token, and stops hiding the oldest one. */
export function learnToken(token: string): void {
  if (tokens.includes(token)) return;
  tokens.push(token);
  redactor.learn(token);
  if (tokens.length > KEPT_TOKENS) redactor.forget(tokens.shift() ?? '');
}

/**
 * The content of a file with a secret, without the byte order mark, blanks and line breaks that editors and secret managers add.
 * `name` is the variable or option that names the file.
 */
export function readSecretFile(
  file: string,
  name: string,
  problems: Problem[],
  learn: (secret: string) => void = (secret) => redactor.learn(secret),
): string {
  const known = problems.length;
  const secret = readPlainFile(file, name, problems);
  learn(secret);
  if (problems.length === known) warnOfReaders(file, name);
  return secret;
}

/** As `readSecretFile`, for a file that may be shown, such as a certificate. */
export function readPlainFile(file: string, name: string, problems: Problem[]): string {
  let text: string;
  try {
    text = cleaned(readBoundedFile(file).toString('utf8'));
  } catch (error) {
    // Without the path: if there is no such file, the value may be the secret itself.
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    problems.push({ path: name, why: `names a file that cannot be read${code}` });
    return '';
  }
  if (text === '') problems.push({ path: name, why: `${file} is empty` });
  // A UTF-16 or binary file.
  else if (/[\0\uFFFD]/.test(text)) problems.push({ path: name, why: `${file} is not UTF-8 text` });
  return text;
}

function cleaned(text: string): string {
  return text.replace(/^\uFEFF/, '').trim();
}

const warned = new Set<string>();

/** Warns only: orchestrators mount secrets readable by every user of a container. */
function warnOfReaders(file: string, name: string): void {
  const { mode } = statSync(file);
  if (process.platform === 'win32' || (mode & OTHERS) === 0 || warned.has(file)) return;
  warned.add(file);
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  process.stderr.write(`warning ${name}: ${file} is open to others (mode ${octal}): chmod 600 keeps it to its owner\n`);
}

/** User information and query of each address in a comma-separated list. */
function secretsInAddress(list: string): readonly string[] {
  return list.split(',').flatMap((address) => {
    const rest = address.trim().replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
    const [place = '', ...query] = rest.split(/[?#]/);
    const at = place.lastIndexOf('@');
    const user = at < 0 ? '' : place.slice(0, at);
    const values = query.flatMap((part) => [part, ...part.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1))]);
    const words = [user, ...user.split(':'), ...values];
    return words.flatMap((word) => [word, decoded(word)]);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
