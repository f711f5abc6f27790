import type { Message } from 'kafkajs';
import type { LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';
import { fromKafkaHeaders, toKafkaHeaders } from './headers.ts';
import type { FetchedMessage } from './kafkajs-internals.ts';

/** Between kafkajs's records and the port's. Offsets and timestamps are decimal text there: both fit a double exactly. */
export function toLogRecord(topic: string, partition: number, message: FetchedMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: fromKafkaHeaders(message.headers),
  };
}

export function toMessage({ key, value, timestamp, headers, partition }: OutgoingRecord): Message {
  const message: Message = {
    key: key === null ? null : bufferOf(key),
    value: value === null ? null : bufferOf(value),
    timestamp: String(timestamp),
  };
  if (partition !== undefined) message.partition = partition;
  if (headers !== undefined && headers.length > 0) message.headers = toKafkaHeaders(headers);
  return message;
}
