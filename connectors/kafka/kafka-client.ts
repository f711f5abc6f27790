import { connect as connectPlain, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type ISocketFactory, Kafka, type KafkaConfig, type SASLOptions, logLevel } from 'kafkajs';
import type { Logger } from '../../ports/logger.ts';
import { takeWholeMetadata } from './cluster-metadata.ts';
import type { Codec } from './compression.ts';
import { Cluster, READ_COMMITTED } from './kafkajs-internals.ts';
import { fixKafkajs } from './kafkajs-fixes.ts';

/** How to reach a Kafka cluster. */
export interface KafkaConnection {
  /** `host:port`; one that is up is enough to find the others. */
  readonly brokers: readonly string[];
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SASLOptions;
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

/** Finds a dead peer behind a silent firewall. Unit: milliseconds. */
const KEEP_ALIVE_MS = 60_000;

export interface ClientOptions extends KafkaConnection {
  readonly clientId?: string;
  readonly logger: Logger;
}

/** A kafkajs client. Each consumer needs one of its own: kafkajs shares committed offsets among the members of one. */
export function kafkaClient(options: ClientOptions): Kafka {
  fixKafkajs();
  return new Kafka(configOf(options));
}

/** A connection for reading without a consumer group. */
export function clusterClient(options: ClientOptions): Cluster {
  return takeWholeMetadata(
    new Cluster({
      ...configOf(options),
      logger: kafkaClient(options).logger(),
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      isolationLevel: READ_COMMITTED,
    }),
  );
}

function configOf({ brokers, clientId = DEFAULT_CLIENT_ID, ssl, sasl, logger }: ClientOptions): KafkaConfig {
  return {
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory: noDelaySocket,
    // What matters we say ourselves, with a code and a remedy; kafkajs repeats it on every layer.
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) =>
        logger.debug({ client: 'kafkajs', namespace }, log.message),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

/** kafkajs's own socket, but without Nagle's delay: small requests leave at once. */
const noDelaySocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // kafkajs passes null where none was configured, whatever its types say.
  const tls = ssl as ConnectionOptions | null;
  const socket =
    tls === null
      ? connectPlain({ host, port }, onConnect)
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  // Each request that waits for a slow connection listens for it: a broker that starts can have many.
  socket.setMaxListeners(0);
  return socket;
};
