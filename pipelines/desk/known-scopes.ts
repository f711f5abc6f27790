/** Which scopes a command of the kill switch can be for: the desk, and every account that a process or a record knows. */
import { printable } from '../../render/terminal.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { nearestFirst } from '../../errors/nearest.ts';
import { WHOLE_DESK } from './kill-switch.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from '../runtime/read-topic.ts';

/** Whose records name an account: small topics first. */
const OF_ACCOUNTS = [
  TOPICS.executionReport.name,
  TOPICS.harvestIntent.name,
  TOPICS.positionReconciled.name,
  TOPICS.positionSnapshot.name,
] as const;

/**
 * Throws USAGE where nobody knows the scope, with what is known, the nearest first. `known` is what processes and claims name; only
 * where that does not have it the records are read, to the first that does.
 */
export async function refuseUnknown(topics: ReadableTopics, scope: string, known: ReadonlySet<string>): Promise<void> {
  if (scope === WHOLE_DESK || known.has(scope)) return;
  const accounts = new Set(known);
  for (const topic of OF_ACCOUNTS) {
    if (await gather(topics, topic, accounts, scope)) return;
  }
  const list = nearestFirst(scope, [WHOLE_DESK, ...accounts])
    .map(printable)
    .join(', ');
  throw new HarvestlineError(
    'USAGE',
    `--scope ${printable(scope)}: no process and no record on this log knows it; nothing was written. Known: ${list}`,
  );
}

/** True as soon as `wanted` turns up. */
async function gather(
  { log, codec }: ReadableTopics,
  topic: (typeof OF_ACCOUNTS)[number],
  accounts: Set<string>,
  wanted: string,
): Promise<boolean> {
  for await (const batch of log.read(topic)) {
    await prepareBatch(codec, topic, batch);
    for (const at of batch.records) {
      const record = decodedOrNull(codec, topic, at);
      if (record === null) continue;
      if (record.account === wanted) return true;
      accounts.add(record.account);
    }
  }
  return false;
}
