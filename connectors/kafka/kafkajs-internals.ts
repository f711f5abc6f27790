import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { KafkaConfig, Logger } from 'kafkajs';
import type { FetchResponse } from './fetch-response.ts';

/**
 * Internal modules of kafkajs, with types of our own. They are needed for two reasons:
 * - the public API reads only as a member of a consumer group. On a broker with default settings a join takes seconds and leaves a group
 *   behind, and a `status` makes a dozen reads. A plain fetch needs no group.
 * - the faults that kafkajs-fixes.ts patches have no other remedy.
 * package.json pins kafkajs to one version, and the contract of the log fails where any of this changes.
 */
const require = createRequire(import.meta.url);

/** Isolation level READ_UNCOMMITTED: the end is the high watermark, and records of open transactions are returned. */
export const READ_UNCOMMITTED = 0;

/** Isolation level READ_COMMITTED: the end is the last stable offset, and aborted records are left out. */
export const READ_COMMITTED = 1;

/** A fetch. That of a group member has a rack id. */
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

/** How kafkajs reads a response: `decode` reads its fields, `parse` throws its errors. */
export interface ResponseReader<D, T = D> {
  readonly decode: (bytes: Buffer) => Promise<D>;
  readonly parse: (decoded: D) => Promise<T>;
}

/** An offset commit of a group member. */
export interface CommitRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number }[];
  }[];
}

interface CommitAnswer {
  readonly responses: CommitRequest['topics'];
}

/** A metadata response: for each requested topic its partitions or an error. */
export interface ClusterMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly topicErrorCode: number;
    /** A leader of -1 means none. */
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

export interface Broker {
  /** `host:port`. */
  readonly brokerAddress: string;
  metadata(topics: readonly string[]): Promise<ClusterMetadata>;
  /** The versions of each request that the broker takes, by the request's number; null before the first connection. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
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

/** kafkajs's decoder of a fetch response of version 11, which it looks up at each fetch. */
export const FetchResponseV11 = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode: (bytes: Buffer) => Promise<FetchResponse>;
};

/** kafkajs's decoder of a metadata response of version 6 (Kafka 2.0 and later). */
export const MetadataResponseV6 = require('kafkajs/src/protocol/requests/metadata/v6/response.js') as {
  decode: (bytes: Buffer) => Promise<ClusterMetadata>;
};

/** kafkajs's writer of requests. */
export interface Encoder {
  buf: Buffer;
  offset: number;
  /** Our addition: free memory directly in front of `buf` (kafkajs-fixes.ts). */
  front?: Buffer;
  ensureAvailable(bytes: number): void;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeString(value: string | null): Encoder;
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string): Encoder;
  writeBufferInternal(bytes: Buffer): void;
  writeEncoder: (this: Encoder, written: Encoder) => Encoder;
}

export const Encoder = require('kafkajs/src/protocol/encoder.js') as {
  new (bytes: number): Encoder;
  readonly prototype: Encoder;
};

/** kafkajs's reader of responses. */
export interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readUVarInt(): number;
  readUVarIntString(): string | null;
  /** Skips fields of later versions. */
  readTaggedFields(): unknown;
}

export const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder;

/** Kafka's error of that number, with its name and whether it is retriable. */
export const errorOfCode = (
  require('kafkajs/src/protocol/error.js') as {
    readonly createErrorFromCode: (code: number) => Error & { readonly type: string; readonly retriable: boolean };
  }
).createErrorFromCode;

export interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Epoch milliseconds; -1 where the broker has never throttled. */
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

/** kafkajs's error for a broker that cannot be connected to. */
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
  /** How long the broker holds a fetch without records. Unit: milliseconds. */
  readonly maxWaitTime: number;
  /** When the latest heartbeat was answered. Unit: milliseconds since 1970. */
  lastRequest: number;
  /** Null before it has joined, and once the group has removed it. */
  readonly memberId: string | null;
  readonly instrumentationEmitter: { readonly emit: (event: string, payload: object) => void };
  readonly assigned: () => readonly AssignedPartitions[];
  readonly isPaused: (topic: string, partition: number) => boolean;
}

export const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as {
  readonly prototype: ConsumerGroup & {
    fetch: (this: ConsumerGroup, nodeId: string) => Promise<unknown>;
    heartbeat: (this: ConsumerGroup, options: { readonly interval: number }) => Promise<void>;
    joinAndSync: (this: ConsumerGroup) => Promise<void>;
    resume: (this: ConsumerGroup, topics: readonly AssignedPartitions[]) => void;
  };
};

/** One message of a SASL exchange, and the reader of its response. */
export interface SaslStep<T> {
  readonly request: { readonly encode: () => Promise<Buffer> };
  readonly response: ResponseReader<T>;
}

type Digest = { readonly type: string };

/** SCRAM (RFC 5802), the client's side. */
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
  /** Pieces of the next response that have arrived; a single empty one after each whole response. */
  chunks: readonly Buffer[];
  readonly bytesBuffered: number;
}

/** A request, and the reader of its response. */
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

/** Created for each exchange. kafkajs authenticates a connection before its first request, and again before its session ends. */
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
