import { createRequire } from 'node:module';
import type { IHeaders, KafkaMessage, Logger } from 'kafkajs';
import type { KafkaConfig } from 'kafkajs';

/**
 * What we take from inside kafkajs, with types of our own. Two reasons, each worth more than the purity:
 * - its public API reads only as a member of a consumer group: a join that takes seconds on a broker with default settings
 *   and leaves a group behind, for each of the dozen reads of a `status`. A plain fetch needs neither.
 * - three faults that have no other way around (see kafkajs-fixes.ts).
 * package.json pins kafkajs to one version; the contract suite fails if any of this changes.
 */
const require = createRequire(import.meta.url);

/** READ_COMMITTED of Kafka's protocol: the end is the last stable offset, and what was aborted does not come. */
export const READ_COMMITTED = 1;

/** A record as kafkajs decodes it, with the record batch it lay in (absent in the formats before Kafka 0.11). */
export type FetchedMessage = KafkaMessage & {
  readonly headers?: IHeaders;
  readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number };
};

/** One partition of a fetch response. */
interface FetchedPartition {
  readonly partition: number;
  readonly messages: readonly FetchedMessage[];
}

interface FetchRequest {
  /** Unit: milliseconds. */
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

interface Broker {
  fetch(
    request: FetchRequest,
  ): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { readonly nodeId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
      readonly fromBeginning: boolean;
    }[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
}

type ClusterOptions = KafkaConfig & {
  readonly logger: Logger;
  /** Unit: milliseconds. */
  readonly metadataMaxAge: number;
  readonly allowAutoTopicCreation: boolean;
  readonly isolationLevel: number;
};

export const Cluster = require('kafkajs/src/cluster/index.js') as new (options: ClusterOptions) => Cluster;

/** Leaves out control records, aborted records and those before the offset that was asked for. */
export const FetchedBatch = require('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchOffset: string,
  partition: FetchedPartition,
) => { readonly messages: readonly FetchedMessage[] };

export const Encoder = require('kafkajs/src/protocol/encoder.js') as {
  readonly prototype: { writeVarIntBytes: (this: object, value: Uint8Array | string | null) => unknown };
};

/** A header as kafkajs decodes it. */
export interface DecodedHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export const Decoder = require('kafkajs/src/protocol/decoder.js') as {
  readonly prototype: { readVarIntArray: (this: object, reader: unknown) => DecodedHeader[] };
};

export interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Epoch milliseconds; -1 where the broker never asked to wait. */
  readonly throttledUntil: number;
}

export const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: { scheduleCheckPendingRequests: (this: RequestQueue) => void };
};
