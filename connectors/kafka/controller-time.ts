/**
 * The time of the cluster. Kafka has no request for it, but the active controller says in DescribeQuorum when each voter last fetched, and
 * for itself that is now.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import { protocolType } from './broker-errors.ts';
import { type Cluster, Decoder, Encoder, type ResponseReader, errorOfCode } from './kafkajs-internals.ts';

/** DescribeQuorum. Version 1 (Kafka 3.3) added the times. */
const DESCRIBE_QUORUM = 55;
const VERSION = 1;

/** The topic and partition of the controllers' own log. */
const METADATA_TOPIC = '__cluster_metadata';
const METADATA_PARTITION = 0;

/** A controller that is not the leader has no times. */
const UNKNOWN = -1;

/** Answers that say nothing about the time: the right DESCRIBE on the cluster is missing, or there are no controllers of this kind. */
const NOT_TOLD: ReadonlySet<string | null> = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_REQUEST',
]);

/** Null where the cluster does not say. */
export async function controllerTime(cluster: Cluster): Promise<EpochMillis | null> {
  await cluster.refreshMetadata();
  const broker = await cluster.findControllerBroker();
  const { maxVersion = 0 } = broker.versions?.[DESCRIBE_QUORUM] ?? {};
  if (maxVersion < VERSION) return null;
  try {
    return await broker.connectionPool.send({
      request: { apiKey: DESCRIBE_QUORUM, apiVersion: VERSION, apiName: 'DescribeQuorum', encode: encoded },
      response: LEADERS_TIME,
    });
  } catch (thrown) {
    if (NOT_TOLD.has(protocolType(thrown))) return null;
    throw thrown;
  }
}

/** In the compact form of later requests, which begins with the header's own tagged fields: kafkajs writes the header without them. */
function encoded(): Promise<Encoder> {
  const encoder = new Encoder(64).writeUVarInt(0);
  // A list of one topic with a list of one partition; a compact list has its length and one more in front.
  encoder.writeUVarInt(2).writeUVarIntString(METADATA_TOPIC);
  encoder.writeUVarInt(2).writeInt32(METADATA_PARTITION);
  // The tagged fields of partition, topic and request.
  return Promise.resolve(encoder.writeUVarInt(0).writeUVarInt(0).writeUVarInt(0));
}

interface Described {
  readonly errorCode: number;
  readonly time: EpochMillis | null;
}

const LEADERS_TIME: ResponseReader<Described, EpochMillis | null> = {
  decode: (bytes) => Promise.resolve(described(new Decoder(bytes))),
  parse: ({ errorCode, time }) => (errorCode === 0 ? Promise.resolve(time) : Promise.reject(errorOfCode(errorCode))),
};

/** Reads up to the leader's entry among the voters of the first partition. */
function described(decoder: Decoder): Described {
  decoder.readTaggedFields();
  const errorCode = decoder.readInt16();
  if (errorCode !== 0 || decoder.readUVarInt() < 2) return { errorCode, time: null };
  decoder.readUVarIntString();
  if (decoder.readUVarInt() < 2) return { errorCode, time: null };
  decoder.readInt32();
  const partitionError = decoder.readInt16();
  const leader = decoder.readInt32();
  // The leader's epoch, and the end of the log.
  decoder.readInt32();
  decoder.readInt64();
  const voters = decoder.readUVarInt() - 1;
  for (let index = 0; index < voters; index++) {
    const id = decoder.readInt32();
    decoder.readInt64();
    const lastFetch = Number(decoder.readInt64());
    decoder.readInt64();
    decoder.readTaggedFields();
    if (id === leader) return { errorCode: partitionError, time: lastFetch === UNKNOWN ? null : lastFetch };
  }
  return { errorCode: partitionError, time: null };
}
