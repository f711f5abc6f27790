/** What stands around the rows of the positions: title, filter, sorting and the header. */
import { html } from './lib/lit-html.js';
import { count, plural } from './format.js';
import { startsDescending } from './order.js';
import { COLUMNS } from './row.js';
/** @import { Sort, SortColumn } from './order.js' */

/**
 * @typedef {object} Frame
 * @property {Sort} sort
 * @property {number} matched positions that the filter lets through
 * @property {number | null} total open positions; null before the first answer
 * @property {boolean} held whether the order is held for a person
 * @property {number} more matched ones that are not shown yet
 * @property {(column: SortColumn) => void} onSort
 * @property {(words: string) => void} onFilter
 * @property {() => void} onMore
 */

const HELD_WHY = 'Rows keep their places while the pointer is over them or one has the focus (Escape lets go of it)';

/** @param {Frame} frame */
export function tableFrame({ sort, matched, total, held, more, onSort, onFilter, onMore }) {
  return html`<div class="toolbar">
      <h2 id="positions-title">Positions</h2>
      <p class="matched" role="status">
        ${total === null ? '' : matched === total ? plural(total, 'position') : `${count(matched)} of ${count(total)}`}
      </p>
      <p class="held" data-held=${String(held)} title=${HELD_WHY}>order held</p>
      <label class="filter"
        ><span class="unseen">Filter positions</span
        ><input
          type="search"
          placeholder="Filter: symbol, account, regime, reason"
          autocomplete="off"
          spellcheck="false"
          @input=${(/** @type {Event & { target: HTMLInputElement }} */ { target }) => onFilter(target.value)}
      /></label>
      ${sortSelect(sort, onSort)}
      <p class="keys" aria-hidden="true"><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open</p>
    </div>
    <div class="rows">
      <div class="scroller">
        <table role="table" aria-labelledby="positions-title">
          <thead role="rowgroup">
            <tr role="row">
              ${COLUMNS.map((column) => header(column, sort, onSort))}
            </tr>
          </thead>
          <tbody role="rowgroup"></tbody>
        </table>
      </div>
    </div>
    <p class="none" ?hidden=${matched > 0}>${whyNone(total)}</p>
    <p class="more" ?hidden=${more === 0}>
      <button type="button" @click=${onMore}>Show more (${count(more)} left)</button>
    </p>`;
}

/** @param {number | null} total */
function whyNone(total) {
  if (total === null) return 'The first figures have not come yet.';
  return total === 0 ? 'No position is open.' : 'No open position has all these words.';
}

/** @param {import('./row.js').Column} column @param {Sort} sort @param {Frame['onSort']} onSort */
function header({ column, label, title, number = false }, sort, onSort) {
  const sorted = sort.column === column;
  const direction = sort.descending ? 'descending' : 'ascending';
  const arrow = sort.descending ? '▼' : '▲';
  return html`<th
    role="columnheader"
    scope="col"
    class=${number ? 'number' : ''}
    aria-sort=${sorted ? direction : 'none'}
  >
    <button type="button" title=${title} @click=${() => onSort(column)}>
      ${label}<span aria-hidden="true" class="arrow">${sorted ? arrow : ''}</span>
    </button>
  </th>`;
}

/** Sorting where there is no header: on a phone. @param {Sort} sort @param {Frame['onSort']} onSort */
function sortSelect({ column: sorted, descending }, onSort) {
  const reversed = descending !== startsDescending(sorted);
  return html`<div class="sorting">
    <label
      >Sort by
      <select
        @change=${(/** @type {Event & { target: HTMLSelectElement }} */ { target }) =>
          onSort(/** @type {SortColumn} */ (target.value))}
      >
        ${COLUMNS.map(
          ({ column, label }) => html`<option value=${column} ?selected=${column === sorted}>${label}</option>`,
        )}
      </select></label
    >
    <button type="button" class="quiet" aria-pressed=${String(reversed)} @click=${() => onSort(sorted)}>Reverse</button>
  </div>`;
}
