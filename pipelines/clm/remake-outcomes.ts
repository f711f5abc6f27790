import { isKind } from '../../errors/harvestline-error.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { ClmOutcome, PositionId, TradeClosed } from '../../schemas/generated/records.ts';
import { timesAhead } from '../../schemas/time-bound.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { accumulate } from './accumulate.ts';

/**
 * Outcomes made again from trade.closed, which keeps every trade forever, where clm.outcome no longer has them: a tombstone that
 * compaction has honoured, a topic that was deleted.
 *
 * RO1  A trade that an outcome counts changes nothing, so outcomes that are whole stay as they are.
 * RO2  A trade that CLM set aside when it came is left out here, too: one that is dated ahead, or that makes an outcome which no topic
 *      takes.
 */
export class RemadeOutcomes {
  readonly #outcomes: Map<PositionId, ClmOutcome>;
  readonly #encode: (outcome: ClmOutcome) => EncodedRecord;
  readonly #changed = new Set<PositionId>();

  /** `outcomes` are those that there are; what is made again is put among them. */
  constructor(outcomes: Map<PositionId, ClmOutcome>, encode: (outcome: ClmOutcome) => EncodedRecord) {
    this.#outcomes = outcomes;
    this.#encode = encode;
  }

  add(trade: TradeClosed, at: LogRecord): void {
    if (timesAhead(TOPICS.tradeClosed.name, trade, at.timestamp, null).length > 0) return;
    try {
      const outcome = accumulate(this.#outcomes.get(trade.position_id), trade);
      if (outcome === null) return;
      this.#encode(outcome);
      this.#outcomes.set(trade.position_id, outcome);
      this.#changed.add(trade.position_id);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
    }
  }

  /** Those that a trade has changed. */
  changed(): readonly ClmOutcome[] {
    return [...this.#changed].flatMap((position) => this.#outcomes.get(position) ?? []);
  }
}
