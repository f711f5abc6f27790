import type { BatchHandler, Subscription } from '../../ports/event-log.ts';
import { BackOff } from './back-off.ts';
import { logError } from './broker-errors.ts';
import { type GroupLog, GroupMember, type MemberOptions } from './group-member.ts';
import { kafkaClient, METADATA_MAX_AGE_MS, RETRY } from './kafka-client.ts';
import type { KafkaLogOptions } from './kafka-log.ts';
import { type Consumer, type Kafka, PartitionAssigners, AssignerProtocol, type PartitionAssigner } from 'kafkajs';

/**
 * A subscription on Kafka: one membership after the other, each with a kafkajs consumer of its own. A broker that goes away
 * ends a membership; after a back-off the next one begins, for as long as it takes. Any other end is final.
 */
export class KafkaConsumer implements Subscription {
  readonly done: Promise<void>;
  readonly #log: GroupLog;
  readonly #logOptions: KafkaLogOptions;
  readonly #options: MemberOptions;
  readonly #handler: BatchHandler;
  readonly #stopping = new AbortController();
  readonly #onStopped: () => void;
  /** Topics that it has read, whatever memberships came between. */
  readonly #known = new Set<string>();
  #member: GroupMember | null = null;

  constructor(
    log: GroupLog,
    logOptions: KafkaLogOptions,
    options: MemberOptions,
    handler: BatchHandler,
    onStopped: () => void,
  ) {
    this.#log = log;
    this.#logOptions = logOptions;
    this.#options = options;
    this.#handler = handler;
    this.#onStopped = onStopped;
    this.done = this.#run();
    // The owner learns of a failure from `done`; without this the process would die of an unhandled rejection first.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#member?.stop();
    await this.done.catch(() => {});
    this.#onStopped();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#logOptions;
    const { signal } = this.#stopping;
    const backOff = new BackOff();
    while (!signal.aborted) {
      const context = { log: this.#log, clock, logger, known: this.#known };
      const member = new GroupMember(
        groupConsumer(kafkaClient(this.#logOptions), this.#options),
        this.#options,
        this.#handler,
        context,
      );
      this.#member = member;
      const end = await member.run();
      if (end.kind === 'stopped') return;
      if (end.kind === 'failed') throw end.error;
      this.#options.onDropped?.();
      if (member.hasJoined) backOff.reset();
      const error = logError(end.error, 'consuming');
      await backOff.wait(clock, logger, error, { group: this.#options.group }, signal);
    }
  }
}

/**
 * How long a member may be silent before its partitions go to others, so also how long they wait after a kill -9. Three
 * heartbeats and a stall of the machine fit into it. Unit: milliseconds.
 */
const SESSION_TIMEOUT_MS = 10_000;

/** How long a rebalance waits for members to finish the batch in hand. Unit: milliseconds. */
const REBALANCE_TIMEOUT_MS = 60_000;

/** How soon a member hears of a rebalance, which all others wait for. Unit: milliseconds. */
const HEARTBEAT_MS = 500;

/** How long an idle fetch stays with the broker. A new record ends it at once; only `stop` waits for it. Unit: milliseconds. */
const MAX_WAIT_MS = 100;

/**
 * What a fetch brings, and what it brings of one partition: of several, so that some are worked while the outputs of others are on their way,
 * and so little that much of it is still in the CPU's cache when it is worked. Two fetches are held (fetch-ahead.ts). Unit: bytes.
 */
const FETCH_BYTES = 1536 * 1024;
const PARTITION_FETCH_BYTES = 512 * 1024;

/** kafkajs's consumer of one membership in a group, not yet connected. */
export function groupConsumer(
  kafka: Kafka,
  { group, sessionTimeoutMs = SESSION_TIMEOUT_MS }: { readonly group: string; readonly sessionTimeoutMs?: number },
): Consumer {
  return kafka.consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytes: FETCH_BYTES,
    maxBytesPerPartition: PARTITION_FETCH_BYTES,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    partitionAssigners: [coPartitionedAssigner, PartitionAssigners.roundRobin],
    // Every crash comes to the member: kafkajs would restart after some, and after others live on doing nothing.
    retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
}

/**
 * Gives equal partition numbers of all topics to one member, as kafkajs's own assigner does not: what a processor keeps for a
 * partition it keeps for that number of each of its topics (pipelines/runtime/per-partition.ts). Members of the same group that know
 * only kafkajs's assigner keep the group on that one until they are gone.
 */
export const coPartitionedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'HarvestlineCoPartitioned',
  version: 0,
  async assign({ members, topics }) {
    const memberIds = members.map(({ memberId }) => memberId).toSorted();
    return memberIds.map((memberId, place) => {
      const own = topics.map((topic) => {
        const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
        return [topic, partitions.filter((partition) => partition % memberIds.length === place)] as const;
      });
      const assignment = Object.fromEntries(own.map(([topic, partitions]) => [topic, [...partitions]]));
      return {
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData: EMPTY }),
      };
    });
  },
  protocol({ topics }) {
    return {
      name: 'HarvestlineCoPartitioned',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: EMPTY }),
    };
  },
});

const EMPTY = Buffer.alloc(0);
