import { calibrate } from '../../scoring/confidence-map.ts';
import type { CalibrationReport } from '../report.ts';
import { probability } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { PLOT, linePath, plotX, plotY, round, unitPlot } from '../../../render/unit-plot.ts';

/** Narrower than this a region has no room for its name. Unit: probability. */
const ROOM_FOR_NAME = 0.2;

/** The fitted map against no change; where no outcome was seen it is hatched and the line broken. */
export function mapChart(report: CalibrationReport): Markup {
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
