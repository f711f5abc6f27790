import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeConnections, kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const PLAIN = { KAFKA_BROKERS: 'one:9092, [::1]:9093', SCHEMA_REGISTRY_URL: 'http://registry:8081/apis/ccompat/v7' };
const SECRET = 'correct-horse';

function problemsOf(env: Record<string, string>): string[] {
  try {
    kafkaConnection(env);
  } catch (error) {
    if (error instanceof HarvestlineError && error.code === 'USAGE') {
      expect(error.message).not.toContain(SECRET);
      return error.problems.map(({ path }) => path);
    }
    throw error;
  }
  return [];
}

function fileWith(text: string): string {
  const file = join(folderForTest(), 'secret');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

describe('kafkaConnection', () => {
  it('reads brokers and registry; an empty variable counts as left out', () => {
    expect(kafkaConnection({ ...PLAIN, KAFKA_SASL_MECHANISM: '', KAFKA_TLS: '' })).toEqual({
      kafka: { brokers: ['one:9092', '[::1]:9093'] },
      registry: { url: PLAIN.SCHEMA_REGISTRY_URL },
    });
  });

  it('takes secrets from variables or files, without the line break that ends a file', () => {
    const connections = kafkaConnection({
      ...PLAIN,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'desk',
      KAFKA_SASL_PASSWORD_FILE: fileWith(`${SECRET}\n`),
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA_FILE: fileWith('the authority'),
      SCHEMA_REGISTRY_USERNAME: 'reader',
      SCHEMA_REGISTRY_PASSWORD: ` ${SECRET} `,
    });
    expect(connections.kafka).toMatchObject({
      sasl: { mechanism: 'scram-sha-512', username: 'desk', password: SECRET },
      ssl: { ca: 'the authority' },
    });
    expect(connections.registry.auth).toEqual({ username: 'reader', password: ` ${SECRET} ` });
    const described = JSON.stringify(describeConnections(connections));
    expect(described).not.toContain(SECRET);
    expect(described).toContain('scram-sha-512');
    expect(described).toContain('reader');
  });

  it('encrypts where only an authority is named, and not where that is switched off', () => {
    const env = { ...PLAIN, KAFKA_TLS_CA_FILE: fileWith('the authority') };
    expect(kafkaConnection(env).kafka.ssl).toEqual({ ca: 'the authority' });
    expect(kafkaConnection({ ...env, KAFKA_TLS: 'false' }).kafka.ssl).toBeUndefined();
  });

  it.each([
    `${SECRET}@127.0.0.1:9092`,
    `user:${SECRET}@127.0.0.1:9092`,
    `sasl://user:${SECRET}@one:9092`,
    `one:9092?token=${SECRET}`,
    `one:9092,${SECRET}@two:9092`,
    `one:${SECRET}`,
  ])('%s is no list of brokers, and is not repeated', (brokers) => {
    expect(problemsOf({ ...PLAIN, KAFKA_BROKERS: brokers })).toEqual(['KAFKA_BROKERS']);
  });

  it.each([
    `http://r:8081/apis/ccompat/v7?token=${SECRET}`,
    `http://r:8081/?`,
    `http://r:8081/#${SECRET}`,
    `http://${SECRET}@r:8081`,
    SECRET,
  ])('%s is no address of a registry, and is not repeated', (url) => {
    expect(problemsOf({ ...PLAIN, SCHEMA_REGISTRY_URL: url })).toEqual(['SCHEMA_REGISTRY_URL']);
  });

  it('an empty file with a secret is named; a byte order mark is no part of one', () => {
    const sasl = { ...PLAIN, KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'desk' };
    expect(problemsOf({ ...sasl, KAFKA_SASL_PASSWORD_FILE: fileWith('') })).toEqual(['KAFKA_SASL_PASSWORD_FILE']);
    expect(problemsOf({ ...PLAIN, KAFKA_TLS_CA_FILE: fileWith('\n') })).toEqual(['KAFKA_TLS_CA_FILE']);
    const { kafka } = kafkaConnection({ ...sasl, KAFKA_SASL_PASSWORD_FILE: fileWith(`\uFEFF${SECRET}\r\n`) });
    expect(kafka.sasl).toMatchObject({ password: SECRET });
  });

  it('names every setting that is missing or wrong, at once', () => {
    expect(problemsOf({})).toEqual(['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL']);
    expect(
      problemsOf({
        KAFKA_BROKERS: 'no-port',
        SCHEMA_REGISTRY_URL: `http://user:${SECRET}@registry`,
        KAFKA_SASL_MECHANISM: 'md5',
        KAFKA_SASL_PASSWORD: SECRET,
        KAFKA_TLS: 'yes',
        KAFKA_TLS_KEY_FILE: '/nowhere/key.pem',
        SCHEMA_REGISTRY_USERNAME: 'reader',
      }).toSorted(),
    ).toEqual([
      'KAFKA_BROKERS',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_USERNAME',
      'KAFKA_TLS',
      'KAFKA_TLS_CERT_FILE',
      'KAFKA_TLS_KEY_FILE',
      'SCHEMA_REGISTRY_PASSWORD',
      'SCHEMA_REGISTRY_URL',
    ]);
  });

  it('wants a mechanism with a user and a user with a mechanism; a secret once only', () => {
    expect(problemsOf({ ...PLAIN, KAFKA_SASL_MECHANISM: 'plain' })).toEqual(['KAFKA_SASL_USERNAME']);
    expect(problemsOf({ ...PLAIN, KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD: SECRET })).toEqual([
      'KAFKA_SASL_MECHANISM',
    ]);
    const both = { SCHEMA_REGISTRY_PASSWORD: SECRET, SCHEMA_REGISTRY_PASSWORD_FILE: fileWith(SECRET) };
    expect(problemsOf({ ...PLAIN, SCHEMA_REGISTRY_USERNAME: 'reader', ...both })).toEqual([
      'SCHEMA_REGISTRY_PASSWORD_FILE',
    ]);
  });

  it.each(['PLAIN', 'plain', 'Scram-Sha-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])(
    'takes the mechanism %s',
    (mechanism) => {
      const proof =
        mechanism === 'OAUTHBEARER'
          ? { KAFKA_SASL_TOKEN_FILE: fileWith(SECRET) }
          : { KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD: SECRET };
      const { kafka } = kafkaConnection({ ...PLAIN, KAFKA_SASL_MECHANISM: mechanism, ...proof });
      expect(kafka.sasl?.mechanism).toBe(mechanism.toLowerCase());
      expect(JSON.stringify(describeConnections({ kafka, registry: { url: 'http://r' } }))).not.toContain(SECRET);
    },
  );

  it('reads what is in files again at each use; what held last counts while one is being replaced', async () => {
    const [password, ca, token] = [fileWith('first'), fileWith('first'), fileWith('first')];
    const tls = { KAFKA_TLS_CA_FILE: ca };
    const user = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD_FILE: password };
    const scram = kafkaConnection({ ...PLAIN, ...tls, ...user }).kafka;
    const bearer = kafkaConnection({
      ...PLAIN,
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_TOKEN_FILE: token,
    }).kafka;
    const now = async (): Promise<unknown[]> => [
      scram.sasl !== undefined && 'password' in scram.sasl && scram.sasl.password,
      // Reads all fields, as a connection does.
      { ...scram.ssl }.ca,
      bearer.sasl !== undefined && 'token' in bearer.sasl && (await bearer.sasl.token()),
    ];
    const all = (text: string): void => [password, ca, token].forEach((file) => writeFileSync(file, text));
    expect(await now()).toEqual(['first', 'first', 'first']);
    all('second');
    expect(await now()).toEqual(['second', 'second', 'second']);
    all('');
    expect(await now()).toEqual(['second', 'second', 'second']);
  });

  it('OAUTHBEARER has a token and no user, the others a user and no token', () => {
    const bearer = { ...PLAIN, KAFKA_SASL_MECHANISM: 'OAuthBearer' };
    const file = { KAFKA_SASL_TOKEN_FILE: fileWith(SECRET) };
    const command = { KAFKA_SASL_TOKEN_COMMAND: `echo ${SECRET}` };
    const user = { KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD: SECRET };
    expect(problemsOf(bearer)).toEqual(['KAFKA_SASL_TOKEN_FILE']);
    expect(problemsOf({ ...bearer, ...file, ...command })).toEqual(['KAFKA_SASL_TOKEN_COMMAND']);
    expect(problemsOf({ ...bearer, ...file, ...user })).toEqual(['KAFKA_SASL_USERNAME']);
    expect(problemsOf({ ...PLAIN, ...user, ...file, KAFKA_SASL_MECHANISM: 'plain' })).toEqual([
      'KAFKA_SASL_TOKEN_FILE',
    ]);
    expect(problemsOf({ ...PLAIN, ...command })).toEqual(['KAFKA_SASL_MECHANISM']);
  });
});
