import { readFileSync, statSync } from 'node:fs';
import type { Problem } from '../../errors/harvestline-error.ts';
import { redactor } from './redactor.ts';

/**
 * Every setting that comes from the environment, in one table: what is hidden (learnSecrets), what --help says and docs/operations.md lists
 * derive from it.
 *
 * - `secret`       a secret, also as NAME_FILE for a file that holds it
 * - `secret file`  names a file that holds a secret
 * - `address`      no place for a secret, which is hidden all the same where somebody puts one there
 * - `command`      its words may hold a secret: it is neither shown nor learned, since its words are in every text
 * - `plain`        may be shown
 */
export interface Setting {
  readonly name: string;
  readonly kind: 'secret' | 'secret file' | 'address' | 'command' | 'plain';
  readonly means: string;
}

/** How a Kafka is reached and how it lets this program in. */
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

/** The registry of that Kafka. */
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

/** As a list for --help: a name and what it means, a line each. */
export function settingsHelp(settings: readonly Setting[]): string {
  const shown = settings.map(({ name, kind, means }) => [kind === 'secret' ? `${name}[_FILE]` : name, means] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, means]) => `  ${name.padEnd(width)}  ${means}`).join('\n');
}

/**
 * Where this process has its secrets from: an environment variable NAME, or the file that NAME_FILE names. Each is taught to the redactor
 * when it is read.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that hold a secret, each also as NAME_FILE for a file that holds it. */
const SECRET_VARIABLES = settingsOf('secret');

/** Variables that only ever name a file with a secret. */
const SECRET_FILE_VARIABLES = settingsOf('secret file');

/** Variables and options that hold addresses: no place for a secret, which is why it is hidden where somebody puts one there. */
const ADDRESS_VARIABLES = settingsOf('address');
const ADDRESS_OPTIONS = ['--brokers', '--registry', '--venue-url'] as const;

/** Everything that may read or write the file beyond its owner. */
const OTHERS = 0o077;

/**
 * Teaches the redactor all that the environment and the command line hold, before anything is done with them. What cannot be read is
 * said by whoever needs it.
 */
export function learnSecrets(env: Environment, argv: readonly string[]): void {
  for (const name of SECRET_VARIABLES) redactor.learn(env[name]);
  for (const name of [...SECRET_VARIABLES.map((one) => `${one}_FILE`), ...SECRET_FILE_VARIABLES]) {
    const file = env[name];
    if (!isGiven(file)) continue;
    try {
      redactor.learn(cleaned(readFileSync(file, 'utf8')));
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

/** What a setting says now: of a file what it holds at the time of the call. */
export type Reading = () => string;

/** A secret, from its variable or its file; undefined where neither is given. What is wrong goes to `problems`, by the variable's name and without a value. */
export function readSecret(env: Environment, name: string, problems: Problem[]): string | undefined {
  return secretReading(env, name, problems)?.();
}

/** The same, for one that may be changed while the process runs. */
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

/**
 * A file that is read at each use, so that another content is taken up. While it cannot be read, being replaced for instance, what it held
 * last counts.
 */
export function readAgain(read: (problems: Problem[]) => string, problems: Problem[]): Reading {
  let last = read(problems);
  return () => {
    const found: Problem[] = [];
    const content = read(found);
    if (found.length === 0) last = content;
    return last;
  };
}

/** How many tokens stay hidden that were replaced by newer ones: a process that runs for months sees thousands. */
const KEPT_TOKENS = 32;
const tokens: string[] = [];

/** Hides a token that is used from now on, and no longer the oldest that was. */
export function learnToken(token: string): void {
  if (tokens.includes(token)) return;
  tokens.push(token);
  redactor.learn(token);
  if (tokens.length > KEPT_TOKENS) redactor.forget(tokens.shift() ?? '');
}

/**
 * What a file with a secret holds, without what editors and secret managers put around it: a byte order mark, blanks, line breaks.
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

/** The same for a file that may be shown, such as a certificate. */
export function readPlainFile(file: string, name: string, problems: Problem[]): string {
  let text: string;
  try {
    text = cleaned(readFileSync(file, 'utf8'));
  } catch (error) {
    // Without the path: where there is no such file, somebody may have given the secret itself.
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    problems.push({ path: name, why: `names a file that cannot be read${code}` });
    return '';
  }
  if (text === '') problems.push({ path: name, why: `${file} is empty` });
  // UTF-16 and binary files, read as UTF-8.
  else if (/[\0\uFFFD]/.test(text)) problems.push({ path: name, why: `${file} is not UTF-8 text` });
  return text;
}

function cleaned(text: string): string {
  return text.replace(/^\uFEFF/, '').trim();
}

const warned = new Set<string>();

/** A warning, not a refusal: orchestrators mount secrets readable by all of a container that nobody else is in. */
function warnOfReaders(file: string, name: string): void {
  const { mode } = statSync(file);
  if (process.platform === 'win32' || (mode & OTHERS) === 0 || warned.has(file)) return;
  warned.add(file);
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  process.stderr.write(`warning ${name}: ${file} is open to others (mode ${octal}): chmod 600 keeps it to its owner\n`);
}

/** User information and query of each address of a list. */
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
