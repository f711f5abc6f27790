import type { CalibrationReport, Flips } from '../report.ts';
import { formatEventTime } from '../../../render/event-time.ts';
import { type DataColumn, dataTable } from '../../../render/data-table.ts';
import { count, percent, probability } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';

/** Past snapshots, scored again: what the map would have changed. */
export function decisionsSection({ flips, parent }: CalibrationReport): Markup {
  if (flips === null)
    return markup`<section id="decisions"><h2>Past decisions</h2><p class="lead">The log holds no position snapshot of this model, so nothing could be replayed.</p></section>`;
  const share = flips.snapshots === 0 ? '' : ` (${percent(flips.flips / flips.snapshots)})`;
  return markup`<section id="decisions"><h2>Past decisions</h2>
<p class="lead">Every recorded snapshot of this model, scored by policy ${flips.policy} with ${parent ?? 'raw confidence'} and with this map: ${count(flips.flips)} of ${count(flips.snapshots)} snapshots${share} would have been decided otherwise.</p>
${matrix(flips)}
${factors(flips)}
${examples(flips)}</section>`;
}

function matrix({ matrix: rows }: Flips): Markup {
  const actions = [...new Set([...Object.keys(rows), ...Object.values(rows).flatMap((row) => Object.keys(row))])];
  const columns: DataColumn[] = [{ head: 'Until now' }, ...actions.map((head) => ({ head, align: 'right' as const }))];
  const cells = actions.map((from): Content[] => [
    from,
    ...actions.map((to) => {
      const n = rows[from]?.[to] ?? 0;
      const kind = from !== to && n > 0 ? 'differs' : 'same';
      return markup`<span class="${kind}">${count(n)}</span>`;
    }),
  ]);
  return dataTable('Snapshots by what is decided until now (rows) and with this map (columns)', columns, [
    { rows: cells },
  ]);
}

function factors({ factors: { before, after } }: Flips): Markup {
  const columns: DataColumn[] = [
    { head: 'Factor' },
    { head: 'Until now', align: 'right' },
    { head: 'With this map', align: 'right' },
  ];
  const rows = Object.entries(before).map(([name, was]): Content[] => {
    const is = after[name] ?? 0;
    return [name, count(was), was === is ? count(is) : markup`<span class="differs">${count(is)}</span>`];
  });
  return dataTable('Snapshots in which each factor of the policy holds', columns, [{ rows }]);
}

function examples({ examples: flips }: Flips): Content {
  if (flips.length === 0) return null;
  const columns = [
    { head: 'Observed' },
    { head: 'Symbol' },
    { head: 'Until now → with this map' },
    { head: 'Raw', align: 'right' },
    { head: 'Calibrated', align: 'right' },
    { head: 'Partition:offset', align: 'right' },
    { head: 'Position' },
  ] as const;
  const rows = flips.map((flip) => [
    markup`<span class="nowrap">${formatEventTime(flip.observed_at)}</span>`,
    flip.symbol,
    `${flip.from} → ${flip.to}`,
    known(flip.confidence),
    known(flip.calibrated),
    `${flip.partition}:${flip.offset}`,
    markup`<span class="code nowrap">${flip.position_id}</span>`,
  ]);
  return markup`<h3>The latest that differ</h3>${dataTable('Snapshots lie at partition:offset of position.snapshot; calibrated is with this map', columns, [{ rows }])}`;
}

function known(confidence: number | null): string {
  return confidence === null ? '–' : probability(confidence);
}
