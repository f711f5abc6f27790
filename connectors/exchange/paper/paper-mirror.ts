/**
 * A real account in the paper venue's book: what would have become of its positions, had our orders been sent.
 *
 * M1  A position has in the book the size at which it was first seen, less what our paper orders and the account's own fills
 *     have closed since. It is not grown with the real one: a paper close cannot be undone by a real purchase.
 * M2  A fill that reduced the real position by a share reduces the paper one by that share, in whole lots; one that closed it
 *     closes what is left. Each counts once, however often it is told of.
 * M3  A position that is flat on paper has no more snapshots, though it may still be open at the exchange.
 */
import { Exact } from '../../../ports/exact-decimal.ts';
import type { PositionReconciled, PositionSnapshot, Reduction } from '../../../schemas/generated/records.ts';
import type { PaperExchange } from './paper-exchange.ts';

/** What a cycle observed that the paper venue has its own word on. */
interface Mirrored {
  readonly reconciled: readonly PositionReconciled[];
  readonly snapshots: readonly PositionSnapshot[];
}

export class PaperMirror {
  readonly #paper: PaperExchange;

  constructor(paper: PaperExchange) {
    this.#paper = paper;
  }

  /** A cycle as the paper venue has it. */
  async mirror<Cycle extends Mirrored>(cycle: Cycle): Promise<Cycle> {
    const snapshots: PositionSnapshot[] = [];
    const reconciled = cycle.reconciled.map((record) => this.#reduce(record));
    for (const snapshot of cycle.snapshots) {
      const { quantity } = await this.#paper.position(snapshot);
      if (quantity !== null && new Exact(quantity).gt(0)) snapshots.push({ ...snapshot, quantity: Number(quantity) });
    }
    return { ...cycle, reconciled, snapshots };
  }

  /** M2. */
  #reduce(record: PositionReconciled): PositionReconciled {
    const reductions = record.reductions.flatMap((reduction): readonly Reduction[] => {
      const { position_id, fill_id, price, quantity, remaining_quantity } = reduction;
      const share = new Exact(quantity).div(new Exact(quantity).add(remaining_quantity));
      const closed = this.#paper.follow(position_id, fill_id, share, String(price));
      if (closed === null || new Exact(closed.quantity).isZero()) return [];
      return [
        {
          ...reduction,
          quantity: Number(closed.quantity),
          remaining_quantity: Number(closed.remaining),
          // The account's fee was for another quantity, and nobody paid it here.
          fee_quote: null,
          fee_asset: null,
          fee_amount: null,
        },
      ];
    });
    return { ...record, reductions };
  }
}
