import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { KafkaConfig, Logger } from 'kafkajs';
import type { FetchResponse } from './fetch-response.ts';

/**
 * What we take from inside kafkajs, with types of our own. Two reasons, each worth more than the purity:
 * - its public API reads only as a member of a consumer group: a join that takes seconds on a broker with default settings
 *   and leaves a group behind, for each of the dozen reads of a `status`. A plain fetch needs neither.
 * - two faults that have no other way around (see kafkajs-fixes.ts).
 * package.json pins kafkajs to one version; the contract suite fails if any of this changes.
 */
const require = createRequire(import.meta.url);

/** READ_UNCOMMITTED of Kafka's protocol: the end is the high watermark, behind what no transaction has ended yet. */
export const READ_UNCOMMITTED = 0;

/** READ_COMMITTED of Kafka's protocol: the end is the last stable offset, and what was aborted does not come. */
export const READ_COMMITTED = 1;

/** What a broker is asked for; a member of a group names its rack too. */
export interface FetchRequest {
  /** Unit: milliseconds. */
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly rackId?: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

/** How kafkajs reads an answer: `decode` what stands in it, `parse` what it means. */
export interface ResponseReader<D, T = D> {
  readonly decode: (bytes: Buffer) => Promise<D>;
  readonly parse: (decoded: D) => Promise<T>;
}

/** What a member commits, and what the coordinator says of it. */
export interface CommitRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number }[];
  }[];
}

interface CommitAnswer {
  readonly responses: CommitRequest['topics'];
}

/** A broker's answer about the cluster: where its brokers are, and of each topic that was asked about its partitions or an error. */
export interface ClusterMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly topicErrorCode: number;
    /** A leader of -1: none, or none that answers. */
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

export interface Broker {
  /** `host:port`. */
  readonly brokerAddress: string;
  metadata(topics: readonly string[]): Promise<ClusterMetadata>;
  readonly connectionPool: {
    send<D, T>(call: {
      readonly request: {
        readonly apiKey: number;
        readonly apiVersion: number;
        readonly apiName: string;
        readonly encode: () => Promise<Encoder>;
      };
      readonly response: ResponseReader<D, T>;
    }): Promise<T>;
  };
  initProducerId(request: {
    readonly transactionalId: null;
    /** Unit: milliseconds. */
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  fetch(request: FetchRequest): Promise<FetchResponse>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
    }[];
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
    }[];
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }>;
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  removeBroker(address: { readonly host: string; readonly port: number }): void;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  readonly brokerPool: {
    /** Null before the first answer. */
    readonly metadata: ClusterMetadata | null;
    createBroker: (options: unknown) => Broker;
  };
  findBroker(node: { readonly nodeId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
      readonly fromBeginning?: boolean;
      readonly fromTimestamp?: number;
    }[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
}

export const Broker = require('kafkajs/src/broker/index.js') as {
  readonly prototype: {
    fetch: (this: Broker, request: FetchRequest) => Promise<FetchResponse>;
    apiVersions: (this: Broker) => Promise<unknown>;
    offsetCommit: (this: Broker, request: CommitRequest) => Promise<CommitAnswer>;
  };
};

type ClusterOptions = KafkaConfig & {
  readonly logger: Logger;
  /** Unit: milliseconds. */
  readonly metadataMaxAge: number;
  readonly allowAutoTopicCreation: boolean;
  readonly isolationLevel: number;
};

export const Cluster = require('kafkajs/src/cluster/index.js') as new (options: ClusterOptions) => Cluster;

/** How kafkajs decodes a fetch response of version 11. It looks its decoder up at each fetch. */
export const FetchResponseV11 = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode: (bytes: Buffer) => Promise<FetchResponse>;
};

/** How kafkajs decodes a metadata response of version 6 (Kafka 2.0 and later). */
export const MetadataResponseV6 = require('kafkajs/src/protocol/requests/metadata/v6/response.js') as {
  decode: (bytes: Buffer) => Promise<ClusterMetadata>;
};

/** kafkajs writes requests with it. */
export interface Encoder {
  buf: Buffer;
  offset: number;
  /** Ours: what is free directly in front of `buf`, in the same memory (kafkajs-fixes.ts). */
  front?: Buffer;
  ensureAvailable(bytes: number): void;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeString(value: string | null): Encoder;
  writeBufferInternal(bytes: Buffer): void;
  writeEncoder: (this: Encoder, written: Encoder) => Encoder;
}

export const Encoder = require('kafkajs/src/protocol/encoder.js') as {
  new (bytes: number): Encoder;
  readonly prototype: Encoder;
};

/** Kafka's error of that number, with its name and whether another try may help. */
export const errorOfCode = (
  require('kafkajs/src/protocol/error.js') as {
    readonly createErrorFromCode: (code: number) => Error & { readonly type: string; readonly retriable: boolean };
  }
).createErrorFromCode;

export interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Epoch milliseconds; -1 where the broker never asked to wait. */
  readonly throttledUntil: number;
}

interface PushedRequest {
  readonly entry: { readonly apiName: string };
  /** Unit: milliseconds. */
  readonly requestTimeout: number;
}

export const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: {
    scheduleCheckPendingRequests: (this: RequestQueue) => void;
    createSocketRequest: (this: RequestQueue, pushed: PushedRequest) => { requestTimeout: number };
  };
};

/** No connection to that broker. */
export const ConnectionError = (
  require('kafkajs/src/errors.js') as {
    readonly KafkaJSConnectionError: new (message: string, where: { readonly broker: string }) => Error;
  }
).KafkaJSConnectionError;

export const OffsetManager = require('kafkajs/src/consumer/offsetManager/index.js') as {
  readonly prototype: { setDefaultOffset: () => Promise<void> };
};

interface AssignedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** A consumer's membership in its group. */
export interface ConsumerGroup {
  /** How long a fetch of nothing lasts. Unit: milliseconds. */
  readonly maxWaitTime: number;
  readonly assigned: () => readonly AssignedPartitions[];
  readonly isPaused: (topic: string, partition: number) => boolean;
}

export const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as {
  readonly prototype: ConsumerGroup & {
    fetch: (this: ConsumerGroup, nodeId: string) => Promise<unknown>;
    resume: (this: ConsumerGroup, topics: readonly AssignedPartitions[]) => void;
  };
};

/** One message of a SASL exchange, and how its answer is read. */
export interface SaslStep<T> {
  readonly request: { readonly encode: () => Promise<Buffer> };
  readonly response: ResponseReader<T>;
}

type Digest = { readonly type: string };

/** RFC 5802, the client's side. */
const { SCRAM: Scram, DIGESTS: ScramDigests } = require('kafkajs/src/broker/saslAuthenticator/scram.js') as {
  readonly SCRAM: new (
    user: { readonly username: string; readonly password: string },
    host: string,
    port: number,
    logger: Logger,
    exchange: <T>(step: SaslStep<T>) => Promise<T>,
    digest: Digest,
  ) => { authenticate(): Promise<void> };
  readonly DIGESTS: { readonly SHA256: Digest; readonly SHA512: Digest };
};
export const SCRAM = Scram;
export const SCRAM_DIGESTS = ScramDigests;

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly socket: Socket;
  readonly disconnect: () => Promise<boolean>;
  /** What has come of the next answer; one empty piece after each answer. */
  chunks: readonly Buffer[];
  readonly bytesBuffered: number;
}

/** A request, and how its answer is read. */
export interface ProtocolCall {
  readonly request: { readonly apiName: string };
  readonly response: ResponseReader<unknown, unknown>;
}

export const Connection = require('kafkajs/src/network/connection.js') as {
  readonly prototype: {
    send: (this: Connection, call: ProtocolCall) => Promise<unknown>;
    processData: (this: Connection, bytes: Buffer) => void;
  };
};

interface SaslAuthenticator {
  readonly connection: Connection;
}

/** Made for each exchange; kafkajs authenticates a connection before its first request, and again before its session ends. */
export const SaslAuthenticator = require('kafkajs/src/broker/saslAuthenticator/index.js') as {
  readonly prototype: { authenticate: (this: SaslAuthenticator) => Promise<void> };
};

export interface BrokerPool {
  readonly brokers: unknown;
}

export const BrokerPool = require('kafkajs/src/cluster/brokerPool.js') as {
  readonly prototype: {
    withBroker: <T>(this: BrokerPool, work: (one: { readonly broker: unknown }) => Promise<T>) => Promise<T | null>;
  };
};
