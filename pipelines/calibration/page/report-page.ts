import { matrixChart } from '../../../render/action-matrix.ts';
import { formatEventTime } from '../../../render/event-time.ts';
import { count, interval, percent, plain, points, probability, score, signedScore } from '../../../render/figures.ts';
import { type Content, type Markup, STYLE, markup, trusted } from '../../../render/page.ts';
import { type TableColumn, dataTable } from '../../../render/tables.ts';
import { meanConfidenceAndWinRate, methodText, nextSteps, scoreOf, verdictOf } from '../report-words.ts';
import type { CalibrationReport, Flips } from '../report.ts';
import { mapSection } from './map-section.ts';
import { outcomesSection, slicesSection } from './outcomes-section.ts';
import { scoresSection } from './scores-section.ts';

/** The report as one HTML page that needs nothing else: no script, no font, no network. */
export function reportPage(report: CalibrationReport): string {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Calibration ${report.version} of ${report.model_id}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
${summarySection(report)}
${scoresSection(report)}
${mapSection(report)}
${outcomesSection(report)}
${slicesSection(report)}
${decisionsSection(report)}
${evidenceSection(report)}
</main>
</body>
</html>
`;
  return page.text;
}

/** The summary: verdict, figures, bounds, what to type next, reasons not to apply the map, and risks. */
function summarySection(report: CalibrationReport): Markup {
  const { tone, headline, sentence } = verdictOf(report);
  const { approve, reject } = nextSteps(report);
  return markup`<header>
<p class="overline">Calibration proposal</p>
<h1>A confidence map for ${report.model_id}</h1>
<p class="meta"><span class="code">${report.version}</span> · ${methodText(report)} · proposed <span class="nowrap">${formatEventTime(report.proposed_at)}</span> · replaces ${report.parent ?? 'raw confidence'}</p>
</header>
<div class="verdict ${tone}"><strong>${headline}</strong><p>${sentence}</p></div>
<dl class="figures">${figures(report)}</dl>
<section id="bounds" class="whole"><h2>Safety bounds</h2>
${boundsTable(report)}</section>
<section id="next" class="whole"><h2>What to type next</h2>
<dl class="commands">${approve === null ? NOT_APPROVABLE : markup`<dt>To put it in force</dt><dd><span class="code">${approve}</span></dd>`}<dt>To turn it down</dt><dd><span class="code">${reject}</span></dd></dl></section>
<section id="risks"><div class="columns"><div><h2>Do not apply if</h2>${list(report.do_not_apply_if)}</div><div><h2>Risks</h2>${list(report.risks)}</div></div></section>`;
}

const NOT_APPROVABLE = markup`<dt>To put it in force</dt><dd>Not possible: with this map some factors could never hold, and no override passes that.</dd>`;

function figures(report: CalibrationReport): Content {
  const { counts, detectable, flips, out_of_fold: later } = report;
  const { confidence, winRate } = meanConfidenceAndWinRate(report);
  const brier = scoreOf(later, 'brier');
  return [
    figure(
      'Usable outcomes',
      count(counts.usable),
      `of ${count(counts.final)} final: ${count(counts.wins)} won, ${count(counts.losses)} lost, ${count(counts.symbols)} symbols`,
    ),
    figure(
      'Said and won',
      `${percent(confidence)} → ${percent(winRate)}`,
      `raw confidence is ${points(Math.abs(detectable.found))} too ${detectable.found < 0 ? 'low' : 'high'} on average`,
    ),
    brier === undefined
      ? null
      : figure(
          'Brier score out of fold',
          `${score(brier.before)} → ${score(brier.after)}`,
          `lower is better; change ${signedScore(brier.change)}, 95 % interval ${interval(brier.change_interval, signedScore)}`,
        ),
    flips === null
      ? figure('Past decisions', 'not replayed', 'no snapshot of this model to replay')
      : figure(
          'Past decisions',
          `${count(flips.flips)} differ`,
          `of ${count(flips.snapshots)} snapshots replayed${flips.snapshots === 0 ? '' : ` (${percent(flips.flips / flips.snapshots)})`}`,
        ),
  ];
}

function figure(name: string, value: string, note: string): Markup {
  return markup`<div><dt>${name}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>\n`;
}

function boundsTable({ bounds }: CalibrationReport): Markup {
  const columns = [
    { head: 'Bound' },
    { head: 'Value', align: 'right' },
    { head: 'Limit', align: 'right' },
    { head: 'Holds' },
  ] as const;
  const rows = bounds.map(({ rule, value, limit, holds }) => [
    rule,
    plain(value),
    plain(limit),
    holds ? markup`<span class="holds">✓ holds</span>` : markup`<span class="broken">✗ broken</span>`,
  ]);
  return dataTable('What no version may break unless a person says so, by name and with a reason', columns, [{ rows }]);
}

function list(items: readonly string[]): Markup {
  if (items.length === 0) return markup`<p class="lead">None was found.</p>`;
  return markup`<ul>${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}

/** Past snapshots scored again with the map: flips by direction, factors, and the latest flips. */
function decisionsSection({ flips, parent }: CalibrationReport): Markup {
  if (flips === null)
    return markup`<section id="decisions"><h2>Past decisions</h2><p class="lead">The log holds no position snapshot of this model, so nothing could be replayed.</p></section>`;
  const share = flips.snapshots === 0 ? '' : ` (${percent(flips.flips / flips.snapshots)})`;
  return markup`<section id="decisions"><h2>Past decisions</h2>
<p class="lead">Every recorded snapshot of this model, scored by policy ${flips.policy} with ${parent ?? 'raw confidence'} and with this map: ${count(flips.flips)} of ${count(flips.snapshots)} snapshots${share} would have been decided otherwise.</p>
<figure>${matrixChart(flips.matrix, { current: 'until now', candidate: 'with this map' }, 'Snapshots by what is decided until now and with this map')}</figure>
${factors(flips)}
${examples(flips)}</section>`;
}

function factors({ factors: { before, after } }: Flips): Markup {
  const columns: TableColumn[] = [
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

/** The exact records behind the fit, and the command that fits them again. */
function evidenceSection(report: CalibrationReport): Markup {
  const { evidence } = report;
  const columns = [
    { head: 'Partition', align: 'right' },
    { head: 'From offset', align: 'right' },
    { head: 'Up to, not including', align: 'right' },
  ] as const;
  const rows = evidence.ranges.map(({ partition, from, to }) => [partition, from, to]);
  return markup`<section id="evidence" class="whole"><h2>Evidence</h2>
<p class="lead">The same records give the same map. This replays them, fits again and compares hash, map and scores:</p>
<p><span class="code">${nextSteps(report).verify}</span></p>
<dl class="facts">
${fact('Topic', evidence.topic)}
${fact('Rows', `${count(evidence.rows)} final outcomes of ${report.model_id}`)}
${fact('SHA-256 of the rows', markup`<span class="code">${evidence.dataset_hash}</span>`)}
${fact('Schema ids', evidence.schema_ids.join(', '))}
${fact('Label rule', report.label_rule)}
${fact('Replaces', report.parent ?? 'raw confidence: no version was in force')}
${fact('Program version', report.program_version)}</dl>
${dataTable('Offsets read', columns, [{ rows }])}</section>`;
}

function fact(name: string, value: Content): Markup {
  return markup`<dt>${name}</dt><dd>${value}</dd>`;
}
