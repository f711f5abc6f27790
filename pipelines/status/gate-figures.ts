/** How far the outcomes are from calibration, as `status` says it. */
import { type Gate, type GateOutcome, GateTally, gateOf } from '../clm/gate.ts';
import type { ClmOutcome, EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from '../watch/account-watermarks.ts';

interface KnownOutcome extends GateOutcome {
  readonly account: string;
}

/** Memory: the latest outcome of each position, without the fields that the gate does not need. */
export class GateFigures {
  readonly #outcomes = new Map<PositionId, KnownOutcome>();
  readonly #tally = new GateTally();
  /** By account, the latest closing time that any outcome has named. */
  readonly #latestClosedAt = new Map<string, EpochMillis>();
  readonly #texts = new SharedTexts();

  add(outcome: ClmOutcome): void {
    const texts = this.#texts;
    const { position_id, status, label, closed_at, excluded_from_calibration, confidence } = outcome;
    const [account, symbol] = [texts.of(outcome.account), texts.of(outcome.symbol)];
    const model_id = outcome.model_id === null ? null : texts.of(outcome.model_id);
    const known = { account, symbol, model_id, status, label, closed_at, excluded_from_calibration, confidence };
    const before = this.#outcomes.get(position_id);
    if (before !== undefined) this.#tally.remove(before);
    this.#outcomes.set(position_id, known);
    this.#tally.add(known);
    if (closed_at === null) return;
    this.#latestClosedAt.set(account, Math.max(this.#latestClosedAt.get(account) ?? closed_at, closed_at));
  }

  /** A wrong closing time far ahead must not move the estimate: where there is one, all outcomes are counted anew. */
  of(watermarks: AccountWatermarks): Gate {
    const isAhead = [...this.#latestClosedAt].some(([account, at]) => watermarks.isAhead(account, at));
    if (!isAhead) return this.#tally.gate(() => this.#outcomes.values());
    const bounded = Array.from(this.#outcomes.values(), ({ account, closed_at, ...outcome }) => ({
      ...outcome,
      closed_at: closed_at === null ? null : watermarks.bounded(account, closed_at),
    }));
    return gateOf(bounded);
  }
}

/** One string for equal texts: decoding makes a new one for each record, although accounts, symbols and models are few. */
class SharedTexts {
  readonly #texts = new Map<string, string>();

  of<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    this.#texts.set(text, text);
    return text;
  }
}
