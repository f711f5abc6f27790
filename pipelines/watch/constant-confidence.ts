import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';

/** Positions are observed every few minutes, so this tells observations apart and repeats not. Unit: milliseconds. */
const SLOT_MS = 60_000;

interface Slot {
  low: number;
  high: number;
  readonly positions: Map<PositionId, string>;
}

/** By number of the slot. */
type Slots = Map<number, Slot>;

export interface Spoken {
  readonly position_id: PositionId;
  readonly account: string;
  readonly symbol: string;
  readonly model_id: string | null;
}

export interface ConstantConfidence {
  readonly model: string | null;
  readonly value: number;
  readonly confidences: number;
  readonly symbols: number;
  /** Start of the window. */
  readonly since: EpochMillis;
}

/**
 * Whether a model says the same whatever it looks at: one confidence a position and minute, over the latest window of each account, or as
 * far back as it takes to have enough of them where positions are observed seldom.
 *
 * K1  Neither order nor repeats change the answer.
 * K2  Models are looked at one by one, each on every account alone, then on all: neither another model nor another desk hides it.
 * K3  `forget` drops what has fallen out of the window.
 */
export class ConfidenceWindow {
  readonly #limits: StallLimits;
  readonly #models = new Map<string | null, Map<string, Slots>>();

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  add({ position_id, account, symbol, model_id }: Spoken, confidence: number, at: EpochMillis): void {
    const slots = this.#slotsOf(model_id, account);
    const number = Math.floor(at / SLOT_MS);
    const slot = slots.get(number) ?? { low: Infinity, high: -Infinity, positions: new Map<PositionId, string>() };
    slot.low = Math.min(slot.low, confidence);
    slot.high = Math.max(slot.high, confidence);
    slot.positions.set(position_id, symbol);
    slots.set(number, slot);
  }

  /** The models that say the same of everything, by name; none of those of which too little is known. */
  constant(watermarks: AccountWatermarks): readonly ConstantConfidence[] {
    const constant: ConstantConfidence[] = [];
    for (const [model, accounts] of this.#models) {
      const windows = [...accounts].map(([account, slots]) => this.#window(slots, watermarks.of(account)));
      for (const window of [...windows, windows.flat()]) {
        const found = this.#judge(model, window);
        if (found === null) continue;
        constant.push(found);
        break;
      }
    }
    return constant.toSorted((one, other) => ((one.model ?? '') < (other.model ?? '') ? -1 : 1));
  }

  /** K3. */
  forget(watermarks: AccountWatermarks): void {
    for (const accounts of this.#models.values()) {
      for (const [account, slots] of accounts) {
        const now = watermarks.of(account);
        const kept = new Set(this.#window(slots, now).map(([number]) => number));
        const newest = this.#newest(now);
        for (const number of slots.keys()) if (number <= newest && !kept.has(number)) slots.delete(number);
        if (slots.size === 0) accounts.delete(account);
      }
    }
  }

  #judge(model: string | null, window: readonly (readonly [number, Slot])[]): ConstantConfidence | null {
    let [low, high, since, confidences] = [Infinity, -Infinity, Infinity, 0];
    const symbols = new Set<string>();
    for (const [number, slot] of window) {
      low = Math.min(low, slot.low);
      high = Math.max(high, slot.high);
      since = Math.min(since, number * SLOT_MS);
      confidences += slot.positions.size;
      for (const symbol of slot.positions.values()) symbols.add(symbol);
    }
    const { confidences: fewest, confidenceSymbols } = this.#limits;
    if (low !== high || confidences < fewest || symbols.size < confidenceSymbols) return null;
    return { model, value: low, confidences, symbols: symbols.size, since };
  }

  #window(slots: Slots, now: EpochMillis): readonly (readonly [number, Slot])[] {
    const { confidences, confidenceWindow, keptFor } = this.#limits;
    const slotNow = Math.floor(now / SLOT_MS);
    const newest = this.#newest(now);
    const window: (readonly [number, Slot])[] = [];
    let enough = 0;
    for (const [number, slot] of [...slots].toSorted(([one], [other]) => other - one)) {
      if (number > newest) continue;
      const inWindow = number > slotNow - confidenceWindow / SLOT_MS;
      if (!inWindow && (enough >= confidences || number <= slotNow - keptFor / SLOT_MS)) break;
      window.push([number, slot]);
      enough += slot.positions.size;
    }
    return window;
  }

  /** The latest slot that is no clock's leap. */
  #newest(now: EpochMillis): number {
    return Math.floor((now + this.#limits.leap) / SLOT_MS);
  }

  #slotsOf(model: string | null, account: string): Slots {
    let accounts = this.#models.get(model);
    if (accounts === undefined) this.#models.set(model, (accounts = new Map()));
    let slots = accounts.get(account);
    if (slots === undefined) accounts.set(account, (slots = new Map()));
    return slots;
  }
}
