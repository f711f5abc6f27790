import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { logFileProbe } from '../../../connectors/embedded/log-file-probe.ts';
import { folderFacts } from '../../../connectors/system/folder-facts.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { accountChecks } from '../../../pipelines/doctor/account-checks.ts';
import { type Check, examine } from '../../../pipelines/doctor/check.ts';
import { folderCheck } from '../../../pipelines/doctor/folder-check.ts';
import { embeddedChecks, kafkaChecks } from '../../../pipelines/doctor/log-checks.ts';
import { targetsCheck } from '../../../pipelines/doctor/targets-check.ts';
import type { AccountProbe, ClusterProbe, FolderFacts } from '../../../ports/desk-probe.ts';
import type { TopicDrift } from '../../../ports/event-log.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { allTopicSpecs, TOPICS } from '../../../schemas/topics.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const clock = new SystemClock();
const DAY_MS = 24 * 60 * 60 * 1000;

/** The results by name: `fine: detail`, `trouble: detail -> remedy`, `not-made: detail`. */
async function resultsOf(checks: readonly Check[]): Promise<Readonly<Record<string, string>>> {
  const found = await examine(checks, clock);
  return Object.fromEntries(
    found.checks.map(({ name, state, detail, remedy }) => [
      name,
      `${state}: ${detail}${remedy === null ? '' : ` -> ${remedy}`}`,
    ]),
  );
}

const ALL = allTopicSpecs().length;
const SUBJECTS = Object.keys(TOPICS).length;

const UNCHANGED: readonly TopicDrift[] = allTopicSpecs().map(({ name: topic }) => ({ topic, state: 'unchanged' }));

const CLUSTER: ClusterProbe = {
  login: 'SCRAM-SHA-512 as scoring',
  encrypted: true,
  reach: () => Promise.resolve([{ address: 'k1:9092', trouble: null }]),
  tls: () => Promise.resolve({ protocol: 'TLSv1.3', validUntil: clock.now() + 90 * DAY_MS }),
  brokers: () => Promise.resolve(3),
  time: () => Promise.resolve(clock.now()),
};

interface Kafka {
  readonly cluster?: Partial<ClusterProbe>;
  readonly drifts?: readonly TopicDrift[];
  readonly idOf?: (subject: string) => Promise<number | null>;
}

function onKafka({ cluster, drifts = UNCHANGED, idOf = () => Promise.resolve(1) }: Kafka) {
  return resultsOf(
    kafkaChecks({
      cluster: { ...CLUSTER, ...cluster },
      log: { compareTopics: () => Promise.resolve(drifts) },
      registry: { idOf },
      words: ' --brokers k1:9092',
      clock,
    }),
  );
}

describe('the checks of Kafka', () => {
  it('all pass where all is there', async () => {
    expect(await onKafka({})).toEqual({
      broker: 'fine: 1 of 1 address reached',
      tls: expect.stringMatching(/^fine: TLSv1\.3, the broker's certificate is valid until \d{4}-\d\d-\d\d$/),
      login: 'fine: SCRAM-SHA-512 as scoring; 3 brokers in the cluster',
      topics: `fine: all ${ALL} are there`,
      drift: 'fine: none: the topics that are there are as the table says',
      registry: 'fine: answers',
      schemas: `fine: all ${SUBJECTS} subjects hold this program's schemas`,
      clock: expect.stringMatching(/^fine: this machine is \d+ ms (behind|ahead of) the broker's clock$/),
    });
  });

  it('name the missing topics, and the command with the log that is meant', async () => {
    const drifts = UNCHANGED.map((drift, index): TopicDrift => (index < 5 ? { ...drift, state: 'missing' } : drift));
    const { topics } = await onKafka({ drifts });
    expect(topics).toBe(
      `trouble: 5 of ${ALL} are missing: model.signal, position.snapshot, harvest.intent and 2 more -> harvestline topics apply --brokers k1:9092`,
    );
  });

  it('name what differs from the table', async () => {
    const [first, ...others] = UNCHANGED;
    const drifted: TopicDrift = {
      topic: first?.topic ?? '',
      state: 'drifted',
      detail: 'partitions is 3, the table says 6',
    };
    const found = await onKafka({ drifts: [drifted, ...others] });
    expect(found['topics']).toMatch(/^fine/);
    expect(found['drift']).toMatch(
      /^trouble: model\.signal: partitions is 3, the table says 6 -> `harvestline topics apply --brokers k1:9092` names/,
    );
  });

  it('name the subjects without this program’s schema', async () => {
    const idOf = (subject: string) => Promise.resolve(subject === 'clm.outcome-value' ? null : 1);
    const { schemas } = await onKafka({ idOf });
    expect(schemas).toBe(
      `trouble: 1 of ${SUBJECTS} subjects lack this program's schema: clm.outcome-value -> harvestline schemas register --brokers k1:9092`,
    );
  });

  it('examine the registry although no broker is there, and the cluster although no registry is', async () => {
    const reach = () => Promise.resolve([{ address: 'k1:9092', trouble: 'ECONNREFUSED' }]);
    const withoutBroker = await onKafka({ cluster: { reach } });
    expect(withoutBroker['broker']).toContain('trouble: nothing takes connections at k1:9092 (ECONNREFUSED)');
    expect(withoutBroker['topics']).toBe('not-made: not checked: no broker takes connections');
    expect(withoutBroker['schemas']).toMatch(/^fine/);
    const idOf = () => Promise.reject(new HarvestlineError('REGISTRY_AWAY', 'no answer'));
    const withoutRegistry = await onKafka({ idOf });
    expect(withoutRegistry['schemas']).toBe('not-made: not checked: the registry does not answer');
    expect(withoutRegistry['topics']).toMatch(/^fine/);
  });

  it('tell a certificate that is not trusted, or about to end, from a login that is refused', async () => {
    const untrusted = () => Promise.reject(new HarvestlineError('BROKER_CERTIFICATE', 'self-signed'));
    const first = await onKafka({ cluster: { tls: untrusted } });
    expect(first['tls']).toMatch(/^trouble: self-signed/);
    expect(first['login']).toBe('not-made: not checked: there is no encrypted connection');
    const ending = () => Promise.resolve({ protocol: 'TLSv1.3', validUntil: clock.now() + DAY_MS });
    expect((await onKafka({ cluster: { tls: ending } }))['tls']).toMatch(/^trouble: the broker's certificate ends on/);
    const refused = () => Promise.reject(new HarvestlineError('BROKER_AUTH_REFUSED', 'wrong password'));
    const second = await onKafka({ cluster: { brokers: refused } });
    expect([second['tls'], second['login']]).toEqual([
      expect.stringMatching(/^fine/),
      expect.stringMatching(/^trouble: wrong password -> .*KAFKA_SASL_MECHANISM/),
    ]);
  });

  it.each([
    [-7000, /^trouble: this machine is 7\.0 s ahead of the broker's clock -> timedatectl/],
    [7000, /^trouble: this machine is 7\.0 s behind the broker's clock/],
    [900, /^fine: this machine is \d+ ms behind the broker's clock/],
  ])('compare the clocks: the broker’s is %i ms ahead', async (aheadMs, expected) => {
    const time = () => Promise.resolve(clock.now() + aheadMs);
    expect((await onKafka({ cluster: { time } }))['clock']).toMatch(expected);
  });

  it('say so where the cluster does not tell its time', async () => {
    const time = () => Promise.resolve(null);
    expect((await onKafka({ cluster: { time } }))['clock']).toMatch(/^fine: not compared: /);
  });
});

describe('the checks of the embedded log', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  const examined = (path: string) =>
    resultsOf(
      embeddedChecks(logFileProbe(path, 'dev'), () => {
        const log = EmbeddedLog.openReadOnly(path, clock);
        return { log, registry: log.registry };
      }),
    );

  it('find nothing wrong with a folder that has none yet', async () => {
    expect(await examined(join(folder.path, 'none'))).toEqual({ log: 'fine: none yet: `harvestline dev` makes it' });
  });

  it('find topics and schemas missing in a new one, and nothing in a prepared one', async () => {
    const path = join(folder.path, 'desk');
    const log = EmbeddedLog.open(path, clock);
    const empty = await examined(path);
    expect(empty['log']).toMatch(/^fine: .*log\.sqlite is intact$/);
    expect(empty['topics']).toContain(`trouble: ${ALL} of ${ALL} are missing`);
    expect(empty['schemas']).toContain(`trouble: ${SUBJECTS} of ${SUBJECTS} subjects lack`);
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    expect(Object.values(await examined(path)).filter((one) => !one.startsWith('fine'))).toEqual([]);
    await log.close();
  });

  it('find a file that is no log', async () => {
    const path = join(folder.path, 'foreign');
    mkdirSync(path);
    writeFileSync(join(path, 'log.sqlite'), 'not a database, but long enough to be looked at as one');
    const found = await examined(path);
    expect(found['log']).toMatch(/^trouble: /);
    expect(found['topics']).toBe('not-made: not checked: the log cannot be read');
  });
});

describe('the check of the disk', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const GIB = 1024 ** 3;
  const FACTS: FolderFacts = { path: 'desk', exists: true, unwritable: null, freeBytes: 5 * GIB, openToOthers: [] };
  const judged = async (facts: Partial<FolderFacts>) =>
    (await resultsOf([folderCheck(() => ({ ...FACTS, ...facts }))]))['disk'];

  it('judges room, permission and modes', async () => {
    expect(await judged({})).toBe("fine: desk: writable, its owner's alone, 5.0 GiB free");
    expect(await judged({ exists: false })).toBe('fine: desk: to be made, 5.0 GiB free');
    expect(await judged({ freeBytes: GIB / 8 })).toMatch(/^trouble: desk: 128 MiB free, 256 MiB are needed/);
    expect(await judged({ unwritable: 'EROFS' })).toMatch(/^trouble: desk: EROFS -> chown/);
    expect(await judged({ openToOthers: ['desk (0755)'] })).toBe(
      'trouble: open to others: desk (0755) -> chmod -R go= desk',
    );
  });

  it('sees a folder and files that others may read, and one that is not there', () => {
    const path = join(folder.path, 'desk');
    expect(folderFacts(path)).toMatchObject({ exists: false, unwritable: null, openToOthers: [] });
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, 'log.sqlite'), '', { mode: 0o600 });
    expect(folderFacts(path)).toMatchObject({ exists: true, unwritable: null, openToOthers: [] });
    chmodSync(path, 0o755);
    chmodSync(join(path, 'log.sqlite'), 0o644);
    expect(folderFacts(path).openToOthers).toEqual([`${path} (0755)`, 'log.sqlite (0644)']);
    expect(folderFacts(join(path, 'log.sqlite')).unwritable).toMatch(/is a file$/);
  });
});

describe('the checks of an account', () => {
  const ACCOUNT: AccountProbe = {
    venue: 'binanceusdm',
    stake: 'live',
    hasKeys: true,
    skewMs: () => Promise.resolve(12),
    tryKeys: () => Promise.resolve(),
    keyRights: () => Promise.resolve({ withdraw: false, trade: true, anyAddress: false }),
    positionMode: () => Promise.resolve('one-way'),
    margin: () => Promise.resolve([{ currency: 'USDT', total: 1000, free: 400 }]),
    symbols: () => Promise.resolve(),
  };
  const judged = (account: Partial<AccountProbe>, orders = true) =>
    resultsOf(accountChecks({ ...ACCOUNT, ...account }, orders, ['BTCUSDT']));

  it('all pass where all is as it should be', async () => {
    expect(await judged({})).toEqual({
      exchange: 'fine: binanceusdm answers',
      'exchange clock': "fine: this machine is 12 ms behind binanceusdm's clock",
      symbols: 'fine: binanceusdm has BTCUSDT',
      keys: 'fine: accepted; orders are found by their client order ids',
      'key rights': 'fine: may trade, may not withdraw',
      'position mode': 'fine: one-way',
      margin: 'fine: 400 of 1000 USDT free',
    });
  });

  it.each([
    [{ withdraw: true, trade: true, anyAddress: false }, /^trouble: the key may withdraw -> Make a key/],
    [{ withdraw: false, trade: false, anyAddress: false }, /^trouble: the key may not trade futures/],
    [{ withdraw: null, trade: true, anyAddress: null }, /^trouble: not known/],
    [null, /^trouble: not known: binanceusdm has no request for them -> See on the page/],
    [
      { withdraw: false, trade: true, anyAddress: true },
      /^fine: may trade, may not withdraw; works from every address$/,
    ],
  ])('judge the rights of the key: %j', async (rights, expected) => {
    expect((await judged({ keyRights: () => Promise.resolve(rights) }))['key rights']).toMatch(expected);
  });

  it('take a key that may only read for an account that is followed on paper', async () => {
    const keyRights = () => Promise.resolve({ withdraw: false, trade: false, anyAddress: false });
    expect((await judged({ stake: 'data', keyRights }, false))['key rights']).toBe('fine: may read, may not withdraw');
  });

  it('ask a practice account for no rights, which its addresses do not know', async () => {
    const keyRights = () => Promise.reject(new Error('must not be asked'));
    expect((await judged({ stake: 'demo', keyRights }))['key rights']).toMatch(/^fine: not asked: /);
  });

  it('judge the margin', async () => {
    const none = await judged({ margin: () => Promise.resolve([{ currency: 'USDT', total: 0, free: 0 }]) });
    expect(none['margin']).toMatch(/^trouble: the account holds no margin/);
    const used = await judged({ margin: () => Promise.resolve([{ currency: 'USDT', total: 900, free: 0 }]) });
    expect(used['margin']).toMatch(/^trouble: 0 of 900 USDT free -> Add margin/);
  });

  it('try the keys although the clocks differ, and make nothing of an exchange that is away', async () => {
    const skewed = await judged({ skewMs: () => Promise.resolve(60_000) });
    expect([skewed['exchange clock'], skewed['keys']]).toEqual([
      expect.stringMatching(/^trouble/),
      expect.stringMatching(/^fine/),
    ]);
    const away = await judged({ skewMs: () => Promise.reject(new HarvestlineError('EXCHANGE_AWAY', 'no answer')) });
    expect(away).toMatchObject({
      exchange: expect.stringMatching(/^trouble: no answer/),
      keys: 'not-made: not checked: the exchange does not answer',
      margin: 'not-made: not checked: the exchange does not answer',
    });
  });

  it('of an exchange without keys are those that need none', async () => {
    expect(Object.keys(await judged({ hasKeys: false, stake: 'data' }, false))).toEqual([
      'exchange',
      'exchange clock',
      'symbols',
    ]);
  });
});

describe('the check of notify targets', () => {
  const judged = async (targets: Parameters<typeof targetsCheck>[1]) =>
    (await resultsOf([targetsCheck('notify.yaml', targets)]))['notify'];

  it('names the targets that cannot be reached, and how to try the others', async () => {
    const there = { name: 'webhook', address: 'ops.example:443', trouble: null };
    expect(await judged(() => Promise.resolve([there]))).toBe(
      'fine: webhook reached; `harvestline notify test --notify notify.yaml` sends a message',
    );
    const away = { name: 'email', address: 'mail.example:587', trouble: 'ENOTFOUND' };
    expect(await judged(() => Promise.resolve([there, away]))).toMatch(
      /^trouble: not reached: email at mail\.example:587 \(ENOTFOUND\) -> /,
    );
  });

  it('names every wrong path of the file', async () => {
    const problems = [
      { path: 'targets[0].url', why: 'give either url or url_file' },
      { path: 'quiet_hours.from', why: 'must be a time of day' },
    ];
    const refuse = () =>
      Promise.reject(new HarvestlineError('NOTIFY_FILE_INVALID', 'notify.yaml is no such file', { problems }));
    expect(await judged(refuse)).toMatch(
      /^trouble: notify\.yaml is no such file: targets\[0\]\.url: give either url or url_file; quiet_hours\.from: must be/,
    );
  });
});
