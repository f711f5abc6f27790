import { DatasetBuilder } from '../../../pipelines/calibration/dataset.ts';
import type { ClmOutcome, PositionId, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

/** A FINAL outcome of a position of its own: every second one won, every third one of BTCUSDT. */
export function finalOutcome(index: number, patch: Partial<ClmOutcome> = {}): ClmOutcome {
  return {
    ...GOOD_RECORDS[TOPICS.clmOutcome.name],
    position_id: `p${index}` as PositionId,
    slices: [`t${index}` as TradeId],
    status: 'FINAL',
    label: index % 2 === 0 ? 'WIN' : 'LOSS',
    closed_at: 1000 + index,
    symbol: index % 3 === 0 ? 'BTCUSDT' : 'ETHUSDT',
    confidence: 0.5 + (index % 5) / 20,
    ...patch,
  };
}

/** The rows of these outcomes, one record each. */
export function rowsOf(outcomes: readonly ClmOutcome[]) {
  const builder = new DatasetBuilder();
  outcomes.forEach((outcome, offset) => builder.addOutcome(outcome, { partition: 0, offset }));
  return builder.rows();
}
