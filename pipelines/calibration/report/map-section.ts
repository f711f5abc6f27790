import type { CalibrationReport } from '../report.ts';
import { dataTable } from '../../../render/data-table.ts';
import { probability, score, signedScore } from '../../../render/figures.ts';
import { formulaOf } from './formula.ts';
import { mapChart } from './map-chart.ts';
import { mapReadings } from './map-readings.ts';
import { boundText, winnerText } from './terms.ts';
import { sentenceCase } from './verdict.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';

/** The fitted map, as a curve and as numbers, and what else was tried. */
export function mapSection(report: CalibrationReport): Markup {
  const { observed } = report;
  return markup`<section id="map-section"><h2>The map</h2>
<p class="lead">What a scorer makes of a raw confidence. Hatched and dashed: no outcome had such a confidence (observed: ${probability(observed.low)} to ${probability(observed.high)})${report.method === 'identity' ? '' : ', so the map is the constant at its edge, not a finding'}.</p>
<div class="columns"><figure><figcaption>Raw to calibrated<span>dotted: no change; the thin line marks the largest change</span></figcaption>${mapChart(report)}</figure>
<div>${formula(report)}${paragraph(boundText(report))}${readings(report)}</div></div>
<h3>Methods compared</h3>
${paragraph(winnerText(report))}
${candidates(report)}</section>`;
}

function paragraph(text: string | null): Content {
  return text === null ? null : markup`<p class="lead">${sentenceCase(text)}.</p>`;
}

function formula(report: CalibrationReport): Content {
  const { method, parameters } = report;
  const text = formulaOf(method);
  if (text === null)
    return markup`<p class="lead">${method === 'identity' ? 'No change: x stays x.' : 'Steps, pooled from the outcomes; there is no formula.'}</p>`;
  const values = parameters.map(({ name, value }) => `${name} = ${score(value)}`).join(', ');
  return markup`<p class="lead">Formula of the ${method} map, x being raw confidence:</p><p><span class="code">${text}</span><br><span class="code">${values}</span></p>`;
}

function readings(report: CalibrationReport): Markup {
  const columns = [
    { head: 'Raw', align: 'right' },
    { head: 'Calibrated', align: 'right' },
    { head: 'Change', align: 'right' },
    { head: 'Seen' },
  ] as const;
  const rows = mapReadings(report).map(({ raw, calibrated, observed }) => [
    raw.toFixed(1),
    probability(calibrated),
    signedScore(calibrated - raw),
    observed ? 'yes' : markup`<span class="dim">no: extrapolated</span>`,
  ]);
  return dataTable('The map at every tenth', columns, [{ rows }]);
}

function candidates({ candidates: tried, method, method_asked_for: asked }: CalibrationReport): Markup {
  const columns = [
    { head: 'Method' },
    { head: 'Brier', align: 'right' },
    { head: 'Log loss', align: 'right' },
    { head: 'Chosen, or why not' },
  ] as const;
  const rows = tried.map((one) => [
    one.method === method ? markup`<strong>${one.method}</strong>` : one.method,
    one.brier === null ? '–' : score(one.brier),
    one.log_loss === null ? '–' : score(one.log_loss),
    one.why_not ?? (asked ? 'asked for by a person' : 'chosen'),
  ]);
  return dataTable('Out of fold; where two do equally well the simpler one is chosen', columns, [{ rows }]);
}
