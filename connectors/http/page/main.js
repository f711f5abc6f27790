/**
 * The page of a desk: holds the picture, and renders in animation frames what has changed of it. Read only: it asks the server for the picture,
 * its changes and the story of a position, and for nothing else.
 */
import { render } from './lib/lit-html.js';
import { follow } from './connection.js';
import { serveCopyButtons } from './copy.js';
import { duration } from './format.js';
import { addressOf, positionAt } from './address.js';
import { alerts, currency, headline, masthead, staleness, summary } from './overview.js';
import { PositionsTable } from './positions.js';
import { PositionView } from './position.js';
import { Sections } from './sections.js';
import { changed, gravity, pictureOf } from './state.js';
/** @import { Connection, Picture } from './state.js' */

/** How often ages are written anew where nothing else happens. Unit: milliseconds. */
const TICK_MS = 1_000;

/** @type {Picture | null} */
let picture = null;
/** @type {Connection} */
let connection = { status: 'connecting' };
let receivedAt = Date.now();
let asked = false;
/** The desk as of the latest frame. @type {Picture['desk'] | null} */
let shown = null;
/** The picture that the figures above the table are of. @type {Picture | null} */
let summarised = null;

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new TypeError(`the document has no #${id}`);
  return found;
}

const places = {
  masthead: element('masthead'),
  headline: element('headline'),
  staleness: element('staleness'),
  summary: element('summary'),
  alerts: element('alerts'),
  announcement: element('announcement'),
};

const table = new PositionsTable(element('positions'), wake);
const sections = new Sections(element('sections'));
const view = new PositionView(/** @type {HTMLDialogElement} */ (element('position')), { leave, step });

/** Asks for one frame, however often it is called until then. */
function wake() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** @param {number} now */
function frame(now) {
  asked = false;
  if (picture === null) return;
  const { desk } = picture;
  if (desk !== shown) showDesk(desk, shown);
  shown = desk;
  // With the headline, so that the two never differ.
  if (picture !== summarised) render(summary(picture), places.summary);
  summarised = picture;
  view.show(picture, now);
  if (table.frame(now)) wake();
}

/** @param {Picture['desk']} desk @param {Picture['desk'] | null} before */
function showDesk(desk, before) {
  const differs = (/** @type {(keyof Picture['desk'])[]} */ ...keys) =>
    before === null || keys.some((key) => desk[key] !== before[key]);
  if (differs('desk', 'mode', 'policy', 'calibrations', 'log')) showMasthead(desk);
  if (differs('headline', 'ok', 'halted', 'alerts')) {
    render(headline(desk), places.headline);
    document.title = titleOf(desk);
  }
  if (differs('alerts')) render(alerts(desk), places.alerts);
  if (differs('at')) showCurrency();
  sections.show(desk);
}

/** @param {Picture['desk']} desk */
function showMasthead(desk) {
  render(masthead(desk, document.documentElement.dataset['colours'] ?? 'system'), places.masthead);
}

function showCurrency() {
  const place = document.getElementById('currency');
  if (picture !== null && place !== null) render(currency(picture.desk, connection, Date.now() - receivedAt), place);
  const age = document.getElementById('stale-age');
  if (age !== null && connection.status === 'lost')
    age.textContent = `, ${duration(Date.now() - connection.since)} old`;
}

/** A tab shows only the beginning. @param {Picture['desk']} desk */
function titleOf(desk) {
  const name = desk.desk ?? 'harvestline';
  const { alerts: standing, halted } = desk;
  if (halted.length > 0) return `■ HALTED · ${name}`;
  const mark = { good: '●', warn: '▲', bad: '■' }[gravity(desk)];
  return standing.length === 0 ? `${mark} ${name}` : `${mark} ${standing[0]?.name ?? ''} · ${name}`;
}

/** @param {string} text for screen readers */
function announce(text) {
  places.announcement.textContent = text;
}

follow({
  onState(board) {
    picture = pictureOf(board);
    shown = null;
    receivedAt = Date.now();
    table.show(picture, null);
    wake();
  },
  onChange(change) {
    if (picture === null) return;
    picture = changed(picture, change);
    receivedAt = Date.now();
    const ids = change.positions.map(({ position_id: id }) => id);
    table.show(picture, ids);
    wake();
  },
  onConnection(next) {
    connection = next;
    document.body.dataset['stream'] = next.status === 'live' ? 'live' : 'lost';
    render(staleness(next), places.staleness);
    showCurrency();
  },
});

// Ages, the order and an opened story go on while nothing comes.
setInterval(() => {
  showCurrency();
  wake();
}, TICK_MS);

serveCopyButtons(announce);

document.addEventListener('click', ({ target }) => {
  if (!(target instanceof Element) || target.closest('#colours') === null) return;
  dispatchEvent(new Event('harvestline:next-colours'));
  if (picture !== null) showMasthead(picture.desk);
  view.recolour();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => view.recolour());

document.addEventListener('keydown', (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return;
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
  if (key === '/') table.focusFilter();
  else if (key === 'j' || key === 'k') table.focusCurrent();
  else return;
  event.preventDefault();
});

/** Whether the opened position was reached from this page, so that back leads to the list. */
let cameFromHere = false;

/** The address decides what is open (PAGE-4). */
function route() {
  const id = positionAt(location.hash);
  if (id !== null) {
    view.open(id);
    return;
  }
  const left = view.id;
  view.close();
  cameFromHere = false;
  if (left === null) return;
  table.makeCurrent(left);
  table.focusCurrent();
}

/** Back to the list. */
function leave() {
  if (cameFromHere) history.back();
  else {
    history.replaceState(null, '', '/');
    route();
  }
}

/** To the next position of the list, in the place of the one that is open. @param {string} id @param {1 | -1} by */
function step(id, by) {
  const next = table.neighbour(id, by);
  if (next === null) return;
  history.replaceState(null, '', addressOf(next));
  route();
}

addEventListener('hashchange', ({ oldURL }) => {
  if (positionAt(new URL(oldURL).hash) === null) cameFromHere = true;
  route();
});
route();
