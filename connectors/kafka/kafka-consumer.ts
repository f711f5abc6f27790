import { type Consumer, type Kafka, PartitionAssigners, AssignerProtocol, type PartitionAssigner } from 'kafkajs';
import type { BatchHandler, Subscription } from '../../ports/event-log.ts';
import { retryBackoff } from './back-off.ts';
import { logError } from './broker-errors.ts';
import { type GroupLog, GroupMember, type MemberOptions } from './group-member.ts';
import { type ClientOptions, kafkaClient, METADATA_MAX_AGE_MS, RETRY } from './kafka-client.ts';
import { REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from './membership.ts';

/**
 * A subscription on Kafka: a sequence of memberships, each with its own kafkajs consumer. An outage of the broker ends a membership, and
 * after a back-off the next one begins, however long the outage lasts. Any other end is final.
 */
export class KafkaConsumer implements Subscription {
  readonly done: Promise<void>;
  readonly #log: GroupLog;
  readonly #clientOptions: ClientOptions;
  readonly #options: MemberOptions;
  readonly #handler: BatchHandler;
  readonly #stopping = new AbortController();
  readonly #onStopped: () => void;
  /** Topics that any of its memberships has read. */
  readonly #known = new Set<string>();
  #member: GroupMember | null = null;

  constructor(
    log: GroupLog,
    clientOptions: ClientOptions,
    options: MemberOptions,
    handler: BatchHandler,
    onStopped: () => void,
  ) {
    this.#log = log;
    this.#clientOptions = clientOptions;
    this.#options = options;
    this.#handler = handler;
    this.#onStopped = onStopped;
    this.done = this.#run();
    // The owner learns of a failure from `done`. Without this line the process would end by an unhandled rejection first.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#member?.stop();
    await this.done.catch(() => {});
    this.#onStopped();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#clientOptions;
    const { signal } = this.#stopping;
    const { group } = this.#options;
    const backoff = retryBackoff({ clock, logger, signal }, { group });
    while (!signal.aborted) {
      const context = { log: this.#log, clock, logger, known: this.#known };
      const member = new GroupMember(
        groupConsumer(kafkaClient(this.#clientOptions), this.#options),
        this.#options,
        this.#handler,
        context,
      );
      this.#member = member;
      const end = await member.run();
      if (end.kind === 'stopped') return;
      if (end.kind === 'failed') throw end.error;
      this.#options.onDropped?.();
      if (member.hasJoined) backoff.reset();
      const error = logError(end.error, 'consuming');
      await backoff.wait(error);
    }
  }
}

/** How soon a member learns of a rebalance, for which all others wait. Unit: milliseconds. */
const HEARTBEAT_MS = 500;

/** How long the broker holds a fetch without records. A new record ends it at once, so only `stop` waits for it. Unit: milliseconds. */
const MAX_WAIT_MS = 100;

/**
 * The size of a fetch, and of one partition in it. A fetch holds several partitions, so that some are handled while the outputs of others
 * are in flight, and is small enough to stay in the CPU's cache. Two fetches are in memory (prefetcher.ts). Unit: bytes.
 */
const FETCH_BYTES = 1536 * 1024;
const PARTITION_FETCH_BYTES = 512 * 1024;

/** The kafkajs consumer of one membership, not yet connected. */
export function groupConsumer(
  kafka: Pick<Kafka, 'consumer'>,
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
    // Every crash is reported to the member. kafkajs itself would restart after some, and after others stay idle.
    retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
}

/**
 * Assigns equal partition numbers of all topics to the same member, which kafkajs's own assigner does not: the state of a processor for a
 * partition belongs to that number in each of its topics. While members of the group support only kafkajs's assigner, the group uses that.
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
