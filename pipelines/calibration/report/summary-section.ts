import { formatEventTime } from '../../../render/event-time.ts';
import type { CalibrationReport } from '../report.ts';
import { dataTable } from '../../../render/data-table.ts';
import { count, interval, percent, plain, points, score, signedScore } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { saidAndWon, scoreOf } from './terms.ts';
import { methodText, nextSteps, verdictOf } from './verdict.ts';

/** What a person needs who reads one page only: the verdict, the figures behind it, the bounds, and what to type next. */
export function summarySection(report: CalibrationReport): Markup {
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
<dl class="commands"><dt>To put it in force</dt><dd><span class="code">${approve}</span></dd><dt>To turn it down</dt><dd><span class="code">${reject}</span></dd></dl></section>
<section id="risks"><div class="columns"><div><h2>Do not apply if</h2>${list(report.do_not_apply_if)}</div><div><h2>Risks</h2>${list(report.risks)}</div></div></section>`;
}

function figures(report: CalibrationReport): Content {
  const { counts, detectable, flips, out_of_fold: later } = report;
  const { said, won } = saidAndWon(report);
  const brier = scoreOf(later, 'brier');
  return [
    figure(
      'Usable outcomes',
      count(counts.usable),
      `of ${count(counts.final)} final: ${count(counts.wins)} won, ${count(counts.losses)} lost, ${count(counts.symbols)} symbols`,
    ),
    figure(
      'Said and won',
      `${percent(said)} → ${percent(won)}`,
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
