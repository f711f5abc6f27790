import { matrixChart } from '../../render/action-matrix.ts';
import { type SharedBar, barChart } from '../../render/charts.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { dataTable } from '../../render/tables.ts';
import { count, plain } from '../../render/figures.ts';
import { type Content, type Markup, markup, trusted, STYLE } from '../../render/page.ts';
import type { ReplayResult } from './compare-policies.ts';
import type { Flip, FlipCount } from './flip-tally.ts';
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
<style>${trusted(STYLE)}</style>
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
<figure>${matrixChart(result.matrix, { current, candidate }, `Snapshots by what ${current} and ${candidate} decide`)}</figure></section>
<section id="where"><h2>Where they differ</h2>
<p class="lead">The share of the snapshots in each band that flip.</p>
<div class="columns">
<figure><figcaption>By R</figcaption>${barChart({ id: 'by-r', title: 'Flips by R', bars: barsOf(result.by_r) })}</figure>
<figure><figcaption>By age</figcaption>${barChart({ id: 'by-age', title: 'Flips by age', bars: barsOf(result.by_age) })}</figure>
</div>
<figure><figcaption>By symbol</figcaption>${barChart({ id: 'by-symbol', title: 'Flips by symbol', bars: barsOf(result.by_symbol.slice(0, SYMBOLS)) })}</figure>
${factors(result)}</section>
<section id="results"><h2>What each would have held and made</h2>
<ul><li>${openSentence(result)}</li><li>${holdSentence(current, result.longest_hold.current)}</li><li>${holdSentence(candidate, result.longest_hold.candidate)}</li><li>${meansSentence(result)}</li><li>${realisedSentence(result)}</li></ul>
<h3>What this cannot know</h3>
<ul>${result.cannot_know.map((text) => markup`<li>${text}</li>`)}</ul></section>
${flips(result.listed_flips)}`;
}

function barsOf(counts: readonly FlipCount[]): readonly SharedBar[] {
  return counts.map(({ name, snapshots, flips: part }) => ({ name, part, whole: snapshots }));
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
