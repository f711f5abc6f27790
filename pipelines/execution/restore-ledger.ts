import type { ExecutionReport } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Replay } from '../processor.ts';
import type { CloseRate } from './close-rate.ts';
import { Ledger } from './ledger.ts';

/**
 * The ledger as the log has it: reports first; trades, to see which unsettled orders have been settled since and which fills that
 * were none of ours have their slice, and what the earlier orders of an open intent filled; intents only until those are found that an unsettled order or a cooldown needs, since a
 * report does not repeat what its intent says. Orders of this process's accounts that were announced in the last minute count in
 * `closeRate`.
 */
export async function restoreLedger(
  replay: Replay,
  closeRate: CloseRate,
  isOwn: (report: ExecutionReport) => Promise<boolean>,
): Promise<Ledger> {
  const ledger = new Ledger();
  for await (const { record } of replay(TOPICS.executionReport.name)) {
    ledger.apply(record);
    if (record.status === 'REJECTED') closeRate.withdrawn(record.client_order_id);
    if (record.status !== 'SUBMITTED' || !closeRate.isRecent(record.reported_at)) continue;
    if (await isOwn(record)) closeRate.announced(record.client_order_id, record.reported_at);
  }
  for await (const { record } of replay(TOPICS.tradeClosed.name)) ledger.traded(record);
  const needed = ledger.neededIntents();
  if (needed.size === 0) return ledger;
  for await (const { record } of replay(TOPICS.harvestIntent.name)) {
    if (!needed.delete(record.intent_id)) continue;
    ledger.remember(record);
    if (needed.size === 0) break;
  }
  return ledger;
}
