import { TOPICS } from '../../schemas/topics.ts';
import type { Replay } from '../processor.ts';
import { Ledger } from './ledger.ts';

/**
 * The ledger as the log has it: reports first; trades only if an order is unsettled, to see which have been settled
 * since; intents only until those are found that an unsettled order or a cooldown needs, since a report does not repeat
 * what its intent says.
 */
export async function restoreLedger(replay: Replay): Promise<Ledger> {
  const ledger = new Ledger();
  for await (const { record } of replay(TOPICS.executionReport.name)) ledger.apply(record);
  if (ledger.hasUnsettled) {
    for await (const { record } of replay(TOPICS.tradeClosed.name)) {
      ledger.settled(record.position_id, record.client_order_id);
    }
  }
  const needed = ledger.neededIntents();
  if (needed.size === 0) return ledger;
  for await (const { record } of replay(TOPICS.harvestIntent.name)) {
    if (!needed.delete(record.intent_id)) continue;
    ledger.remember(record);
    if (needed.size === 0) break;
  }
  return ledger;
}
