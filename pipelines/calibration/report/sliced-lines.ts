import type { Cusum } from '../day-gaps.ts';
import type { SliceFigures } from '../slice-figures.ts';
import { formatEventTime } from '../../../render/event-time.ts';
import { plainTable } from '../../../render/plain-table.ts';

/** Parts of the outcomes as a table for a terminal. */
export function slicedLines(parts: readonly SliceFigures[]): readonly string[] {
  return plainTable(
    [
      { head: '' },
      { head: '' },
      ...['n', 'hit rate', 'confidence', 'gap', '95 %', 'Brier'].map((head) => ({ head, align: 'right' as const })),
    ],
    parts.map((row) => [
      row.by,
      row.by === 'all' ? '' : row.name,
      String(row.n),
      row.hit_rate.toFixed(3),
      row.mean_confidence.toFixed(3),
      row.gap.toFixed(3),
      row.gap_low === null || row.gap_high === null ? '' : `${row.gap_low.toFixed(3)} to ${row.gap_high.toFixed(3)}`,
      row.brier.toFixed(4),
    ]),
  );
}

/** Whether the gap between confidence and outcomes has changed over time, in words. */
export function driftText(cusum: Cusum | null): string {
  if (cusum === null) return 'fewer than 20 days cannot tell';
  const { statistic, threshold, day } = cusum;
  const figures = `CUSUM ${statistic.toFixed(2)}, ${threshold.toFixed(2)} at 5 %`;
  if (statistic <= threshold) return `none seen (${figures})`;
  return `the gap differs before and after ${formatEventTime(day).slice(0, 10)} (${figures})`;
}
