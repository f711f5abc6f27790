import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs, { type AclEntry } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RoleName, ROLES, rightsOf } from '../../../pipelines/desk/kafka-rights.ts';
import type { ProcessorName } from '../../../cli/compose/build-processors.ts';
import { run } from '../../../cli/compose/run.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { EVERY_OTHER_ACCOUNT } from '../../../pipelines/desk/claims.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { defaultPolicy, deservingIntents, freshSnapshots } from '../../cli/compose/fresh-snapshots.ts';
import { lagOf } from '../../cli/compose/lag.ts';
import { runProgram } from '../../cli/program.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { certificate } from './certificates.ts';
import { SaslProxy } from './sasl-proxy.ts';
import { type SecureBroker, startSecureBroker } from './secure-broker.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

/** One user for each role; `half` lacks a right, `lost` has none. */
const USERS = [...(Object.keys(ROLES) as RoleName[]), 'half', 'lost'] as const;
type User = (typeof USERS)[number];

const passwordOf = (user: User): string => `secret-of-${user}`;
const broker = await startSecureBroker(Object.fromEntries(USERS.map((user) => [user, passwordOf(user)])));
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('a broker with TLS, SASL and access lists', () => {
  const at = broker as SecureBroker;
  const clock = new SystemClock();
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const fileWith = (name: string, text: string): string => {
    const file = join(folder.path, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const passwordFile = (user: User, password = passwordOf(user)): string => fileWith(`${user}.password`, password);

  /** As a person sets it; on SECURE unless another listener is named. */
  function environmentOf(user: User, mechanism = 'SCRAM-SHA-512'): Record<string, string> {
    return {
      KAFKA_BROKERS: at.secure,
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1/',
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD_FILE: passwordFile(user),
      KAFKA_TLS_CA_FILE: fileWith('ca.pem', at.authority.cert),
    };
  }

  function proxied(user: User): Record<string, string> {
    const { KAFKA_TLS_CA_FILE: _, ...rest } = environmentOf(user);
    return { ...rest, KAFKA_BROKERS: `127.0.0.1:${at.proxied.advertised}` };
  }

  function open(env: Record<string, string>, logger: Logger = SILENT_LOGGER): KafkaLog {
    return KafkaLog.open({ ...kafkaConnection(env).kafka, clock, logger });
  }

  async function withLog<T>(env: Record<string, string>, work: (log: KafkaLog) => Promise<T>): Promise<T> {
    const log = open(env);
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  }

  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  function entriesOf(user: User, role: RoleName): AclEntry[] {
    return rightsOf(role).flatMap(({ resource, names, prefixed, operations }) =>
      operations.flatMap((operation) =>
        (resource === 'cluster' ? ['kafka-cluster'] : names).map((resourceName) => ({
          resourceType: AclResourceTypes[({ topic: 'TOPIC', group: 'GROUP', cluster: 'CLUSTER' } as const)[resource]],
          resourceName,
          resourcePatternType: prefixed === true ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
          operation:
            AclOperationTypes[
              (operation === 'DescribeConfigs' ? 'DESCRIBE_CONFIGS' : operation.toUpperCase()) as 'READ'
            ],
          permissionType: AclPermissionTypes.ALLOW,
          principal: `User:${user}`,
          host: '*',
        })),
      ),
    );
  }

  let registry: MemoryRegistry;
  beforeAll(async () => {
    registry = await MemoryRegistry.withOwnSchemas();
    const admin = kafkaClient({ brokers: [at.admin], logger: SILENT_LOGGER }).admin();
    await admin.connect();
    const roles = Object.keys(ROLES) as RoleName[];
    const half = entriesOf('half', 'scoring').filter(
      ({ resourceName, operation }) =>
        !(resourceName === TOPICS.harvestIntent.name && operation === AclOperationTypes.WRITE),
    );
    await admin.createAcls({ acl: [...roles.flatMap((role) => entriesOf(role, role)), ...half] });
    await admin.disconnect();
    // With no more than docs/operations.md gives to who runs `topics apply`.
    const created = await withLog(environmentOf('administrator'), (log) => log.createTopics(allTopicSpecs()));
    expect(new Set(created.map(({ state }) => state))).toEqual(new Set(['created']));
    expect(await withLog(environmentOf('administrator'), (log) => log.createTopics(allTopicSpecs()))).toHaveLength(
      allTopicSpecs().length,
    );
  });

  /** A processor in a process of its own, as its user. */
  function start(name: ProcessorName, env: Record<string, string>) {
    const drain = new AbortController();
    const random = new SeededRandom(1);
    const exchange = new PaperExchange({ path: join(folder.path, 'paper.sqlite'), clock, random });
    const url = Promise.withResolvers<string>();
    const said: { code: unknown; message: string }[] = [];
    const hear = (context: object, message: string): void =>
      void said.push({ code: 'code' in context ? context.code : null, message });
    const logger: Logger = { ...SILENT_LOGGER, warn: hear, error: hear };
    const ended = run(
      {
        desk: {
          account: EVERY_OTHER_ACCOUNT,
          venue: 'paper',
          mode: 'PAPER',
          standing: false,
          observes: [],
          machine: name,
          by: 'test',
          clock,
        },
        processors: [name],
        sources: {},
        connect: () => {
          const log = open(env, logger);
          return Promise.resolve({ log, openCodec: () => RecordCodec.open(registry), close: () => log.close() });
        },
        policy: defaultPolicy(),
        exchange: () => Promise.resolve(exchange),
        from: 'beginning',
        http: { host: '127.0.0.1', port: 0 },
        onListening: url.resolve,
        clock,
        logger,
      },
      drain,
    ).finally(() => exchange.close());
    ended.catch(() => {});
    const stop = async (): Promise<void> => {
      drain.abort();
      await ended;
    };
    return {
      ended,
      said,
      stop,
      ready: () =>
        vi.waitFor(async () => expect((await fetch(`${await url.promise}/ready`)).status).toBe(200), PATIENCE),
    };
  }

  async function produce(count: number): Promise<number> {
    const snapshots = freshSnapshots(count, clock.now());
    const source = new TopicWriter('snapshots', await RecordCodec.open(registry));
    await withLog(environmentOf('snapshots'), (log) =>
      log.append(snapshots.map((one) => source.encode(TOPICS.positionSnapshot, one, one.observed_at))),
    );
    return deservingIntents(snapshots).length;
  }

  const reading = <T>(work: (log: KafkaLog) => Promise<T>): Promise<T> => withLog(environmentOf('reader'), work);
  const countOf = (log: KafkaLog, topic: string): Promise<number> =>
    log.offsets(topic).then((offsets) => offsets.reduce((sum, { begin, end }) => sum + end - begin, 0));
  const scored = (): Promise<void> =>
    reading((log) =>
      vi.waitFor(async () => expect(await lagOf(log, 'scoring', TOPICS.positionSnapshot.name)).toBe(0), PATIENCE),
    );

  it('runs the chain, each processor with exactly the rights of docs/operations.md', async () => {
    const parts = (['scoring', 'execution', 'clm'] as const).map((name) => start(name, environmentOf(name)));
    const intents = await produce(30);
    await reading((log) =>
      vi.waitFor(async () => {
        expect(await countOf(log, TOPICS.harvestIntent.name)).toBe(intents);
        expect(await lagOf(log, 'execution', TOPICS.harvestIntent.name)).toBe(0);
        expect(await countOf(log, TOPICS.clmOutcome.name)).toBeGreaterThan(0);
        expect(await lagOf(log, 'clm', TOPICS.tradeClosed.name)).toBe(0);
      }, PATIENCE),
    );
    await Promise.all(parts.map(({ stop }) => stop()));
    // Alerts have no code; a coordinator that has just been chosen is waited for.
    const refusals = parts.flatMap(({ said }) =>
      said.filter(({ code, message }) => !(code === null || code === 'BROKER_AWAY') || message.includes('no right')),
    );
    expect(refusals).toEqual([]);
  });

  it('names what is forbidden: topic and right, group and right', async () => {
    await produce(3);
    const { name: intent } = TOPICS.harvestIntent;
    await expect(start('scoring', environmentOf('half')).ended).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`no right WRITE on topic ${intent}`) as unknown,
    });
    await withLog(environmentOf('execution'), async (log) => {
      const ended = log.subscribe({ group: 'scoring', topics: [intent], from: 'beginning' }, () => Promise.resolve([]));
      await expect(ended.then(({ done }) => done)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('no right DESCRIBE on group scoring') as unknown,
      });
    });
    await withLog(environmentOf('clm'), (log) =>
      expect(log.committed('scoring', intent)).rejects.toMatchObject({ code: 'ACCESS_DENIED' }),
    );
    // What a user may not see is not "missing": every topic is named.
    const { code, stderr } = await runProgram(
      ['run', 'scoring', '--data', folder.path],
      '',
      undefined,
      environmentOf('lost'),
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ACCESS_DENIED') as unknown });
    for (const { name } of allTopicSpecs()) expect(stderr).toContain(name);
    expect(stderr).toContain('docs/operations.md');
  });

  it('refuses at the start, with a remedy, what is wrong for good', async () => {
    const { ca: other } = { ca: fileWith('other.pem', certificate({ name: 'another authority' }).cert) };
    const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
      [
        'wrong password',
        { KAFKA_SASL_PASSWORD_FILE: fileWith('wrong', 'not-the-one') },
        'BROKER_AUTH_REFUSED',
        'user scoring by SCRAM-SHA-512',
      ],
      ['unknown authority', { KAFKA_TLS_CA_FILE: other }, 'BROKER_CERTIFICATE', 'KAFKA_TLS_CA_FILE'],
      ['no TLS there', { KAFKA_BROKERS: at.admin }, 'BROKER_LISTENER', 'speaks no TLS'],
      ['TLS there', { KAFKA_TLS: 'false' }, 'BROKER_LISTENER', 'wants TLS'],
    ];
    const told = await Promise.all(
      cases.map(async ([name, change, , text]) => {
        const env = { ...environmentOf('scoring'), ...change };
        const { code, stderr } = await runProgram(['run', 'scoring', '--data', folder.path], '', undefined, env);
        expect(stderr).not.toContain('not-the-one');
        return [name, code, /error ([A-Z_]+)/.exec(stderr)?.[1], stderr.includes(text) ? text : stderr];
      }),
    );
    expect(told).toEqual(cases.map(([name, , code, text]) => [name, 1, code, text]));
    const {
      KAFKA_SASL_MECHANISM: _,
      KAFKA_SASL_USERNAME: _user,
      KAFKA_SASL_PASSWORD_FILE: _file,
      ...none
    } = environmentOf('scoring');
    await withLog(none, (log) =>
      expect(log.offsets('x')).rejects.toMatchObject({
        code: 'BROKER_LISTENER',
        message: expect.stringContaining('wants SASL') as unknown,
      }),
    );
    await withLog({ ...proxied('scoring'), KAFKA_BROKERS: at.admin }, (log) =>
      expect(log.offsets('x')).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' }),
    );
    const mutual = { ...none, KAFKA_BROKERS: at.mutual };
    await withLog(mutual, (log) => expect(log.offsets('x')).rejects.toMatchObject({ code: 'BROKER_CERTIFICATE' }));
  });

  it('lets in by every mechanism in any case, by a token from a file or a command, and by a certificate', async () => {
    const { name: topic } = TOPICS.positionSnapshot;
    const offsets = (env: Record<string, string>): Promise<number> =>
      withLog(env, (log) => log.offsets(topic)).then(({ length }) => length);
    for (const mechanism of ['plain', 'PLAIN', 'Scram-Sha-256', 'scram-sha-512', 'SCRAM-SHA-512']) {
      expect([mechanism, await offsets(environmentOf('reader', mechanism))]).toEqual([mechanism, 6]);
    }
    const {
      KAFKA_SASL_USERNAME: _,
      KAFKA_SASL_PASSWORD_FILE: _file,
      ...bearer
    } = environmentOf('reader', 'OAuthBearer');
    const file = fileWith('token', tokenOf('reader', clock.now()));
    const fromFile = { ...bearer, KAFKA_SASL_TOKEN_FILE: file };
    expect(await offsets(fromFile)).toBe(6);
    expect(await offsets({ ...bearer, KAFKA_SASL_TOKEN_COMMAND: `cat '${file}'` })).toBe(6);
    await withLog({ ...bearer, KAFKA_SASL_TOKEN_COMMAND: 'exit 3' }, (log) =>
      expect(log.offsets(topic)).rejects.toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' }),
    );
    // Read anew for each connection: what is in it is refused now.
    const log = open(fromFile);
    onTestFinished(() => log.close());
    fileWith('token', tokenOf('reader', clock.now() - 3_600_000));
    await expect(log.offsets(topic)).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' });
    fileWith('token', tokenOf('reader', clock.now()));
    expect((await log.offsets(topic)).length).toBe(6);
    // By TLS alone nobody has rights here, but is let in.
    const { cert, key } = certificate({ name: 'a client', by: at.authority });
    const own = { KAFKA_TLS_CERT_FILE: fileWith('cert.pem', cert), KAFKA_TLS_KEY_FILE: fileWith('key.pem', key) };
    const mutual = { ...bearer, ...own, KAFKA_BROKERS: at.mutual, KAFKA_SASL_MECHANISM: '' };
    await withLog(mutual, (one) => expect(one.offsets(topic)).rejects.toMatchObject({ code: 'ACCESS_DENIED' }));
  });

  it('KFK-5, KFK-6: waits for an exchange that is broken off or not answered, while it starts and while it works; and takes up a rotated password', async () => {
    const proxy = await SaslProxy.start({ port: at.proxied.advertised, target: at.proxied.port });
    onTestFinished(() => proxy.stop());
    const waits = (part: { said: readonly { code: unknown }[] }, times: number): Promise<void> =>
      vi.waitFor(() => {
        expect(proxy.broken).toBeGreaterThan(0);
        expect(part.said.filter(({ code }) => code === 'BROKER_AWAY').length).toBeGreaterThanOrEqual(times);
      }, PATIENCE);
    proxy.mode = 'close';
    const scoring = start('scoring', proxied('scoring'));
    await waits(scoring, 2);
    proxy.mode = 'pass';
    await scoring.ready();

    for (const mode of ['close', 'swallow'] as const) {
      scoring.said.length = 0;
      proxy.broken = 0;
      proxy.mode = mode;
      proxy.cut();
      await waits(scoring, 1);
      proxy.mode = 'pass';
      await produce(3);
      await scored();
    }

    // The broker first, then the file: what is refused meanwhile is waited for.
    scoring.said.length = 0;
    at.setPassword('scoring', 'another-secret');
    proxy.cut();
    await vi.waitFor(
      () =>
        expect(scoring.said).toContainEqual({
          code: 'BROKER_AWAY',
          message: expect.stringContaining('does not let in user scoring') as unknown,
        }),
      PATIENCE,
    );
    passwordFile('scoring', 'another-secret');
    await produce(3);
    await scored();
    await scoring.stop();
    await withLog({ ...proxied('scoring'), KAFKA_SASL_PASSWORD_FILE: fileWith('old', passwordOf('scoring')) }, (log) =>
      expect(log.offsets(TOPICS.harvestIntent.name)).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' }),
    );
  });
});

/** A token that nobody signed; it was made at that time and is good for half an hour. Unit: epoch milliseconds. */
function tokenOf(user: User, now: number): string {
  const claims = { sub: user, iat: Math.floor(now / 1000) - 1, exp: Math.floor(now / 1000) + 1800 };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
