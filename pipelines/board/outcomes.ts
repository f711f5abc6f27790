/** What a board shows of outcomes: the gate, and what confidence at entry has been worth. Pure. */
import type { BoardGate } from '../../ports/board.ts';
import type { ClmOutcome, PositionId } from '../../schemas/generated/records.ts';
import { type GateOutcome, GateTally } from '../clm/gate.ts';

/** The diagram of reliability has a point for each tenth of confidence. */
const BINS = 10;

interface Bin {
  said: number;
  won: number;
  count: number;
}

/** The latest outcome of each position counts, whatever came before it. Memory: a few fields for each position that was ever closed. */
export class OutcomeFigures {
  readonly #latest = new Map<PositionId, GateOutcome>();
  readonly #tally = new GateTally();
  readonly #bins: Bin[] = Array.from({ length: BINS }, () => ({ said: 0, won: 0, count: 0 }));
  #changes = 0;

  /** Outcomes of one position come in their order. */
  add(outcome: ClmOutcome): void {
    const { position_id, symbol, model_id, status, label, closed_at, excluded_from_calibration, confidence } = outcome;
    const kept = { symbol, model_id, status, label, closed_at, excluded_from_calibration, confidence };
    const before = this.#latest.get(position_id);
    if (before !== undefined) {
      this.#tally.remove(before);
      this.#count(before, -1);
    }
    this.#latest.set(position_id, kept);
    this.#tally.add(kept);
    this.#count(kept, 1);
    this.#changes += 1;
  }

  /** A count that grows whenever the gate may have changed. */
  get changes(): number {
    return this.#changes;
  }

  gate(): BoardGate {
    const { final, usable, needed, open, eta, labels } = this.#tally.gate(() => this.#latest.values());
    const reliability = this.#bins
      .filter(({ count }) => count > 0)
      .map(({ said, won, count }) => ({ said: said / count, won: won / count, count }));
    return { final, usable, needed, open, eta, labels, reliability };
  }

  /** Counts what calibration can learn from. */
  #count({ status, label, confidence, excluded_from_calibration: excluded }: GateOutcome, by: 1 | -1): void {
    if (status !== 'FINAL' || confidence === null || excluded !== null) return;
    if (label !== 'WIN' && label !== 'LOSS') return;
    const bin = this.#bins[Math.min(BINS - 1, Math.floor(confidence * BINS))];
    if (bin === undefined) return;
    bin.said += by * confidence;
    bin.won += label === 'WIN' ? by : 0;
    bin.count += by;
    if (bin.count === 0) bin.said = 0;
  }
}
