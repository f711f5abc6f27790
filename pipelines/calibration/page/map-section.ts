import { PLOT, linePath, plotX, plotY, round, unitPlot } from '../../../render/charts.ts';
import { probability, score, signedScore } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/page.ts';
import { dataTable } from '../../../render/tables.ts';
import { calibrate } from '../../scoring/confidence-map.ts';
import type { Method } from '../fit.ts';
import { coefficientAtBoundText, sentenceCase, winnerText } from '../report-words.ts';
import type { CalibrationReport } from '../report.ts';

/** The map of each method as a formula of its parameters, x being raw confidence; null where there is none. */
const FORMULAS = {
  identity: null,
  sigmoid: '1 / (1 + exp(a · x + b))',
  sigmoid_log_odds: '1 / (1 + exp(a · ln(x / (1 − x)) + b))',
  beta: '1 / (1 + exp(−(a · ln(x) − b · ln(1 − x) + c)))',
  isotonic: null,
} as const satisfies Record<Method, string | null>;

/** The fitted map as a curve and as numbers, and all methods that were compared. */
export function mapSection(report: CalibrationReport): Markup {
  const { observed } = report;
  return markup`<section id="map-section"><h2>The map</h2>
<p class="lead">What a scorer makes of a raw confidence. Hatched and dashed: no outcome had such a confidence (observed: ${probability(observed.low)} to ${probability(observed.high)})${report.method === 'identity' ? '' : ', so the map is the constant at its edge, not a finding'}.</p>
<div class="columns"><figure><figcaption>Raw to calibrated<span>dotted: no change; the thin line marks the largest change</span></figcaption>${mapChart(report)}</figure>
<div>${formula(report)}${paragraph(coefficientAtBoundText(report))}${readings(report)}</div></div>
<h3>Methods compared</h3>
${paragraph(winnerText(report))}
${candidates(report)}</section>`;
}

function paragraph(text: string | null): Content {
  return text === null ? null : markup`<p class="lead">${sentenceCase(text)}.</p>`;
}

function formula(report: CalibrationReport): Content {
  const { method, parameters } = report;
  const text = FORMULAS[method];
  if (text === null)
    return markup`<p class="lead">${method === 'identity' ? 'No change: x stays x.' : 'Steps, pooled from the outcomes; there is no formula.'}</p>`;
  const values = parameters.map(({ name, value }) => `${name} = ${score(value)}`).join(', ');
  return markup`<p class="lead">Formula of the ${method} map, x being raw confidence:</p><p><span class="code">${text}</span><br><span class="code">${values}</span></p>`;
}

function readings({ map, observed }: CalibrationReport): Markup {
  const columns = [
    { head: 'Raw', align: 'right' },
    { head: 'Calibrated', align: 'right' },
    { head: 'Change', align: 'right' },
    { head: 'Seen' },
  ] as const;
  const rows = Array.from({ length: 11 }, (_, tenth) => {
    const raw = tenth / 10;
    const mapped = calibrate(map, raw);
    const isObserved = raw >= observed.low && raw <= observed.high;
    return [
      raw.toFixed(1),
      probability(mapped),
      signedScore(mapped - raw),
      isObserved ? 'yes' : markup`<span class="dim">no: extrapolated</span>`,
    ];
  });
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

/** A narrower region has no room for its name. Unit: probability. */
const ROOM_FOR_NAME = 0.2;

/** The fitted map and the diagonal. Where no outcome was observed the plot is hatched and the line broken. */
function mapChart(report: CalibrationReport): Markup {
  const { map, observed, largest_change: largest, model_id: model, method } = report;
  const at = (x: number) => [x, calibrate(map, x)] as const;
  const inner = map.x.filter((x) => x > observed.low && x < observed.high).map(at);
  const outer = (from: number, to: number) => map.x.filter((x) => x > from && x < to).map(at);
  const low = linePath([at(0), ...outer(0, observed.low), at(observed.low)]);
  const high = linePath([at(observed.high), ...outer(observed.high, 1), at(1)]);
  const content = markup`<defs><pattern id="unseen" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>
${unseen(0, observed.low)}${unseen(observed.high, 1)}
<path class="fit after beyond" d="${low}"/><path class="fit after beyond" d="${high}"/>
<path class="fit after" d="${linePath([at(observed.low), ...inner, at(observed.high)])}"/>
${method === 'identity' ? null : arrow(largest)}`;
  return unitPlot({
    id: 'map',
    title: `The fitted map of ${model}`,
    description:
      `Calibrated confidence over raw confidence. Between ${probability(observed.low)} and ${probability(observed.high)}, where outcomes were observed, ` +
      `it goes from ${probability(calibrate(map, observed.low))} to ${probability(calibrate(map, observed.high))}. ` +
      `The largest change is at ${probability(largest.at)}: ${probability(largest.from)} becomes ${probability(largest.to)}.`,
    xTitle: 'raw confidence',
    yTitle: 'calibrated confidence',
    histogram: report.in_sample.reliability.before.histogram,
    content,
  });
}

function unseen(from: number, to: number): Content {
  if (to <= from) return null;
  const width = round(PLOT.size * (to - from));
  const name = markup`<text class="region" x="${plotX((from + to) / 2)}" y="${PLOT.top + 14}" text-anchor="middle">not observed</text>`;
  return markup`<rect class="unseen" x="${plotX(from)}" y="${PLOT.top}" width="${width}" height="${PLOT.size}"/>${to - from < ROOM_FOR_NAME ? null : name}`;
}

function arrow({ at, from, to }: CalibrationReport['largest_change']): Markup {
  return markup`<path class="change" d="M${plotX(at)} ${plotY(from)}V${plotY(to)}"/>
<circle class="dot hollow before" cx="${plotX(at)}" cy="${plotY(from)}" r="3.5"/><circle class="dot after" cx="${plotX(at)}" cy="${plotY(to)}" r="3.5"/>`;
}
