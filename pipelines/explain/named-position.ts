import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';

/** A position that was last observed longer than this before another is open no more, whatever closed it. Unit: milliseconds. */
const TOGETHER_MS = 60 * 60 * 1000;

interface Found {
  readonly id: PositionId;
  readonly openedAt: EpochMillis;
  readonly seenAt: EpochMillis;
}

/**
 * The positions that a symbol or the beginning of an id can mean: those that are open, else the one that was observed last. Empty: none
 * matches. Memory: one entry for each account, symbol and side that matches.
 */
export async function positionsNamed(topics: ReadableTopics, name: string): Promise<readonly PositionId[]> {
  const found = new Map<string, Found>();
  await forEachRecord(topics, TOPICS.positionSnapshot.name, {}, (snapshot) => {
    const { position_id: id, account, symbol, side, opened_at: openedAt, observed_at: seenAt } = snapshot;
    if (symbol !== name && !id.startsWith(name)) return;
    const key = JSON.stringify([account, symbol, side]);
    const before = found.get(key);
    if (before === undefined || openedAt >= before.openedAt) found.set(key, { id, openedAt, seenAt });
  });
  const newestFirst = [...found.values()].toSorted((one, other) => other.seenAt - one.seenAt);
  const [latest] = newestFirst;
  if (latest === undefined) return [];
  const closed = await closedAmong(topics, new Set(newestFirst.map(({ id }) => id)));
  const open = newestFirst.filter(({ id, seenAt }) => !closed.has(id) && latest.seenAt - seenAt <= TOGETHER_MS);
  return open.length === 0 ? [latest.id] : open.map(({ id }) => id).toSorted();
}

/** Those of which a trade or a FINAL outcome says that nothing is left. */
async function closedAmong(topics: ReadableTopics, ids: ReadonlySet<PositionId>): Promise<ReadonlySet<PositionId>> {
  const closed = new Set<PositionId>();
  await forEachRecord(topics, TOPICS.tradeClosed.name, {}, ({ position_id: id, remaining_quantity: left }) => {
    if (left === 0 && ids.has(id)) closed.add(id);
  });
  await forEachRecord(topics, TOPICS.clmOutcome.name, {}, ({ position_id: id, status }) => {
    if (status === 'FINAL' && ids.has(id)) closed.add(id);
  });
  return closed;
}
