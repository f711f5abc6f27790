import type { ConnectionOptions } from 'node:tls';
import { type ISocketFactory, Kafka, type KafkaConfig, type Mechanism, logLevel } from 'kafkajs';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { Admission, kafkajsSasl } from './authentication.ts';
import { brokerSockets } from './broker-socket.ts';
import { acceptPartialMetadata } from './cluster-metadata.ts';
import type { Codec } from './codecs.ts';
import { Cluster, READ_COMMITTED } from './kafkajs-internals.ts';
import { fixKafkajs } from './kafkajs-fixes.ts';
import type { SaslSettings } from './kafka-connection.ts';

/** How to reach a Kafka cluster. */
export interface KafkaConnection {
  /** `host:port`; one that is up is enough to find the others. */
  readonly brokers: readonly string[];
  /** Asked for each connection: it may have getters that read files. */
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SaslSettings;
  /** What record batches are written with; none where left out. */
  readonly compression?: Codec;
}

/** Shown in the broker's logs and quotas where the caller names no other. */
const DEFAULT_CLIENT_ID = 'harvestline';

/**
 * kafkajs's own retries: short, so that a failure comes up quickly to where it is logged and retried with a longer back-off
 * (about 2 s altogether). Written out because kafkajs takes other defaults where NODE_ENV is test. Unit: milliseconds.
 */
export const RETRY = { initialRetryTime: 50, maxRetryTime: 1000, retries: 5, multiplier: 2, factor: 0.2 };

/** A broker on the same continent answers in well under a second; a dead address must not hold up the others. Unit: milliseconds. */
const CONNECTION_TIMEOUT_MS = 3000;

/** Twice the broker's own limit for a slow request would hide a stuck broker; this is Kafka's default. Unit: milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** How soon partitions that were added to a topic are seen by who reads or writes it. Unit: milliseconds. */
export const METADATA_MAX_AGE_MS = 10_000;

export interface ClientOptions extends KafkaConnection {
  readonly clientId?: string;
  readonly logger: Logger;
  /** Measures how long a rotation may take (authentication.ts); without it whoever is refused is refused for good. */
  readonly clock?: Clock;
}

/** How this process is let in. Certificates and credentials are rotated by themselves, so each has an admission of its own. */
interface Entrance {
  readonly sockets: ISocketFactory;
  readonly sasl: Mechanism | null;
}

/** By the options that clients are made from: the clients of one log are let in together, and learn from each other. */
const entrances = new WeakMap<ClientOptions, Entrance>();

function entranceOf(options: ClientOptions): Entrance {
  const { sasl, clock } = options;
  const entrance = entrances.get(options) ?? {
    sockets: brokerSockets({ admission: new Admission(clock), sasl: sasl !== undefined }),
    sasl: sasl === undefined ? null : kafkajsSasl(sasl, new Admission(clock)),
  };
  entrances.set(options, entrance);
  return entrance;
}

/** A kafkajs client. Each consumer needs one of its own: kafkajs shares committed offsets among the members of one. */
export function kafkaClient(options: ClientOptions): Kafka {
  fixKafkajs();
  return new Kafka(configOf(options));
}

/** A connection for reading without a consumer group. */
export function clusterClient(options: ClientOptions): Cluster {
  return acceptPartialMetadata(
    new Cluster({
      ...configOf(options),
      logger: kafkaClient(options).logger(),
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      isolationLevel: READ_COMMITTED,
    }),
  );
}

function configOf(options: ClientOptions): KafkaConfig {
  const { brokers, clientId = DEFAULT_CLIENT_ID, ssl, logger } = options;
  const { sockets, sasl } = entranceOf(options);
  return {
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory: sockets,
    // What matters we say ourselves, with a code and a remedy; kafkajs repeats it on every layer.
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) =>
        logger.debug({ client: 'kafkajs', namespace }, log.message),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === null ? {} : { sasl }),
  };
}
