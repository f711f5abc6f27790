import type { EpochMillis } from '../../ports/clock.ts';
import type { EmbeddedLog } from './embedded-log.ts';

/**
 * Applies the cleanup of some topics to the records of some accounts: `delete` drops those up to the first of their partition that is
 * young enough, `compact` keeps the last record of each key. Offsets are never given twice, and the newest record of a compacted key
 * is never dropped. Returns the number of records deleted.
 *
 * @param now event time of these accounts: virtual time ages records as real time does. Other desks in the log may live years
 * apart, so what is not of these accounts, or does not say so by its key, is kept.
 */
export function applyRetention(
  log: EmbeddedLog,
  now: EpochMillis,
  { topics, accounts }: { readonly topics: readonly string[]; readonly accounts: Iterable<string> },
): number {
  const { database } = log;
  const prefixes = Array.from(accounts, (account) => Buffer.from(`${account}:`));
  return database.transaction(() => {
    let deleted = 0;
    for (const topic of topics) {
      const { cleanup, retention_ms = null } = database.prepare(CLEANUP).get(topic) ?? {};
      for (let partition = 0; partition < log.partitionsOf(topic); partition++) {
        const place = [topic, partition] as const;
        const end = log.endOffset(...place);
        let changes = 0;
        for (const prefix of prefixes) {
          if (cleanup === 'compact')
            changes += Number(database.prepare(COMPACT).run(...place, prefix, prefix, ...place).changes);
          else if (retention_ms !== null)
            changes += Number(
              database.prepare(EXPIRE).run(...place, prefix, prefix, ...place, now - Number(retention_ms), end).changes,
            );
        }
        if (changes > 0) database.prepare(KEEP_END).run(...place, end);
        deleted += changes;
      }
    }
    return deleted;
  });
}

const CLEANUP = 'SELECT cleanup, retention_ms FROM topics WHERE name = ?';

const OWN = 'topic = ? AND partition = ? AND substr(key, 1, length(?)) = ?';

const COMPACT = `
  DELETE FROM records WHERE ${OWN} AND offset NOT IN (
    SELECT max(offset) FROM records WHERE topic = ? AND partition = ? AND key IS NOT NULL GROUP BY key
  )`;

const EXPIRE = `
  DELETE FROM records WHERE ${OWN} AND offset < coalesce((
    SELECT offset FROM records WHERE topic = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1
  ), ?)`;

const KEEP_END = `
  INSERT INTO partition_floors (topic, partition, end_offset) VALUES (?, ?, ?)
  ON CONFLICT (topic, partition) DO UPDATE SET end_offset = max(end_offset, excluded.end_offset)`;
