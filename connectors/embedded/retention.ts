import type { EpochMillis } from '../../ports/clock.ts';
import { transaction } from './database.ts';
import type { EmbeddedLog } from './embedded-log.ts';

/**
 * Applies the topics' cleanup: `delete` drops the oldest records of a partition up to the first that is young enough,
 * `compact` keeps the last record of each key. Offsets are never given twice, and the newest record of a compacted key is
 * never dropped. Returns the number of records deleted.
 *
 * @param now event time: the newest records' own, so that virtual time ages records as real time does.
 */
export function applyRetention(log: EmbeddedLog, now: EpochMillis): number {
  const { database } = log;
  return transaction(database, () => {
    let deleted = 0;
    for (const { name, cleanup, retention_ms } of database
      .prepare('SELECT name, cleanup, retention_ms FROM topics ORDER BY name')
      .all()) {
      for (let partition = 0; partition < log.partitionsOf(String(name)); partition++) {
        const place = [String(name), partition] as const;
        const end = log.endOffset(...place);
        const changes =
          cleanup === 'compact'
            ? database.prepare(COMPACT).run(...place, ...place).changes
            : retention_ms === null
              ? 0
              : database.prepare(EXPIRE).run(...place, ...place, now - Number(retention_ms), end).changes;
        if (Number(changes) > 0) database.prepare(KEEP_END).run(...place, end);
        deleted += Number(changes);
      }
    }
    return deleted;
  });
}

const COMPACT = `
  DELETE FROM records WHERE topic = ? AND partition = ? AND key IS NOT NULL AND offset NOT IN (
    SELECT max(offset) FROM records WHERE topic = ? AND partition = ? AND key IS NOT NULL GROUP BY key
  )`;

const EXPIRE = `
  DELETE FROM records WHERE topic = ? AND partition = ? AND offset < coalesce((
    SELECT offset FROM records WHERE topic = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1
  ), ?)`;

const KEEP_END = `
  INSERT INTO partition_floors (topic, partition, end_offset) VALUES (?, ?, ?)
  ON CONFLICT (topic, partition) DO UPDATE SET end_offset = max(end_offset, excluded.end_offset)`;
