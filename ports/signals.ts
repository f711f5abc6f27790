import type { EpochMillis } from './clock.ts';
import type { ModelSignal } from '../schemas/generated/records.ts';

/** A model that has not spoken for so long is taken to have nothing to say. Unit: milliseconds. */
export const SIGNAL_VALID_MS = 60 * 60 * 1000;

/** What the desk's models said, from model.signal. */
export interface Signals {
  /** Reads what has been said since; throws a transient error when the log is away. */
  refresh(): Promise<void>;
  /** The latest signal of a symbol that was valid at `now`; null where no model spoke. */
  latest(account: string, symbol: string, now: EpochMillis): ModelSignal | null;
  /** The signal that was valid when a position was opened; null where no model spoke. */
  at(account: string, symbol: string, openedAt: EpochMillis): Promise<ModelSignal | null>;
}

/** The later of two signals that were made by `time` and valid then. */
export function validAt(time: EpochMillis, best: ModelSignal | null, signal: ModelSignal): ModelSignal | null {
  if (signal.emitted_at > time || signal.emitted_at < time - SIGNAL_VALID_MS) return best;
  return best === null || signal.emitted_at >= best.emitted_at ? signal : best;
}
