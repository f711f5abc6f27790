/** One position in the table: its columns and their cells. */
import { addressOf } from './address.js';
import { html, nothing, svg } from './lib/lit-html.js';
import { count, decisionText, duration, percent, price, signedR, UNKNOWN } from './format.js';
import { stopIsExpected, waits } from './state.js';
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline } from './sparkline.js';
/** @import { BoardPosition } from '../../../ports/board.ts' */
/** @import { SortColumn } from './order.js' */
/** @import { Picture } from './state.js' */

const MINUTE_MS = 60_000;

/** An observation older than that is pointed out. Unit: milliseconds. */
const SILENT_AFTER_MS = 2 * MINUTE_MS;

const SPARK_BOX = `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`;

/** Scores beyond that fill their side of the bar. Unit: points. */
const FULL_SCORE = 12;

const R_MEASURED = 'R is measured from the initial stop, or from 2 % of the entry price where there was none';

/** @typedef {{ column: SortColumn, label: string, title: string, number?: boolean }} Column */

/** @type {readonly Column[]} */
export const COLUMNS = [
  { column: 'symbol', label: 'Position', title: 'Symbol, account and venue' },
  { column: 'side', label: 'Side', title: 'Direction' },
  { column: 'age', label: 'Age', title: 'Time since opening', number: true },
  {
    column: 'r',
    label: 'R',
    title: `Profit in multiples of the initial risk, and its history. ${R_MEASURED}`,
    number: true,
  },
  { column: 'mark', label: 'Mark', title: 'Mark price, with the entry price below it', number: true },
  {
    column: 'stop',
    label: 'Stop',
    title: `Stop price, with its distance from the mark below it. ${R_MEASURED}`,
    number: true,
  },
  {
    column: 'confidence',
    label: 'Confidence',
    title: "The model's confidence as said, and after the map in force",
    number: true,
  },
  { column: 'regime', label: 'Regime', title: 'Market regime' },
  { column: 'scores', label: 'Hold / exit', title: 'Points for holding against points for leaving' },
  { column: 'decision', label: 'Decision', title: 'The latest decision, and the rule that made it' },
  { column: 'cooldown', label: 'Cooldown', title: 'Until a partial close may follow', number: true },
  { column: 'resting', label: 'Resting', title: 'What rests at the venue' },
];

/** @param {BoardPosition} position @param {Pick<Picture['desk'], 'at' | 'mode'>} desk */
export function rowCells(position, { at, mode }) {
  const { symbol, account, venue, side, age_minutes, r, r_history, mark_price, entry_price, regime } = position;
  const { position_id, hold_score, exit_score, reason, action, fraction } = position;
  return html`<th role="rowheader" scope="row" class="c-symbol">
      <a href=${addressOf(position_id)}>${symbol}</a><small>${account} · ${venue}</small>
    </th>
    <td role="cell" class="c-side">
      <span class="side" data-side=${side}>${side === 'LONG' ? 'Long' : 'Short'}</span>
    </td>
    <td role="cell" class="c-age number">
      <span class="name">Age</span>${duration(age_minutes * MINUTE_MS)}${silence(position, at)}
    </td>
    <td role="cell" class="c-r number"><b class=${toneOf(r)}>${signedR(r)}</b>${spark(r_history)}</td>
    <td role="cell" class="c-mark number">
      <span class="name">Mark</span>${price(mark_price)}<small>${price(entry_price)}</small>
    </td>
    <td role="cell" class="c-stop number"><span class="name">Stop</span>${stop(position, mode)}</td>
    <td role="cell" class="c-confidence number"><span class="name">Confidence</span>${confidence(position)}</td>
    <td role="cell" class="c-regime">
      <span class="name">Regime</span>${regime === null ? html`<i>unknown</i>` : apart(regime)}
    </td>
    <td role="cell" class="c-scores">${scores(hold_score, exit_score)}</td>
    <td role="cell" class="c-decision">
      <span class="decision" data-action=${action} data-waits=${String(waits(position, at))}
        >${decisionText(action, fraction)}${waits(position, at) ? ' ·\u00A0waits' : nothing}</span
      ><small>${apart(reason)}</small>
    </td>
    <td role="cell" class="c-cooldown number"><span class="name">Cooldown</span>${cooldown(position, at)}</td>
    <td role="cell" class="c-resting"><span class="name">Resting</span>${resting(position)}</td>`;
}

/** @param {number} r */
export function toneOf(r) {
  return r > 0 ? 'good' : r < 0 ? 'bad' : '';
}

/** @param {readonly number[]} history */
function spark(history) {
  const drawn = sparkline(history);
  if (drawn === null) return html`<span class="spark"></span>`;
  const { line, zero, lastX, lastY } = drawn;
  const tone = toneOf(history.at(-1) ?? 0);
  return html`<svg class="spark ${tone}" viewBox=${SPARK_BOX} aria-hidden="true">
    ${zero === null ? nothing : svg`<line class="zero" x1="0" x2=${SPARK_WIDTH} y1=${zero} y2=${zero}></line>`}
    <path d=${line}></path>
    <circle cx=${lastX} cy=${lastY} r="1.8"></circle>
  </svg>`;
}

/** @param {BoardPosition} position @param {number | null} at */
function silence({ last_snapshot_at }, at) {
  const ms = at === null ? 0 : at - last_snapshot_at;
  return ms > SILENT_AFTER_MS ? html`<small class="warn">▲ seen ${duration(ms)} ago</small>` : nothing;
}

/** A name such as PROFIT_RUNG may go on in the next line after an underscore, where a card is narrow. @param {string} name */
function apart(name) {
  return name.split('_').map((part, index) => (index === 0 ? part : html`_<wbr />${part}`));
}

/** @param {Picture['desk']['mode']} mode */
export function noStop(mode) {
  return html`<span class=${stopIsExpected(mode) ? 'warn' : 'soft'} title=${R_MEASURED}>none</span>`;
}

/** @param {BoardPosition} position @param {Picture['desk']['mode']} mode */
function stop({ stop_price, mark_price }, mode) {
  if (stop_price === null) return noStop(mode);
  return html`${price(stop_price)}<small>${percent(Math.abs(mark_price - stop_price) / mark_price, 1)} away</small>`;
}

/** @param {BoardPosition} position */
function confidence({ confidence: said, calibrated_confidence: mapped }) {
  if (said === null) return html`<i>unknown</i>`;
  return html`${percent(said)}<small>${mapped === null ? 'no map' : html`${percent(mapped)} mapped`}</small>`;
}

/** Two bars that begin in the middle. @param {number} hold @param {number} exit */
function scores(hold, exit) {
  const left = 50 * Math.min(1, hold / FULL_SCORE);
  const right = 50 * Math.min(1, exit / FULL_SCORE);
  return html`<span class="scores"
    ><span><span class="unseen">hold </span>${score(hold)}</span
    ><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8"></rect>
      <rect class="hold" x=${50 - left} width=${left} height="8"></rect>
      <rect class="exit" x="50" width=${right} height="8"></rect>
      <rect class="middle" x="49.5" width="1" height="8"></rect></svg
    ><span><span class="unseen"> exit </span>${score(exit)}</span></span
  >`;
}

/** @param {number} points */
function score(points) {
  return Number.isInteger(points) ? String(points) : points.toFixed(1);
}

/** @param {BoardPosition} position @param {number | null} at */
export function cooldown({ cooldown_until }, at) {
  const left = cooldown_until === null || at === null ? 0 : cooldown_until - at;
  return left > 0 ? duration(left) : html`<i>${UNKNOWN}</i>`;
}

export const RESTING_NAME = { STOP: 'Stop', TAKE_PROFIT: 'Take profit', LIMIT: 'Limit', OTHER: 'Other' };

/** @param {BoardPosition} position */
export function resting({ resting: orders }) {
  if (orders === null) return html`<i>not asked</i>`;
  const [first] = orders;
  if (first === undefined) return html`<i>nothing</i>`;
  const more = orders.length === 1 ? nothing : html`<small>and ${count(orders.length - 1)} more</small>`;
  return html`${RESTING_NAME[first.kind]} ${first.price === null ? '' : price(first.price)}${more}`;
}
