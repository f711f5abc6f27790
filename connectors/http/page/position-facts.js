/** What an opened position is now: its heading and its figures. */
import { html } from './lib/lit-html.js';
import { count, duration, measured, percent, price, signedR, UNKNOWN } from './format.js';
import { cooldown, noStop, RESTING_NAME, toneOf } from './row.js';
import { stopIsExpected } from './state.js';
/** @import { BoardPosition } from '../../../ports/board.ts' */
/** @import { Picture } from './state.js' */

const MINUTE_MS = 60_000;

/**
 * @typedef {object} Heading
 * @property {string} id
 * @property {BoardPosition | null} position
 * @property {boolean} open whether it is on the board
 * @property {() => void} leave
 * @property {(by: 1 | -1) => void} step to the position before or after it in the list
 */

/** @param {Heading} heading */
export function heading({ id, position, open, leave, step }) {
  return html`<header class="position-head">
    <div class="position-name">
      <h2 id="position-title">
        ${position === null ? id : html`${position.symbol} <span class="side" data-side=${position.side}>${position.side === 'LONG' ? 'Long' : 'Short'}</span>`}
      </h2>
      <p class="label">
        ${position === null ? '' : `${position.account} · ${position.venue}`}${open ? '' : html` <strong class="warn">not open</strong>`}
      </p>
    </div>
    ${
      position === null
        ? ''
        : html`<p class="position-r ${toneOf(position.r)}"><span class="label">R</span> ${signedR(position.r)}</p>`
    }
    <div class="position-buttons">
      <button type="button" class="quiet" ?disabled=${!open} @click=${() => step(-1)} aria-keyshortcuts="k">
        <kbd aria-hidden="true">k</kbd> Previous
      </button>
      <button type="button" class="quiet" ?disabled=${!open} @click=${() => step(1)} aria-keyshortcuts="j">
        <kbd aria-hidden="true">j</kbd> Next
      </button>
      <button type="button" class="quiet" @click=${leave}>Close</button>
    </div>
  </header>`;
}

/** @param {BoardPosition} position @param {Picture['desk']} desk */
export function facts(position, { at, mode }) {
  const { mark_price, entry_price, stop_price, take_profit_price, quantity, age_minutes, regime, resting } = position;
  const { confidence, calibrated_confidence: mapped, policy, last_snapshot_at } = position;
  const ago = at === null ? UNKNOWN : `${duration(Math.max(0, at - last_snapshot_at))} before the latest event`;
  return html`<dl class="facts" aria-label="Now">
    ${fact('Mark', price(mark_price), percent(mark_price / entry_price - 1, 1) + ' from the entry')}
    ${fact('Entry', price(entry_price), 'on average')}
    ${fact('Stop', stop_price === null ? noStop(mode) : price(stop_price), away(stop_price, mark_price))}
    ${fact('Take profit', take_profit_price === null ? 'none' : price(take_profit_price), away(take_profit_price, mark_price))}
    ${fact('Quantity', measured(quantity, 6), 'contracts')}
    ${fact('Age', duration(age_minutes * MINUTE_MS), `seen ${ago}`)}
    ${fact('Confidence', percent(confidence, 1), mapped === null ? 'no map in force' : `${percent(mapped, 1)} mapped`)}
    ${fact('Regime', regime ?? 'unknown', `policy ${policy}`)}
    ${fact('Cooldown', cooldown(position, at), 'until a partial close may follow')}
    ${fact('Resting', restingText(resting, mode), resting === null ? 'the venue was not asked' : 'at the venue')}
  </dl>`;
}

/** @param {number | null} level @param {number} mark */
function away(level, mark) {
  return level === null ? '' : `${percent(Math.abs(mark - level) / mark, 1)} from the mark`;
}

/** @param {BoardPosition['resting']} orders @param {Picture['desk']['mode']} mode */
function restingText(orders, mode) {
  if (orders === null) return 'unknown';
  if (orders.length === 0) return html`<span class=${stopIsExpected(mode) ? 'warn' : 'soft'}>nothing</span>`;
  return orders.map(
    ({ kind, price: at, quantity, whole_position: whole }) =>
      html`<span class="line"
        >${RESTING_NAME[kind]}
        ${price(at)}${whole ? '' : quantity === null ? '' : `, ${count(quantity)} contracts`}</span
      >`,
  );
}

/** @param {string} name @param {unknown} value @param {string} note */
function fact(name, value, note) {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
    <dd class="note">${note}</dd>
  </div>`;
}
