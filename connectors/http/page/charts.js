/** Charts of one position: price and R over time, and what was done when. All share one time axis and one cursor. */
import uPlot from './lib/uPlot.esm.js';
import { dateOf, price, signedR, timeOf } from './format.js';
/** @import { MarkKind } from './story.js' */
/** @import { PositionStory } from '../../../ports/board.ts' */

/** The values of a chart begin here, so that all begin alike. Unit: CSS pixels. */
const AXIS_WIDTH = 74;
const PRICE_HEIGHT = 230;
const R_HEIGHT = 140;
const MARKS_HEIGHT = 104;
/** Half of the widest time, which stands under the end of the axis. Unit: CSS pixels. */
const RIGHT_MARGIN = 32;
const SYNC = 'position';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

/** Lane of each kind of mark, from the bottom. @type {Record<MarkKind, number>} */
const LANES = { intent: 1, fill: 2, slice: 3 };

/**
 * @typedef {object} Drawn
 * @property {PositionStory['path']} path
 * @property {number | null} entry price
 * @property {readonly { at: number, kind: MarkKind }[]} marks
 */

export class PositionCharts {
  /** @type {HTMLElement} */ #root;
  /** @type {HTMLElement} */ #readout;
  /** @type {uPlot[]} */ #plots = [];
  /** @type {Drawn | null} */ #drawn = null;
  #resizing;

  /** @param {HTMLElement} root @param {HTMLElement} readout where the values under the cursor are written */
  constructor(root, readout) {
    this.#root = root;
    this.#readout = readout;
    this.#resizing = new ResizeObserver(() => {
      for (const plot of this.#plots) plot.setSize({ width: this.#width, height: plot.height });
    });
    this.#resizing.observe(root);
  }

  get #width() {
    return Math.max(240, this.#root.clientWidth);
  }

  /** @param {Drawn} drawn */
  draw(drawn) {
    this.#drawn = drawn;
    const { left = -1, top = -1 } = this.#plots[0]?.cursor ?? {};
    for (const plot of this.#plots) plot.destroy();
    this.#plots = [];
    if (drawn.path.length < 2) return;
    const colours = coloursOf(this.#root);
    const times = drawn.path.map(({ at }) => at);
    const range = /** @type {[number, number]} */ ([times[0] ?? 0, Math.max(times.at(-1) ?? 0, (times[0] ?? 0) + 1)]);
    const shared = { width: this.#width, range, colours };
    const fills = drawn.marks.filter(({ kind }) => kind === 'fill').map(({ at }) => at);
    const marks = drawn.path.map(({ mark_price }) => mark_price);
    const stops = drawn.path.map(({ stop_price }) => stop_price);
    const entry = drawn.path.map(() => drawn.entry);
    this.#plots.push(
      new uPlot(
        {
          ...options({ ...shared, height: PRICE_HEIGHT, axis: false, values: price, fills }),
          series: [
            {},
            { label: 'mark', stroke: colours.accent, width: 1.6, points: { show: false } },
            { label: 'entry', stroke: colours.faint, width: 1.2, dash: [5, 4], points: { show: false } },
            { label: 'stop', stroke: colours.bad, width: 1.4, dash: [2, 3], points: { show: false } },
          ],
          hooks: {
            setCursor: [(plot) => this.#read(plot.cursor.idx ?? null)],
            draw: [fillLines(fills, colours.exit), caption('Price', colours)],
          },
        },
        [times, marks, entry, stops],
        this.#root,
      ),
      new uPlot(
        {
          ...options({ ...shared, height: R_HEIGHT, axis: false, values: signedR, fills }),
          series: [
            {},
            {
              label: 'R',
              stroke: colours.good,
              width: 1.6,
              fill: colours.goodSoft,
              fillTo: 0,
              points: { show: false },
            },
          ],
          hooks: { draw: [fillLines(fills, colours.exit), zeroLine(colours.faint), caption('R', colours)] },
        },
        [times, drawn.path.map(({ r }) => r)],
        this.#root,
      ),
      marksPlot(shared, drawn.marks, this.#root),
    );
    this.#read(null);
    // A story that is read anew leaves the cursor where a person holds it. A plot has its scales from its first microtask on.
    if (left >= 0) queueMicrotask(() => this.#plots[0]?.setCursor({ left, top }));
  }

  /** Draws again, in the colours that are in force now. */
  redraw() {
    if (this.#drawn !== null) this.draw(this.#drawn);
  }

  destroy() {
    this.#resizing.disconnect();
    for (const plot of this.#plots) plot.destroy();
    this.#plots = [];
  }

  /** @param {number | null} index */
  #read(index) {
    const point = this.#drawn?.path[index ?? this.#drawn.path.length - 1];
    if (point === undefined) return;
    const { at, mark_price, stop_price, r } = point;
    const stop = stop_price === null ? 'no stop' : `stop ${price(stop_price)}`;
    this.#readout.textContent = `${dateOf(at)} ${timeOf(at)} UTC: mark ${price(mark_price)}, ${stop}, R ${signedR(r)}`;
  }
}

/** @param {HTMLElement} root */
function coloursOf(root) {
  const style = getComputedStyle(root);
  // A custom property that is a light-dark() is only resolved where a colour is asked for.
  const probe = root.ownerDocument.createElement('span');
  root.append(probe);
  const of = (/** @type {string} */ name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    accent: of('--accent'),
    faint: of('--faint'),
    line: of('--line'),
    bad: of('--bad'),
    good: of('--good'),
    goodSoft: of('--good-soft'),
    exit: of('--exit'),
    font: `12px ${style.fontFamily}`,
  };
  probe.remove();
  return colours;
}

/** @typedef {ReturnType<typeof coloursOf>} Colours */

/**
 * @param {{ width: number, height: number, range: [number, number], colours: Colours, axis: boolean, values: (value: number) => string, fills: readonly number[] }} of
 * @returns {Omit<import('uplot').Options, 'series'>}
 */
function options({ width, height, range, colours, axis, values }) {
  const line = { stroke: colours.line, width: 1 };
  return {
    width,
    height,
    ms: 1,
    legend: { show: false },
    padding: [8, RIGHT_MARGIN, axis ? 0 : 8, 0],
    cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: { x: { time: true, range: () => range } },
    axes: [
      {
        show: axis,
        stroke: colours.faint,
        font: colours.font,
        grid: line,
        ticks: { show: false },
        size: 30,
        space: 84,
        values: (_, splits, _index, _space, step) => splits.map((at) => axisTime(at, step)),
      },
      {
        stroke: colours.faint,
        font: colours.font,
        grid: line,
        ticks: { show: false },
        size: AXIS_WIDTH,
        space: 34,
        values: (_, splits) => splits.map(values),
      },
    ],
  };
}

/** @param {number} at @param {number} step between two ticks */
function axisTime(at, step) {
  if (step >= DAY_MS) return dateOf(at).slice(5);
  return step >= MINUTE_MS ? timeOf(at).slice(0, 5) : timeOf(at);
}

/** @param {{ width: number, range: [number, number], colours: Colours }} shared @param {Drawn['marks']} marks @param {HTMLElement} root */
function marksPlot({ width, range, colours }, marks, root) {
  const sorted = marks.toSorted((one, other) => one.at - other.at);
  const times = [range[0], ...sorted.map(({ at }) => at), range[1]];
  const lane = (/** @type {MarkKind} */ kind) => [
    null,
    ...sorted.map((mark) => (mark.kind === kind ? LANES[kind] : null)),
    null,
  ];
  const series = (/** @type {string} */ label, /** @type {string} */ colour) => ({
    label,
    stroke: colour,
    width: 0,
    paths: () => null,
    points: { show: true, size: 7, stroke: colour, fill: colour },
  });
  const base = options({ width, height: MARKS_HEIGHT, range, colours, axis: true, values: String, fills: [] });
  const [time = {}, lanes = {}] = base.axes ?? [];
  return new uPlot(
    {
      ...base,
      scales: { ...base.scales, y: { range: () => [0.4, 3.6] } },
      axes: [
        time,
        {
          ...lanes,
          splits: () => [1, 2, 3],
          values: () => ['intents', 'fills', 'slices'],
          filter: (_, splits) => splits,
          space: 10,
        },
      ],
      series: [{}, series('intents', colours.accent), series('fills', colours.exit), series('slices', colours.good)],
    },
    [times, lane('intent'), lane('fill'), lane('slice')],
    root,
  );
}

/** Where the position was made smaller. @param {readonly number[]} fills @param {string} colour @returns {(plot: uPlot) => void} */
function fillLines(fills, colour) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.55;
    ctx.setLineDash([2, 4]);
    for (const at of fills) {
      const x = Math.round(plot.valToPos(at, 'x', true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
}

/** What a plot is of, in its upper left corner. @param {string} text @param {Colours} colours @returns {(plot: uPlot) => void} */
function caption(text, { faint, font }) {
  return ({ ctx, bbox }) => {
    ctx.save();
    ctx.fillStyle = faint;
    ctx.font = font.replace('12px', `600 ${12 * devicePixelRatio}px`);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    ctx.fillText(text, bbox.left + 6 * devicePixelRatio, bbox.top + 2 * devicePixelRatio);
    ctx.restore();
  };
}

/** @param {string} colour @returns {(plot: uPlot) => void} */
function zeroLine(colour) {
  return (plot) => {
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(0, 'y', true)) + 0.5;
    if (y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  };
}
