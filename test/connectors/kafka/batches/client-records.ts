import type { LogRecord, OutgoingRecord } from '../../../../ports/event-log.ts';

const FIRST_TIMESTAMP = 1_767_225_600_000;

/** The record that JavaClient.java and librdkafka.py write at that index of the batch of that name. */
export function clientRecord(topic: string, what: string, index: number): OutgoingRecord {
  const growth = what === 'snappy' ? 40 : 4;
  const text = `${what} ${index} `.repeat(1 + index * growth);
  return {
    topic,
    partition: 0,
    key: index % 5 === 1 ? null : Buffer.from(index % 5 === 2 ? '' : `main:SYMBOL${index % 4}`),
    value: index % 7 === 3 ? null : Buffer.from(index % 7 === 4 ? '' : text),
    timestamp: FIRST_TIMESTAMP + (index % 3 === 2 ? -1_000 : 7) * index,
    headers:
      index % 2 === 0
        ? []
        : [
            ['z-first', Buffer.from(what)],
            ['a-null', null],
            ['repeated', Buffer.from('1')],
            ['repeated', Buffer.alloc(0)],
            ['constructor', Buffer.from([0, 0xff])],
            ['größe \u{1F4C8}', Buffer.from('3')],
          ],
  };
}

/** A record as both programs print it. */
export function lineOf(
  { key, value, timestamp, headers = [] }: LogRecord | OutgoingRecord,
  partition: number,
  offset: number,
): string {
  const fields = headers.flatMap(([name, content]) => [hex(Buffer.from(name)), hex(content)]);
  return [partition, offset, timestamp, hex(key), hex(value), ...fields].join(' ');
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : `x${Buffer.from(bytes).toString('hex')}`;
}
