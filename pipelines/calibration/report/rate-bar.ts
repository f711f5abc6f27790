import { type Markup, markup } from '../../../render/markup.ts';
import type { SliceRow } from './slice-groups.ts';
import { round } from '../../../render/unit-plot.ts';

/** Unit: user units of the drawing. */
const WIDTH = 120;

/** A win rate with its interval, and a tick where the mean confidence is. The table has the numbers, so readers aloud skip it. */
export function rateBar(won: NonNullable<SliceRow['won']>, confidence: number): Markup {
  const { low, high } = won.interval;
  const at = (share: number) => round(4 + (WIDTH - 8) * share);
  return markup`<svg class="rate" viewBox="0 0 ${WIDTH} 12" aria-hidden="true"><path class="grid" d="M4 6H${WIDTH - 4}"/><path class="whisker after" d="M${at(low)} 6H${at(high)}"/><circle class="dot after" cx="${at(won.rate)}" cy="6" r="3"/><path class="said" d="M${at(confidence)} 1V11"/></svg>`;
}
