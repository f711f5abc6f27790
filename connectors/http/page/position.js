/**
 * One position opened, in a dialog with an address of its own: what it is now from the picture, and its story from the server.
 *
 * PAGE-4  The address decides what is open: a link, a reload and the back button lead to the same view.
 */
import { guard } from './lib/directives/guard.js';
import { html, render } from './lib/lit-html.js';
import { PositionCharts } from './charts.js';
import { facts, heading } from './position-facts.js';
import { storyView } from './position-story.js';
import { marksOf } from './story.js';
/** @import { BoardPosition, PositionStory } from '../../../ports/board.ts' */
/** @import { Picture } from './state.js' */
/** @import { Explanation } from './story.js' */

/** A story is read anew at most so often while it is looked at. Unit: milliseconds. */
const STORY_EVERY_MS = 1_000;

/**
 * What is known of the story: on its way, read, or why not.
 *
 * @typedef {{ state: 'asked' } | { state: 'read', story: PositionStory } | { state: 'failed', why: string }} Reading
 */

export class PositionView {
  /** @type {HTMLDialogElement} */ #dialog;
  /** @type {string | null} */ #id = null;
  /** @type {Reading} */ #reading = { state: 'asked' };
  /** The position as it was seen last: it stays in sight after it has closed. @type {BoardPosition | null} */
  #latest = null;
  /** @type {Picture | null} */ #picture = null;
  /** @type {AbortController | null} */ #asking = null;
  /** @type {PositionStory | null} */ #drawn = null;
  #askedAt = -Infinity;
  /** How long the latest reading took: as long a rest follows, so that a large log is not read without a pause. Unit: milliseconds. */
  #tookMs = 0;
  /** Of the snapshot that the story was asked for after; null: it was asked for after the position had closed. @type {number | null} */
  #seenAt = 0;
  #whole = false;
  /** @type {PositionCharts | null} */ #charts = null;
  #leave;
  #step;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {{ leave: () => void, step: (id: string, by: 1 | -1) => void }} to lead elsewhere
   */
  constructor(dialog, { leave, step }) {
    this.#dialog = dialog;
    this.#leave = leave;
    this.#step = step;
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      leave();
    });
    dialog.addEventListener('click', ({ target }) => {
      if (target === dialog) leave();
    });
    dialog.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || this.#id === null) return;
      if (event.key === 'j') step(this.#id, 1);
      if (event.key === 'k') step(this.#id, -1);
    });
  }

  get id() {
    return this.#id;
  }

  /** @param {string} id */
  open(id) {
    if (id === this.#id) return;
    this.#forget();
    this.#id = id;
    this.#latest = this.#picture?.positions.get(id) ?? null;
    this.#render();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    void this.#ask(id);
  }

  close() {
    this.#forget();
    this.#id = null;
    if (this.#dialog.open) this.#dialog.close();
  }

  /** @param {Picture} picture @param {number} now of the frame, in milliseconds */
  show(picture, now) {
    const before = this.#picture;
    this.#picture = picture;
    const id = this.#id;
    if (id === null) return;
    const position = picture.positions.get(id) ?? null;
    if (picture !== before) {
      this.#latest = position ?? this.#latest;
      this.#render();
    }
    const rest = Math.max(STORY_EVERY_MS, 2 * this.#tookMs);
    const differs = (position?.last_snapshot_at ?? null) !== this.#seenAt;
    if (differs && this.#asking === null && now - this.#askedAt >= rest) void this.#ask(id);
  }

  /** Draws again in the colours that are in force now. */
  recolour() {
    this.#charts?.redraw();
  }

  #forget() {
    this.#asking?.abort();
    this.#asking = null;
    this.#charts?.destroy();
    this.#charts = null;
    this.#drawn = null;
    this.#reading = { state: 'asked' };
    this.#whole = false;
    render(html``, this.#dialog);
  }

  /** @param {string} id */
  async #ask(id) {
    const asking = new AbortController();
    this.#asking = asking;
    this.#askedAt = performance.now();
    this.#seenAt = this.#picture?.positions.get(id)?.last_snapshot_at ?? null;
    const reading = await read(id, asking.signal);
    if (asking.signal.aborted) return;
    this.#asking = null;
    this.#tookMs = performance.now() - this.#askedAt;
    // What was read once is worth more than why it cannot be read again.
    if (reading.state === 'failed' && this.#reading.state === 'read') return;
    this.#reading = reading;
    this.#render();
  }

  /** Draws the charts of a story once: they are not part of what is rendered. */
  #draw() {
    if (this.#reading.state !== 'read' || this.#drawn === this.#reading.story) return;
    const root = this.#dialog.querySelector('.charts');
    const readout = this.#dialog.querySelector('.readout');
    if (!(root instanceof HTMLElement) || !(readout instanceof HTMLElement)) return;
    this.#drawn = this.#reading.story;
    const { path, explanation } = this.#drawn;
    this.#charts ??= new PositionCharts(root, readout);
    const { steps } = /** @type {Explanation} */ (explanation);
    this.#charts.draw({ path, entry: this.#latest?.entry_price ?? null, marks: marksOf(steps) });
  }

  /** @param {string} id @param {Picture['desk']} desk */
  #story(id, desk) {
    const onWhole = () => {
      this.#whole = true;
      this.#render();
    };
    return storyView({ id, reading: this.#reading, desk, whole: this.#whole, onWhole });
  }

  /** The figures change with the picture; the story, which may be long, only where it was read anew. */
  #render() {
    const id = this.#id;
    if (id === null || this.#picture === null) return;
    const open = this.#picture.positions.has(id);
    const position = this.#latest;
    const desk = this.#picture.desk;
    render(
      html`<article>
        ${heading({ id, position, open, leave: this.#leave, step: (by) => this.#step(id, by) })}
        <div class="position-body">
          ${position === null ? '' : facts(position, desk)}
          ${guard([id, this.#reading, this.#whole, desk.program, desk.log_flags], () => this.#story(id, desk))}
        </div>
      </article>`,
      this.#dialog,
    );
    this.#draw();
  }
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Reading>} */
async function read(id, signal) {
  try {
    const response = await fetch(`/api/positions/${encodeURIComponent(id)}`, { signal, cache: 'no-store' });
    if (response.ok) return { state: 'read', story: await response.json() };
    if (response.status === 404) return { state: 'failed', why: 'No snapshot of this position is kept any more.' };
    const { message, remedy } = /** @type {{ message?: string, remedy?: string }} */ (await response.json());
    return { state: 'failed', why: [message ?? `The server answers ${response.status}.`, remedy ?? ''].join(' ') };
  } catch {
    return { state: 'failed', why: 'The server does not answer. Close this and open it again to ask once more.' };
  }
}
