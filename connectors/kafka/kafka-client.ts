import { type ISocketFactory, Kafka, type KafkaConfig, type Mechanism, logLevel } from 'kafkajs';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { Admission, kafkajsSasl } from './authentication.ts';
import { brokerSockets } from './broker-socket.ts';
import { acceptPartialMetadata } from './cluster-metadata.ts';
import type { KafkaConnection } from './kafka-connection.ts';
import { fixKafkajs } from './kafkajs-fixes.ts';
import { Cluster, READ_COMMITTED } from './kafkajs-internals.ts';

/** The name of this program in a broker's logs and quotas. */
const CLIENT_ID = 'harvestline';

/**
 * kafkajs's own retries: about 2 s in total, so that a failure soon reaches our own retry, which logs it and waits longer. All of them are
 * set, because kafkajs has other defaults where NODE_ENV is test. Unit: milliseconds.
 */
export const RETRY = { initialRetryTime: 50, maxRetryTime: 1000, retries: 5, multiplier: 2, factor: 0.2 };

/** A broker on the same continent connects in well under a second, and a dead address must not delay the others. Unit: milliseconds. */
const CONNECTION_TIMEOUT_MS = 3000;

/** Kafka's default. Unit: milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** How soon clients notice partitions that were added to a topic. Unit: milliseconds. */
export const METADATA_MAX_AGE_MS = 10_000;

export interface ClientOptions extends KafkaConnection {
  readonly logger: Logger;
  /** Times commits, heartbeats, back-off and rotations of credentials. It never appears in a record. */
  readonly clock: Clock;
}

/** How the clients of a log connect. Certificates and credentials are rotated independently, so each has an `Admission` of its own. */
interface Access {
  readonly sockets: ISocketFactory;
  readonly sasl: Mechanism | null;
}

/** By the options of the clients: those of one log share what they learn about refusals. */
const accesses = new WeakMap<ClientOptions, Access>();

function accessOf(options: ClientOptions): Access {
  const { sasl, clock } = options;
  const access = accesses.get(options) ?? {
    sockets: brokerSockets({ admission: new Admission(clock), sasl: sasl !== undefined }),
    sasl: sasl === undefined ? null : kafkajsSasl(sasl, new Admission(clock)),
  };
  accesses.set(options, access);
  return access;
}

/** A kafkajs client. Each consumer needs its own, because the consumers of one client share committed offsets. */
export function kafkaClient(options: ClientOptions): Kafka {
  fixKafkajs();
  return new Kafka(configOf(options));
}

/** A kafkajs cluster, for requests that its public API does not have. */
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
  const { brokers, ssl, logger } = options;
  const { sockets, sasl } = accessOf(options);
  return {
    brokers: [...brokers],
    clientId: CLIENT_ID,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory: sockets,
    // At debug level: errors that matter are logged by our own code, and kafkajs repeats each of them on several layers.
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) =>
        logger.debug({ client: 'kafkajs', namespace }, log.message),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === null ? {} : { sasl }),
  };
}
