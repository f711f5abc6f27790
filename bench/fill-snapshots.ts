/**
 * Fills position.snapshot of a log with as many snapshots as wanted: the simulated desk's, again and again, each time later
 * and as another account's, as in a log that has grown for years. Unit of every time: milliseconds.
 */
import type { EventLog } from '../ports/event-log.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { positionIdOf } from '../schemas/ids.ts';
import type { RecordCodec } from '../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../schemas/topic-writer.ts';
import { TOPICS } from '../schemas/topics.ts';

/** Large enough that what an append costs by itself vanishes. */
const APPEND_RECORDS = 5000;

/** Between two repetitions: every position of the one before is over by then. */
const BREAK_MS = 2 * 24 * 60 * 60 * 1000;

/** `base` is in the order of observation. `onRecords` is told of each batch that is acknowledged. */
export async function fillSnapshots(
  log: Pick<EventLog, 'append'>,
  codec: RecordCodec,
  base: readonly PositionSnapshot[],
  records: number,
  onRecords: (records: number) => void,
): Promise<void> {
  const writer = new TopicWriter('snapshots', codec);
  const span = (base.at(-1)?.observed_at ?? 0) - (base[0]?.observed_at ?? 0) + BREAK_MS;
  // Topics are kept by their records' timestamps: all of them are young, whatever was observed when.
  const timestamp = Date.now();
  let batch: EncodedRecord[] = [];
  for (let written = 0; written < records;) {
    const repetition = Math.floor(written / base.length);
    for (const snapshot of base.slice(0, records - written)) {
      batch.push(writer.encode(TOPICS.positionSnapshot, repeated(snapshot, repetition, span), timestamp));
      written += 1;
      if (batch.length < APPEND_RECORDS && written < records) continue;
      await log.append(batch);
      onRecords(batch.length);
      batch = [];
    }
  }
}

function repeated(snapshot: PositionSnapshot, repetition: number, span: number): PositionSnapshot {
  const account = `${snapshot.account}-${repetition}`;
  const opened_at = snapshot.opened_at + repetition * span;
  return {
    ...snapshot,
    account,
    opened_at,
    observed_at: snapshot.observed_at + repetition * span,
    position_id: positionIdOf(account, snapshot.symbol, snapshot.side, opened_at),
  };
}
