/**
 * The rights that each processor and command needs on a Kafka with access lists, derived from the topic table and the consumer groups:
 * docs/operations.md lists them, and a test runs the chain with exactly these.
 *
 * Every user may read every topic of the desk and its settings: `run` checks the topics at its start, reads state and watches for stalls,
 * whatever processor it runs. A user may write only the topics of its own role.
 */
import { DeskNames } from '../../schemas/desk-names.ts';
import { TOPICS, type TopicName, type Writer, allTopicSpecs, deadLetterTopicOf } from '../../schemas/topics.ts';
import { CONSUMER_GROUPS, type ConsumerGroup } from './consumer-groups.ts';

/** As kafka-acls names them. Read, Write and Alter include Describe. */
type Operation = 'Read' | 'Write' | 'Create' | 'Alter' | 'Describe' | 'DescribeConfigs';

interface KafkaRight {
  readonly resource: 'topic' | 'group' | 'cluster';
  /** Empty for the cluster. */
  readonly names: readonly string[];
  /** The right is for every name with such a prefix. */
  readonly prefixed?: true;
  readonly operations: readonly Operation[];
}

interface Role {
  /** The commands that such a user runs. */
  readonly runs: string;
  readonly writes: readonly string[];
  readonly group?: ConsumerGroup;
  /** Further rights. */
  readonly rights?: readonly KafkaRight[];
}

/** The topics on which a process shows which accounts it works. */
const WORKING = [TOPICS.deskClaim.name, TOPICS.deskProcess.name] as const;

export const ROLES = {
  scoring: processor('scoring'),
  execution: processor('execution', WORKING),
  clm: processor('clm'),
  watch: processor('watch'),
  snapshots: {
    runs: '`run snapshots`',
    // A simulated desk writes the signals of its models, too.
    writes: [...ownedBy('snapshots'), ...ownedBy('models'), ...WORKING],
  },
  reader: {
    runs: '`status`, `positions`, `tail`, `explain`, `replay`, `shadow`, `dlq list`, `dlq show`, `desk list`, `export`, `calibrate list`, `slices` and `verify`',
    writes: [],
    rights: [{ resource: 'group', names: Object.keys(CONSUMER_GROUPS), prefixed: true, operations: ['Describe'] }],
  },
  operator: {
    runs: '`halt`, `resume`, `desk retire`, `dlq retry`, `dlq discard`',
    writes: [...ownedBy('desk'), ...consumed().flatMap((name) => [name, deadLetterTopicOf(name)])],
  },
  quant: { runs: '`calibrate propose`, `approve`, `reject`, `rollback`', writes: ownedBy('calibration') },
  importer: { runs: '`clm import`', writes: [TOPICS.tradeClosed.name] },
  administrator: {
    runs: '`topics apply`',
    writes: [],
    rights: [
      { resource: 'topic', names: allTopicSpecs().map(({ name }) => name), operations: ['Create', 'Alter'] },
      { resource: 'cluster', names: [], operations: ['DescribeConfigs'] },
    ],
  },
} as const satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;

/** The rights of a role. `names`: as topics and groups are called in the broker. */
export function rightsOf(role: RoleName, names = new DeskNames()): readonly KafkaRight[] {
  const { writes, group, rights = [] }: Role = ROLES[role];
  const everything = allTopicSpecs().map(({ name }) => name);
  const all: readonly KafkaRight[] = [
    { resource: 'topic', names: everything, operations: ['Read', 'DescribeConfigs'] },
    ...(writes.length === 0
      ? []
      : [{ resource: 'topic' as const, names: [...new Set(writes)], operations: ['Write' as const] }]),
    // Prefixed for execution: a named account has a group of its own, `execution.ACCOUNT`.
    ...(group === undefined
      ? []
      : [
          {
            resource: 'group' as const,
            names: [group],
            ...(group === 'execution' ? { prefixed: true as const } : {}),
            operations: ['Read' as const],
          },
        ]),
    ...rights,
  ];
  return all.map((right) => ({
    ...right,
    names: right.names.map((name) => (right.resource === 'topic' ? names.topic(name) : names.group(name))),
  }));
}

/** The kafka-acls command that grants the right to a user. */
export function aclCommand({ resource, names, prefixed, operations }: KafkaRight, principal: string): string {
  const words = [
    'kafka-acls.sh --bootstrap-server HOST:PORT --command-config admin.properties --add',
    `--allow-principal User:${principal}`,
    ...operations.map((operation) => `--operation ${operation}`),
    ...(resource === 'cluster' ? ['--cluster'] : names.map((name) => `--${resource} ${name}`)),
    ...(prefixed === true ? ['--resource-pattern-type prefixed'] : []),
  ];
  return words.join(' \\\n  ');
}

function processor(name: ConsumerGroup, besides: readonly TopicName[] = []): Role & { readonly group: ConsumerGroup } {
  const letters = CONSUMER_GROUPS[name].map((topic) => deadLetterTopicOf(topic.name));
  return { runs: `\`run ${name}\``, writes: [...ownedBy(name), ...besides, ...letters], group: name };
}

function ownedBy(writer: Writer): readonly TopicName[] {
  return Object.values(TOPICS)
    .filter((topic) => topic.writer === writer)
    .map(({ name }) => name);
}

/** The topics that may have dead letters. */
function consumed(): readonly TopicName[] {
  return Object.values(CONSUMER_GROUPS)
    .flat()
    .map(({ name }) => name);
}
