import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import { STALL_LIMITS } from './stall-limits.ts';

/** Positions are observed every few minutes, so this tells observations apart and repeats not. Unit: milliseconds. */
const SLOT_MS = 60_000;

interface Slot {
  low: number;
  high: number;
  readonly positions: Map<PositionId, string>;
}

export interface ConstantConfidence {
  readonly value: number;
  readonly confidences: number;
  readonly symbols: number;
  /** Start of the window. */
  readonly since: EpochMillis;
}

/**
 * Whether the models say the same whatever they look at: one confidence a position and minute, over the latest window.
 *
 * K1  Neither order nor repeats change the answer.
 * K2  Memory holds one window: a slot that has fallen out of it is dropped.
 */
export class ConfidenceWindow {
  readonly #slots = new Map<number, Slot>();
  #newest = -Infinity;

  add(position: PositionId, symbol: string, confidence: number, at: EpochMillis): void {
    const number = Math.floor(at / SLOT_MS);
    if (number > this.#newest) {
      this.#newest = number;
      for (const old of this.#slots.keys()) if (old <= this.#oldest) this.#slots.delete(old);
    } else if (number <= this.#oldest) return;
    const slot = this.#slots.get(number) ?? {
      low: Infinity,
      high: -Infinity,
      positions: new Map<PositionId, string>(),
    };
    slot.low = Math.min(slot.low, confidence);
    slot.high = Math.max(slot.high, confidence);
    slot.positions.set(position, symbol);
    this.#slots.set(number, slot);
  }

  /** Null where they vary, or where too few are known to say so. */
  constant(): ConstantConfidence | null {
    const slots = [...this.#slots.values()];
    const value = Math.min(...slots.map(({ low }) => low));
    if (value !== Math.max(...slots.map(({ high }) => high))) return null;
    const confidences = slots.reduce((sum, { positions }) => sum + positions.size, 0);
    const symbols = new Set(slots.flatMap(({ positions }) => [...positions.values()])).size;
    if (confidences < STALL_LIMITS.confidences.value || symbols < STALL_LIMITS.confidenceSymbols.value) return null;
    return { value, confidences, symbols, since: Math.min(...this.#slots.keys()) * SLOT_MS };
  }

  /** The latest slot that is no longer in the window. */
  get #oldest(): number {
    return this.#newest - STALL_LIMITS.confidenceWindow.value / SLOT_MS;
  }
}
