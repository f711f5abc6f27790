import { type Consumer, type Kafka, PartitionAssigners } from 'kafkajs';
import { coPartitionedAssigner } from './co-partitioned-assigner.ts';
import { METADATA_MAX_AGE_MS, RETRY } from './kafka-client.ts';

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
