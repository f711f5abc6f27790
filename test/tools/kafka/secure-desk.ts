import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs, { type AclEntry } from 'kafkajs';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { ProcessorName } from '../../../cli/compose/build-processors.ts';
import { run } from '../../../cli/compose/run.ts';
import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { EVERY_OTHER_ACCOUNT } from '../../../pipelines/desk/claims.ts';
import { type RoleName, ROLES, rightsOf } from '../../../pipelines/desk/kafka-rights.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { defaultPolicy, deservingIntents, freshSnapshots } from '../../cli/compose/fresh-snapshots.ts';
import { lagOf } from '../../cli/compose/lag.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { type SecureBroker, startSecureBroker } from './secure-broker.ts';
import type { Skipped } from './test-servers.ts';

/** An upper limit; the tests wait for conditions. */
export const PATIENCE = { timeout: 60_000, interval: 50 };

/** One user for each role; `half` lacks a right, `lost` has none. */
const USERS = [...(Object.keys(ROLES) as RoleName[]), 'half', 'lost'] as const;
export type User = (typeof USERS)[number];

export const passwordOf = (user: User): string => `secret-of-${user}`;
/** A broker with one user for each role. */
export function startSecureDesk(): Promise<SecureBroker | Skipped> {
  return startSecureBroker(Object.fromEntries(USERS.map((user) => [user, passwordOf(user)])));
}

/** The clients of that broker, in one suite: logs, processors and files of users, with the rights of their roles. */
export function secureDesk(broker: SecureBroker | Skipped) {
  // The body of a skipped suite runs too, to find its tests; none of them is called.
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

  /** The environment of a user on the listener SECURE. */
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
    const admin = kafkaClient({ brokers: [at.admin], clock, logger: SILENT_LOGGER }).admin();
    await admin.connect();
    const roles = Object.keys(ROLES) as RoleName[];
    const half = entriesOf('half', 'scoring').filter(
      ({ resourceName, operation }) =>
        !(resourceName === TOPICS.harvestIntent.name && operation === AclOperationTypes.WRITE),
    );
    await admin.createAcls({ acl: [...roles.flatMap((role) => entriesOf(role, role)), ...half] });
    await admin.disconnect();
    // With exactly the rights of docs/operations.md for `topics apply`.
    const created = await withLog(environmentOf('administrator'), (log) => log.createTopics(allTopicSpecs()));
    expect(new Set(created.map(({ state }) => state))).toEqual(new Set(['created']));
    expect(await withLog(environmentOf('administrator'), (log) => log.createTopics(allTopicSpecs()))).toHaveLength(
      allTopicSpecs().length,
    );
  });

  /** Starts a processor as its user. */
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
        http: { host: '127.0.0.1', port: 0, allowedHosts: [], token: null },
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

  return {
    at,
    folder,
    clock,
    fileWith,
    passwordFile,
    environmentOf,
    proxied,
    open,
    withLog,
    start,
    produce,
    reading,
    countOf,
    scored,
  };
}
