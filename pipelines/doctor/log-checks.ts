/** The checks of the log: Kafka with its registry, or the embedded log's file. */
import { plural } from '../../render/figures.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClusterProbe, LogFileProbe } from '../../ports/desk-probe.ts';
import type { TopicAdmin, TopicDrift } from '../../ports/event-log.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { TOPICS, allTopicSpecs, schemaText, subjectOf } from '../../schemas/topics.ts';
import { type Check, type Finding, fine, trouble } from './check.ts';
import { clockFinding } from './clock-finding.ts';

/** A log with its registry, as the checks of both kinds need them. */
export interface LogParts {
  readonly log: Pick<TopicAdmin, 'compareTopics'>;
  readonly registry: Pick<SchemaRegistry, 'idOf' | 'nameOf'>;
  /** The options that name the log in commands, beginning with a space; empty: none is needed. */
  readonly words: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate that ends sooner is not renewed by itself, else it would be renewed already. Unit: milliseconds. */
const CERTIFICATE_MS = 7 * DAY_MS;

/** Kafka and its registry. Both are examined although the other is away. */
export function kafkaChecks(
  parts: LogParts & { readonly cluster: ClusterProbe; readonly clock: Clock },
): readonly Check[] {
  const { cluster, clock } = parts;
  return [
    {
      name: 'broker',
      blocks: 'no broker takes connections',
      examine: async () => brokerFinding(await cluster.reach()),
    },
    {
      name: 'tls',
      needs: ['broker'],
      blocks: 'there is no encrypted connection',
      examine: async () => {
        if (!cluster.encrypted) return fine('not used: the connection is in the clear');
        const { protocol, validUntil } = await cluster.tls();
        if (validUntil === null) return fine(protocol);
        const day = new Date(validUntil).toISOString().slice(0, 'YYYY-MM-DD'.length);
        return validUntil - clock.now() < CERTIFICATE_MS
          ? trouble(
              `the broker's certificate ends on ${day}`,
              "Renew the broker's certificate; docs/operations.md says in which order.",
            )
          : fine(`${protocol}, the broker's certificate is valid until ${day}`);
      },
    },
    {
      name: 'login',
      needs: ['broker', 'tls'],
      blocks: 'the broker does not answer',
      examine: async () => {
        const brokers = await cluster.brokers();
        return fine(`${cluster.login ?? 'without SASL'}; ${plural(brokers, 'broker')} in the cluster`);
      },
    },
    ...topicChecks(parts, ['login']),
    {
      name: 'registry',
      blocks: 'the registry does not answer',
      examine: async () => {
        const [topic] = Object.values(TOPICS);
        if (topic !== undefined) await parts.registry.idOf(subjectOf(topic), schemaText(topic));
        return fine('answers');
      },
    },
    schemaCheck(parts, ['registry']),
    {
      name: 'clock',
      needs: ['login'],
      blocks: 'the clocks differ',
      examine: async () => {
        const aheadMs = await clusterAheadMs(cluster, clock);
        return aheadMs === null
          ? fine('not compared: the cluster does not say its time (KRaft, and the right DESCRIBE on the cluster)')
          : clockFinding(aheadMs, "the broker's");
      },
    },
  ];
}

/** Several samples are taken; the one with the shortest round trip is the most accurate. */
const SAMPLES = 3;

/** How far the cluster's clock is ahead of this machine's; null where the cluster does not say. Unit: milliseconds. */
async function clusterAheadMs(cluster: Pick<ClusterProbe, 'time'>, clock: Clock): Promise<number | null> {
  let best: { readonly aheadMs: number; readonly roundTripMs: number } | null = null;
  for (let index = 0; index < SAMPLES; index++) {
    const asked = clock.now();
    const theirs = await cluster.time();
    if (theirs === null) return null;
    const roundTripMs = clock.now() - asked;
    if (best === null || roundTripMs < best.roundTripMs)
      best = { aheadMs: theirs - asked - roundTripMs / 2, roundTripMs };
  }
  return best?.aheadMs ?? null;
}

/** The embedded log. A folder without one is fine: `dev` makes it. `open` opens it for reading. */
export function embeddedChecks(file: LogFileProbe, open: () => Omit<LogParts, 'words'>): readonly Check[] {
  if (!file.exists()) {
    return [{ name: 'log', blocks: 'there is no log', examine: () => fine('none yet: `harvestline dev` makes it') }];
  }
  const opened = once(open);
  const parts: LogParts = {
    log: { compareTopics: (specs) => opened().log.compareTopics(specs) },
    registry: { idOf: (subject, text) => opened().registry.idOf(subject, text) },
    words: '',
  };
  return [
    {
      name: 'log',
      blocks: 'the log cannot be read',
      examine: () => {
        file.verify();
        return fine(`${file.path} is intact`);
      },
    },
    {
      name: 'lock',
      needs: ['log'],
      blocks: 'the log is locked',
      examine: () => fine(file.isInUse() ? 'held: a `harvestline dev` works on it' : 'free'),
    },
    ...topicChecks(parts, ['log']),
    schemaCheck(parts, ['log']),
  ];
}

function brokerFinding(found: readonly { readonly address: string; readonly trouble: string | null }[]): Finding {
  const silent = found.filter((one) => one.trouble !== null);
  const reached = found.length - silent.length;
  const list = silent.map(({ address, trouble: why }) => `${address} (${why})`).join(', ');
  if (reached === 0)
    return trouble(
      `nothing takes connections at ${list}`,
      'Start the broker (`npm run kafka` has one for trials), or name another: KAFKA_BROKERS or --brokers.',
    );
  return fine(
    `${reached} of ${plural(found.length, 'address', 'addresses')} reached${silent.length === 0 ? '' : `, not ${list}`}`,
  );
}

/** Names in a line before the rest is counted. */
const MOST_NAMED = 3;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function topicChecks({ log, words }: Pick<LogParts, 'log' | 'words'>, needs: readonly string[]): readonly Check[] {
  const specs = allTopicSpecs();
  // One question for both checks.
  const compared = once((): Promise<readonly TopicDrift[]> => log.compareTopics(specs));
  return [
    {
      name: 'topics',
      needs,
      blocks: 'topics are missing',
      examine: async () => {
        const missing = (await compared()).filter(({ state }) => state === 'missing').map(({ topic }) => topic);
        if (missing.length === 0) return fine(`all ${specs.length} are there`);
        return trouble(
          `${missing.length} of ${specs.length} are missing: ${listed(missing)}`,
          `harvestline topics apply${words}`,
        );
      },
    },
    {
      name: 'drift',
      needs,
      blocks: 'topics differ from the table',
      examine: async () => {
        const drifted = (await compared()).filter(({ state }) => state === 'drifted');
        if (drifted.length === 0) return fine('none: the topics that are there are as the table says');
        const details = drifted.map(({ topic, detail = 'differs' }) => `${topic}: ${detail}`);
        return trouble(
          listed(details),
          `\`harvestline topics apply${words}\` names each difference; Kafka's kafka-configs.sh alters them`,
        );
      },
    },
  ];
}

function schemaCheck({ registry, words }: Pick<LogParts, 'registry' | 'words'>, needs: readonly string[]): Check {
  return {
    name: 'schemas',
    needs,
    blocks: 'schemas are missing',
    examine: async () => {
      const topics = Object.values(TOPICS);
      const ids = await Promise.all(topics.map((topic) => registry.idOf(subjectOf(topic), schemaText(topic))));
      const missing = topics
        .filter((_, index) => ids[index] === null)
        .map((topic) => registry.nameOf?.(subjectOf(topic)) ?? subjectOf(topic));
      if (missing.length === 0) return fine(`all ${topics.length} subjects hold this program's schemas`);
      return trouble(
        `${missing.length} of ${topics.length} subjects lack this program's schema: ${listed(missing)}`,
        `harvestline schemas register${words}`,
      );
    },
  };
}

/** Calls `make` at the first call only. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
