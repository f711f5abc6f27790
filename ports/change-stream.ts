import type { EpochMillis } from './clock.ts';
import type { DecimalText } from './exchange.ts';

/**
 * What a venue tells between questions. A change is a reason to look, never a truth: streams lose, double and reorder what they tell, so
 * nothing is recorded that the venue did not answer to a question (ports/venue.ts), but for the mark prices that a peak has seen.
 */
export type VenueChange =
  /** A fill, or something else that changed positions of the symbol. */
  | { readonly kind: 'account'; readonly symbol: string; readonly at: EpochMillis }
  | { readonly kind: 'mark'; readonly symbol: string; readonly price: DecimalText; readonly at: EpochMillis }
  /** Changes may have been missed, of any symbol. */
  | { readonly kind: 'gap' };

export interface ChangeStream {
  /**
   * Tells the listener until the signal aborts. Never throws: where the stream cannot be had, is silent or breaks, it says so in the log,
   * tries again with longer and longer waits, and tells of a gap when it is there again.
   */
  follow(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<void>;
  /** The symbols of which mark prices are told. */
  watch(symbols: ReadonlySet<string>): void;
  /** Since when the account's changes are told without a gap; null: they are not. */
  readonly tellsSince: EpochMillis | null;
  /** It did not tell of a change that it should have told of: it begins anew. */
  distrust(why: string): void;
}
