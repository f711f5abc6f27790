import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';

/** Observations of a position within one slot count as one, so that redeliveries do not count. Positions are observed every few minutes. Unit: milliseconds. */
const SLOT_MS = 60_000;

interface Slot {
  low: number;
  high: number;
  readonly positions: Map<PositionId, string>;
}

/** By number of the slot since the epoch. */
type Slots = Map<number, Slot>;

/** The position that a confidence is about. */
interface ConfidenceSubject {
  readonly position_id: PositionId;
  readonly account: string;
  readonly symbol: string;
  readonly model_id: string | null;
}

/** A model that gives the same confidence for everything. */
export interface ConstantConfidence {
  readonly model: string | null;
  readonly value: number;
  readonly confidences: number;
  readonly symbols: number;
  /** Start of the window. */
  readonly since: EpochMillis;
}

/**
 * Finds models that give the same confidence whatever the position. It counts one confidence for each position and minute, over the latest
 * window of each account, or further back, to have enough of them, where positions are observed seldom.
 *
 * WAT-2  Order and redelivery of the snapshots do not change the answer.
 * WAT-3  Each model is judged alone, first on each account, then on all of them: no other model and no other desk hides it.
 * WAT-4  `forget` drops what has fallen out of the window, and nothing else.
 */
export class ConfidenceWindow {
  readonly #limits: StallLimits;
  readonly #models = new Map<string | null, Map<string, Slots>>();

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  add({ position_id, account, symbol, model_id }: ConfidenceSubject, confidence: number, at: EpochMillis): void {
    const slots = this.#slotsOf(model_id, account);
    const number = Math.floor(at / SLOT_MS);
    const slot = slots.get(number) ?? { low: Infinity, high: -Infinity, positions: new Map<PositionId, string>() };
    slot.low = Math.min(slot.low, confidence);
    slot.high = Math.max(slot.high, confidence);
    slot.positions.set(position_id, symbol);
    slots.set(number, slot);
  }

  /** By name of the model. Models with too few confidences to judge are left out. */
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

  /** WAT-4. */
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
    for (const [number, slot] of window) {
      low = Math.min(low, slot.low);
      high = Math.max(high, slot.high);
      since = Math.min(since, number * SLOT_MS);
      confidences += slot.positions.size;
    }
    const { confidences: fewest, confidenceSymbols } = this.#limits;
    if (low !== high || confidences < fewest) return null;
    const symbols = new Set(window.flatMap(([, slot]) => [...slot.positions.values()]));
    return symbols.size < confidenceSymbols ? null : { model, value: low, confidences, symbols: symbols.size, since };
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

  /** The latest slot that a believable time can fall into. */
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
