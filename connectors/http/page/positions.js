/**
 * The table of open positions.
 *
 * PAGE-2  A change of a position touches its own row alone. A closed one leaves at once. Rows change places at most once a second, and not while the
 *         pointer is over them or one has the focus: the order is held then, and the page says so.
 * PAGE-3  A frame renders a bounded number of rows, whatever has come since the last one.
 */
import { addressOf } from './address.js';
import { render } from './lib/lit-html.js';
import { FIRST_SORT, held, listed, sortedBy } from './order.js';
import { rowCells } from './row.js';
import { tableFrame } from './table-frame.js';
/** @import { BoardPosition } from '../../../ports/board.ts' */
/** @import { Picture } from './state.js' */

/** Rows that would change places faster could not be read. Unit: milliseconds. */
const ORDER_MS = 1_000;

/** A frame has 16 ms, and a row takes some 0.05 ms. */
const ROWS_A_FRAME = 40;

/** What a screen of PageDown moves by. Unit: rows. */
const PAGE_ROWS = 10;

/** On a phone rows are cards, and all of them would be an endless page. */
const CARDS_AT_FIRST = 20;
const phone = matchMedia('(max-width: 760px)');

/** A finger hovers over nothing, but leaves :hover where it was. */
const pointer = matchMedia('(hover: hover)');

export class PositionsTable {
  #sort = FIRST_SORT;
  #filter = '';
  #cards = CARDS_AT_FIRST;
  /** @type {Picture | null} */
  #picture = null;
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();
  /** Ids whose row is older than the picture, the longest waiting first. @type {Set<string>} */
  #stale = new Set();
  /** Ids in the order of the list. @type {string[]} */
  #order = [];
  #orderedAt = -Infinity;
  /** Whether a person has asked for the order: it is not held then. */
  #sortAsked = true;
  #held = false;
  /** The picture that the rows are placed by. @type {Picture | null} */
  #placed = null;
  /** The row that the keyboard comes back to. @type {string | null} */
  #current = null;
  /** @type {HTMLTableSectionElement} */ #body;
  /** @type {HTMLElement} */ #root;
  #wake;

  /** @param {HTMLElement} root @param {() => void} wake asks for a frame */
  constructor(root, wake) {
    this.#root = root;
    this.#wake = wake;
    this.#renderFrame();
    this.#body = /** @type {HTMLTableSectionElement} */ (root.querySelector('tbody'));
    root.addEventListener('keydown', (event) => this.#onKey(event));
    root.addEventListener('focusin', ({ target }) => this.#onFocus(target));
    this.#body.addEventListener('click', (event) => openRow(event));
    for (const type of ['pointerenter', 'pointerleave', 'focusin', 'focusout']) this.#body.addEventListener(type, wake);
    this.#scroller.addEventListener('scroll', () => this.#markBeyond(), { passive: true });
    new ResizeObserver(() => this.#markBeyond()).observe(this.#scroller);
    phone.addEventListener('change', () => this.#reorder());
  }

  /** @param {Picture} picture @param {Iterable<string> | null} ids of the positions that differ; null: all may */
  show(picture, ids) {
    // The mode decides how a missing stop looks in every row.
    const alike = this.#picture?.desk.mode === picture.desk.mode ? ids : null;
    this.#picture = picture;
    for (const id of alike ?? picture.positions.keys()) this.#stale.add(id);
  }

  /** Does what a frame has time for; true where more is left. @param {number} now of the frame, in milliseconds */
  frame(now) {
    const picture = this.#picture;
    if (picture === null) return false;
    const holds = !this.#sortAsked && this.#isHeld();
    const passed = now - this.#orderedAt >= ORDER_MS;
    const moved = passed && picture !== this.#placed;
    if (this.#sortAsked || holds !== this.#held || moved || this.#hasOthers(picture)) {
      const sorts = this.#sortAsked || (!holds && (passed || this.#held));
      if (sorts || passed) this.#orderedAt = now;
      if (sorts) this.#placed = picture;
      this.#sortAsked = false;
      this.#held = holds;
      this.#place(picture, sorts);
    }
    let left = ROWS_A_FRAME;
    for (const id of this.#stale) {
      if (left-- === 0) return true;
      this.#stale.delete(id);
      const row = this.#rows.get(id);
      const position = picture.positions.get(id);
      if (row !== undefined && position !== undefined) fill(row, position, picture.desk);
    }
    return false;
  }

  /** Keyboard from anywhere on the page. */
  focusCurrent() {
    const id = this.#current !== null && this.#rows.has(this.#current) ? this.#current : this.#order[0];
    if (id !== undefined) this.#focus(id);
  }

  focusFilter() {
    this.#root.querySelector('input')?.focus();
  }

  /** The position before or after another in the list. @param {string} id @param {1 | -1} step @returns {string | null} */
  neighbour(id, step) {
    const at = this.#order.indexOf(id);
    return at === -1 ? null : (this.#order[at + step] ?? null);
  }

  /** Where the keyboard goes on after a position was looked at. @param {string} id */
  makeCurrent(id) {
    this.#setCurrent(id);
  }

  #reorder() {
    this.#sortAsked = true;
    this.#renderFrame();
    this.#wake();
  }

  #isHeld() {
    return this.#body.contains(document.activeElement) || (pointer.matches && this.#body.matches(':hover'));
  }

  /** Whether a position has been opened or closed since the rows were placed. @param {Picture} picture */
  #hasOthers({ positions }) {
    return positions.size !== this.#total || this.#order.some((id) => !positions.has(id));
  }

  /** Whether columns lie beyond the right edge shows as a shadow: not every system shows a scrollbar. */
  #markBeyond() {
    const { scrollWidth, clientWidth, scrollLeft } = this.#scroller;
    this.#root.dataset['beyond'] = String(scrollWidth - clientWidth - scrollLeft > 1);
  }

  /** @param {Picture} picture @param {boolean} sorts whether the order is made anew; else rows stay where they are */
  #place(picture, sorts) {
    const sorted = listed(picture.positions.values(), this.#sort, this.#filter);
    const all = sorts ? sorted : held(this.#order, sorted);
    const shown = phone.matches ? all.slice(0, this.#cards) : all;
    const focused = document.activeElement?.closest('tr');
    const before = focused instanceof HTMLTableRowElement ? focused.offsetTop : 0;
    const lost = focused?.dataset['id'] ?? null;
    const goesOnWith = this.#afterLost(lost, new Set(shown.map(({ position_id: id }) => id)));
    this.#order = shown.map(({ position_id: id }) => id);
    const wanted = new Set(this.#order);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const rows = this.#order.map((id) => this.#rowOf(id));
    placeRows(this.#body, rows, focused instanceof HTMLTableRowElement && rows.includes(focused) ? focused : null);
    if (goesOnWith !== null) this.#focus(goesOnWith);
    else if (focused instanceof HTMLTableRowElement && focused.isConnected)
      this.#scroller.scrollTop += focused.offsetTop - before;
    if (this.#current === null || !wanted.has(this.#current)) this.#setCurrent(this.#order[0] ?? null);
    this.#renderFrame(all.length, picture.positions.size);
  }

  /** The row to focus where the focused one is gone: the next that is still there. @param {string | null} lost @param {Set<string>} shown */
  #afterLost(lost, shown) {
    if (lost === null || shown.has(lost)) return null;
    const at = this.#order.indexOf(lost);
    const others = [...this.#order.slice(at + 1), ...this.#order.slice(0, Math.max(0, at)).toReversed()];
    return others.find((id) => shown.has(id)) ?? null;
  }

  /** @param {string} id */
  #rowOf(id) {
    let row = this.#rows.get(id);
    if (row === undefined) {
      row = document.createElement('tr');
      row.setAttribute('role', 'row');
      row.dataset['id'] = id;
      this.#rows.set(id, row);
      this.#stale.add(id);
    }
    return row;
  }

  get #scroller() {
    return /** @type {HTMLElement} */ (this.#root.querySelector('.scroller'));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = target instanceof Element ? target.closest('tbody tr') : null;
    if (key === 'Escape' && row !== null && target instanceof HTMLElement) target.blur();
    if (!(row instanceof HTMLTableRowElement)) {
      if (key !== 'ArrowDown' || !(target instanceof HTMLInputElement)) return;
      event.preventDefault();
      this.focusCurrent();
      return;
    }
    const at = this.#order.indexOf(row.dataset['id'] ?? '');
    const last = this.#order.length - 1;
    const to = /** @type {Record<string, number>} */ ({
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at - 1,
      k: at - 1,
      PageDown: at + PAGE_ROWS,
      PageUp: at - PAGE_ROWS,
      Home: 0,
      End: last,
    })[key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const id = this.#order[Math.min(last, Math.max(0, to))];
    if (id !== undefined) this.#focus(id);
  }

  /** @param {EventTarget | null} target */
  #onFocus(target) {
    const id = target instanceof Element ? target.closest('tr')?.dataset['id'] : undefined;
    if (id !== undefined) this.#setCurrent(id);
  }

  /** One row is reached by Tab; the arrows lead to the others. @param {string | null} id */
  #setCurrent(id) {
    const link = this.#linkOf(this.#current);
    if (link !== null) link.tabIndex = -1;
    this.#current = id;
    const next = this.#linkOf(id);
    if (next !== null) next.tabIndex = 0;
  }

  /** @param {string | null} id */
  #linkOf(id) {
    const row = id === null ? undefined : this.#rows.get(id);
    if (row === undefined || id === null) return null;
    const position = this.#picture?.positions.get(id);
    // A row that waits for its turn has nothing to focus yet.
    if (row.firstElementChild === null && position !== undefined && this.#picture !== null)
      fill(row, position, this.#picture.desk);
    return row.querySelector('a');
  }

  /** @param {string} id */
  #focus(id) {
    this.#setCurrent(id);
    this.#linkOf(id)?.focus();
  }

  #matched = 0;
  /** @type {number | null} Null before the first answer: no desk is said to be empty that was not seen. */
  #total = null;

  /** Everything around the rows. */
  #renderFrame(matched = this.#matched, total = this.#total) {
    this.#matched = matched;
    this.#total = total;
    const frame = tableFrame({
      sort: this.#sort,
      matched,
      total,
      held: this.#held,
      more: phone.matches ? Math.max(0, matched - this.#cards) : 0,
      onSort: (column) => {
        this.#sort = sortedBy(this.#sort, column);
        this.#reorder();
      },
      onFilter: (words) => {
        this.#filter = words;
        this.#cards = CARDS_AT_FIRST;
        this.#reorder();
      },
      onMore: () => {
        this.#cards += 2 * CARDS_AT_FIRST;
        this.#reorder();
      },
    });
    render(frame, this.#root);
  }
}

/** @param {HTMLTableRowElement} row @param {BoardPosition} position @param {Picture['desk']} desk */
function fill(row, position, desk) {
  const hadLink = row.firstElementChild !== null;
  render(rowCells(position, desk), row);
  row.dataset['action'] = position.action;
  if (!hadLink) /** @type {HTMLElement} */ (row.querySelector('a')).tabIndex = -1;
}

/** A click anywhere on a row opens it, unless text is being selected. @param {MouseEvent} event */
function openRow({ target }) {
  if (!(target instanceof Element) || target.closest('a') !== null || getSelection()?.isCollapsed === false) return;
  const id = target.closest('tr')?.dataset['id'];
  if (id !== undefined) location.hash = addressOf(id);
}

/**
 * Brings the rows of a table into an order. Rows that stand right already are not touched, and `pinned` is not in any case.
 *
 * @param {HTMLTableSectionElement} body @param {readonly HTMLTableRowElement[]} rows @param {HTMLTableRowElement | null} pinned
 */
function placeRows(body, rows, pinned) {
  const start = pinned === null ? -1 : rows.indexOf(pinned);
  let next = pinned;
  for (let index = start - 1; index >= 0; index--) {
    const row = /** @type {HTMLTableRowElement} */ (rows[index]);
    if (next?.previousElementSibling !== row) body.insertBefore(row, next);
    next = row;
  }
  let previous = pinned;
  for (const row of rows.slice(start + 1)) {
    const follower = previous === null ? body.firstElementChild : previous.nextElementSibling;
    if (follower !== row) body.insertBefore(row, follower);
    previous = row;
  }
}
