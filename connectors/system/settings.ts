/**
 * Every setting that comes from the environment, in one table: what is hidden (secrets.ts), what --help says and docs/operations.md lists
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
export function settingsOf(kind: Setting['kind']): readonly string[] {
  return SETTINGS.filter((setting) => setting.kind === kind).map(({ name }) => name);
}

/** As a list for --help: a name and what it means, a line each. */
export function settingsHelp(settings: readonly Setting[]): string {
  const shown = settings.map(({ name, kind, means }) => [kind === 'secret' ? `${name}[_FILE]` : name, means] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, means]) => `  ${name.padEnd(width)}  ${means}`).join('\n');
}
