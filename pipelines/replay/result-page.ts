import { type Flip, ACTIONS, type Matrix, type FlipCount } from './flip-tally.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { dataTable } from '../../render/tables.ts';
import { count, plain, percent } from '../../render/figures.ts';
import { type Content, type Markup, markup, trusted, STYLE } from '../../render/page.ts';
import type { ReplayResult } from './compare-policies.ts';
import {
  decided,
  headline,
  holdSentence,
  meansSentence,
  openSentence,
  policyNames,
  realisedSentence,
  summarySentence,
} from './result-sentences.ts';
import { round } from '../../render/unit-plot.ts';

/** Taller charts would not be read; the JSON has every symbol. */
const SYMBOLS = 30;

/** The comparison as one HTML page that needs nothing else: no script, no font, no network. */
export function resultPage(result: ReplayResult): string {
  const { candidate, current } = policyNames(result);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Replay of ${candidate} against ${current}</title>
<style>${trusted(STYLE)}${trusted(PAGE_STYLE)}</style>
</head>
<body>
<main>
<p class="overline">Replay of ${candidate} against ${current}</p>
<h1>${headline(result)}</h1>
<p class="meta">${summarySentence(result)}</p>
${result.snapshots === 0 ? null : sections(result, current, candidate)}
${evidence(result)}
</main>
</body>
</html>
`.text;
}

function sections(result: ReplayResult, current: string, candidate: string): Markup {
  return markup`<section id="matrix"><h2>Decisions</h2>
<p class="lead">Every snapshot once: what ${current} decides (rows) and what ${candidate} decides (columns). Off the diagonal are the flips.</p>
<figure>${matrixChart(result.matrix, current, candidate)}</figure></section>
<section id="where"><h2>Where they differ</h2>
<p class="lead">The share of the snapshots in each band that flip.</p>
<div class="columns">
<figure><figcaption>By R</figcaption>${barChart({ id: 'by-r', title: 'Flips by R', counts: result.by_r })}</figure>
<figure><figcaption>By age</figcaption>${barChart({ id: 'by-age', title: 'Flips by age', counts: result.by_age })}</figure>
</div>
<figure><figcaption>By symbol</figcaption>${barChart({ id: 'by-symbol', title: 'Flips by symbol', counts: result.by_symbol.slice(0, SYMBOLS) })}</figure>
${factors(result)}</section>
<section id="results"><h2>What each would have held and made</h2>
<ul><li>${openSentence(result)}</li><li>${holdSentence(current, result.longest_hold.current)}</li><li>${holdSentence(candidate, result.longest_hold.candidate)}</li><li>${meansSentence(result)}</li><li>${realisedSentence(result)}</li></ul>
<h3>What this cannot know</h3>
<ul>${result.cannot_know.map((text) => markup`<li>${text}</li>`)}</ul></section>
${flips(result.listed_flips)}`;
}

function factors({ by_factor }: ReplayResult): Content {
  if (by_factor.length === 0) return null;
  const rows = by_factor.map((factor) => [factor.name, count(factor.flips)]);
  return dataTable(
    'Flips in which the points of a factor differ between the two',
    [{ head: 'Factor' }, { head: 'Flips', align: 'right' }],
    [{ rows }],
  );
}

function flips(listed: readonly Flip[]): Content {
  if (listed.length === 0) return null;
  const columns = [
    { head: 'Snapshot' },
    { head: 'R', align: 'right' },
    { head: 'Current' },
    { head: 'Candidate' },
  ] as const;
  const rows = listed.map((flip) => [
    markup`${flip.position_id}<span class="term">${formatEventTime(flip.observed_at)}, at ${flip.partition}:${flip.offset}</span>`,
    markup`${plain(flip.r)}${flip.last_r === null ? null : markup`<span class="term">then ${plain(flip.last_r)}</span>`}`,
    explained(flip.from),
    explained(flip.to),
  ]);
  return markup`<section id="flips"><h2>The latest flips</h2>${dataTable('Scores are hold/exit; R is that of the snapshot, then that of the last one of its position; snapshots lie at partition:offset of position.snapshot', columns, [{ rows }], { wide: true })}</section>`;
}

function explained(one: Flip['from']): Markup {
  const points = one.factors.map(
    ({ name, side, points: scored }) => `${name} ${side === 'HOLD' ? 'hold' : 'exit'} ${scored}`,
  );
  return markup`<span class="nowrap">${decided(one)}</span> ${one.reason}<span class="term">${points.join(', ')}</span>`;
}

function evidence({ ranges }: ReplayResult): Markup {
  const columns = [
    { head: 'Partition', align: 'right' },
    { head: 'From offset', align: 'right' },
    { head: 'Up to, not including', align: 'right' },
  ] as const;
  const rows = ranges.map(({ partition, begin, end }) => [partition, begin, end]);
  return markup`<section id="evidence"><h2>Evidence</h2>${dataTable('Offsets of position.snapshot that were read', columns, [{ rows }])}</section>`;
}

/** Units: user units of the drawing. */
const LEFT = 104;
const TOP = 36;
const CELL = { width: 84, height: 44 } as const;

/** A cell with every snapshot is this deep; ink stays readable on it in light and dark. */
const DEEPEST = 0.45;

/** The least that is seen at all. */
const FAINTEST = 0.06;

/** Rows: what the current policy says; columns: what the candidate says. Off the diagonal are the flips. */
function matrixChart(matrix: Matrix, current: string, candidate: string): Markup {
  const total = ACTIONS.reduce((sum, from) => sum + ACTIONS.reduce((row, to) => row + matrix[from][to], 0), 0);
  const cells = ACTIONS.flatMap((from, row) =>
    ACTIONS.map((to, column) => {
      const n = matrix[from][to];
      const share = total === 0 ? 0 : n / total;
      const left = LEFT + column * CELL.width;
      const top = TOP + row * CELL.height;
      const middle = left + CELL.width / 2;
      return markup`<rect class="${from === to ? 'same' : 'flip'}" fill-opacity="${depth(share)}" x="${left}" y="${top}" width="${CELL.width}" height="${CELL.height}"/><rect class="cell" fill="none" x="${left}" y="${top}" width="${CELL.width}" height="${CELL.height}"/><text class="count" x="${middle}" y="${top + 20}">${count(n)}</text><text x="${middle}" y="${top + 34}">${percent(share)}</text>
`;
    }),
  );
  const heads = ACTIONS.map(
    (action, index) =>
      markup`<text class="name" x="${LEFT + (index + 0.5) * CELL.width}" y="${TOP - 7}">${action}</text><text class="name row" x="${LEFT - 8}" y="${TOP + (index + 0.5) * CELL.height + 4}">${action}</text>`,
  );
  const described = ACTIONS.flatMap((from) => ACTIONS.map((to) => `${from} to ${to}: ${count(matrix[from][to])}`));
  return markup`<svg class="matrix" viewBox="0 0 ${LEFT + 3 * CELL.width + 2} ${TOP + 3 * CELL.height + 2}" role="img" aria-labelledby="matrix-title matrix-text">
<title id="matrix-title">Snapshots by what ${current} and ${candidate} decide</title><desc id="matrix-text">${described.join('; ')}.</desc>
<text x="${LEFT + 1.5 * CELL.width}" y="12">${candidate} →</text><text class="row" x="${LEFT - 8}" y="${TOP - 7}">${current} ↓</text>
${heads}
${cells}</svg>`;
}

function depth(share: number): number {
  // The square root, so that rare flips are not lost beside what both agree on.
  return share === 0 ? 0 : Number((FAINTEST + (DEEPEST - FAINTEST) * Math.sqrt(share)).toFixed(2));
}

/** Units: user units of the drawing. */
const BARS_LEFT = 96;
const BAR = 210;
const WIDTH = 400;
const ROW = 20;

export interface BarChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly counts: readonly FlipCount[];
}

/** For each name the share of its snapshots that flip, as a bar out of a whole, with the figures beside it. */
function barChart({ id, title, counts }: BarChart): Markup {
  const described = counts.map(
    ({ name, snapshots, flips: flipped }) => `${name}: ${count(flipped)} of ${count(snapshots)}`,
  );
  const rows = counts.map(({ name, snapshots, flips: flipped }, index) => {
    const top = index * ROW;
    const share = snapshots === 0 ? 0 : flipped / snapshots;
    const figures = snapshots === 0 ? 'none seen' : `${percent(share)} of ${count(snapshots)}`;
    return markup`<text class="name end" x="${BARS_LEFT - 8}" y="${top + 14}">${name}</text><rect class="whole" x="${BARS_LEFT}" y="${top + 4}" width="${BAR}" height="13"/><rect class="part" x="${BARS_LEFT}" y="${top + 4}" width="${round(BAR * share)}" height="13"/><text x="${BARS_LEFT + BAR + 6}" y="${top + 14}">${figures}</text>
`;
  });
  return markup`<svg class="bars" viewBox="0 0 ${WIDTH} ${Math.max(1, counts.length) * ROW + 4}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${described.join('; ')}.</desc>
${rows}</svg>`;
}

/** What the page adds to the style of the other reports: bars by share, and a matrix by depth of colour. */
const PAGE_STYLE = `
.bars { max-width: 34rem; }
.bars .whole { fill: var(--faint); } .bars .part { fill: var(--before); }
.bars text.end { text-anchor: end; }
.matrix { max-width: 30rem; }
.matrix .cell { stroke: var(--line); } .matrix .same { fill: var(--after); } .matrix .flip { fill: var(--before); }
.matrix text { text-anchor: middle; } .matrix text { fill: var(--ink); } .matrix text.count { font-size: 12px; font-weight: 600; }
.matrix text.row { text-anchor: end; }
`;
