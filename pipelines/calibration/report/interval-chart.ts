import type { CalibrationReport, Range, ScoreChange } from '../report.ts';
import { interval, signedScore } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { SCORE_TERMS, betterText, scoreOf } from './terms.ts';
import { round } from '../../../render/unit-plot.ts';

/** Units: user units of the drawing. */
const LEFT = 92;
const WIDTH = 360;
const ROW = 34;
const RIGHT = WIDTH - 12;

/** How each score changed, out of fold and in sample, with 95 % intervals about a line at 0. UNC cannot change and is left out. */
export function intervalChart({ out_of_fold: later, in_sample: fitted }: CalibrationReport): Markup {
  const scores = later.scores.filter((one) => SCORE_TERMS[one.name].better !== null && isDrawable(one));
  const pairs = scores.map((one) => {
    const inSample = scoreOf(fitted, one.name);
    return { later: one, fitted: inSample !== undefined && isDrawable(inSample) ? inSample : null };
  });
  const scale = scaleOf(pairs.flatMap((pair) => (pair.fitted === null ? [pair.later] : [pair.later, pair.fitted])));
  const bottom = 6 + pairs.length * ROW;
  const ticks = scale.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${scale.at(tick)} 6V${bottom}"/><text x="${scale.at(tick)}" y="${bottom + 13}" text-anchor="middle">${tick === 0 ? '0' : signedScore(tick).replace(/0+$/, '')}</text>`,
  );
  const described = scores.map(
    ({ name, change, change_interval: range }) =>
      `${SCORE_TERMS[name].name} ${signedScore(change)} (${interval(range, signedScore)})`,
  );
  return markup`<svg class="intervals" viewBox="0 0 ${WIDTH} ${bottom + 32}" role="img" aria-labelledby="intervals-title intervals-text">
<title id="intervals-title">Change of each score with its 95 % interval</title>
<desc id="intervals-text">Out of fold: ${described.join('; ')}.</desc>
${ticks}<path class="zero" d="M${scale.at(0)} 6V${bottom}"/>
${pairs.map((pair, index) => row(pair.later, pair.fitted, 6 + index * ROW, scale.at))}
<text x="${(LEFT + RIGHT) / 2}" y="${bottom + 28}" text-anchor="middle">change, after − before</text>
</svg>`;
}

function row(later: ScoreChange, fitted: ScoreChange | null, top: number, at: (value: number) => number): Markup {
  return markup`<text class="name" x="0" y="${top + 15}">${SCORE_TERMS[later.name].name}</text><text x="0" y="${top + 27}">${betterText(later.name)}</text>
${whisker('after', later.change, later.change_interval, top + 13, at)}
${fitted === null ? null : whisker('quiet', fitted.change, fitted.change_interval, top + 23, at)}`;
}

function whisker(
  kind: string,
  change: number,
  { low, high }: Range,
  y: number,
  at: (value: number) => number,
): Content {
  const shape = kind === 'quiet' ? 'dot hollow quiet' : `dot ${kind}`;
  return markup`<path class="whisker ${kind}" d="M${at(low)} ${y}H${at(high)}"/><circle class="${shape}" cx="${at(change)}" cy="${y}" r="3.5"/>`;
}

function scaleOf(scores: readonly ScoreChange[]) {
  const ends = scores.flatMap(({ change_interval: { low, high } }) => [low, high]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const margin = (high - low || 0.01) * 0.06;
  const [from, to] = [low - margin, high + margin];
  const at = (value: number) => round(LEFT + ((RIGHT - LEFT) * (value - from)) / (to - from));
  return { at, ticks: ticksBetween(from, to) };
}

/** Three to six round numbers. */
function ticksBetween(from: number, to: number): readonly number[] {
  const rough = (to - from) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function isDrawable({ change, change_interval: { low, high } }: ScoreChange): boolean {
  return [change, low, high].every(Number.isFinite);
}
