/** The first screen above the table: whose desk this is, whether all is well, and what is wrong. */
import { html, nothing } from './lib/lit-html.js';
import { repeat } from './lib/directives/repeat.js';
import { command, commandOf } from './copy.js';
import { argument, count, duration, machineTime, minuteOf, plural, signedR, timeOf, UNKNOWN } from './format.js';
import { gravity, summaryOf } from './state.js';
/** @import { Connection, Picture } from './state.js' */

const MODE_MEANING = {
  LIVE: 'Orders are real, with real money',
  DEMO: 'Orders go to a demo venue',
  PAPER: 'Orders are filled on paper',
};

/** The scope of a halt that no account is excepted from. */
const WHOLE_DESK = 'desk';

const MARK = { good: '●', warn: '▲', bad: '■' };
const GRAVITY_WORD = { good: 'Well', warn: 'Warning', bad: 'Critical' };

/** @param {Picture['desk']} desk @param {string} colours */
export function masthead({ desk, mode, policy, calibrations, log }, colours) {
  const maps = calibrations.map(({ version }) => version).join(', ');
  return html`<div class="masthead-inner">
    <p class="wordmark">harvestline</p>
    <p class="desk"><span class="label">desk</span> <strong>${desk ?? 'default'}</strong></p>
    <p>
      <span class="mode" data-mode=${mode ?? 'NONE'} title=${mode === null ? 'No process executes' : MODE_MEANING[mode]}
        >${mode ?? 'NOT EXECUTING'}</span
      >
    </p>
    <p class="in-force"><span class="label">policy</span> <strong>${policy ?? 'none yet'}</strong></p>
    <p class="in-force"><span class="label">map</span> <strong>${maps === '' ? 'raw confidence' : maps}</strong></p>
    <p class="in-force from-log"><span class="label">from</span> ${log}</p>
    <div id="currency" class="currency"></div>
    <button type="button" class="quiet" id="colours">Colours: ${colours}</button>
  </div>`;
}

/** How current the picture is. @param {Picture['desk']} desk @param {Connection} connection @param {number} agoMs since anything came */
export function currency({ at }, connection, agoMs) {
  if (connection.status !== 'live') return html`<span class="stream lost">▲ Not current</span>`;
  return html`<span class="label">last event</span>
    <time datetime=${machineTime(at)}>${at === null ? UNKNOWN : `${timeOf(at)} UTC`}</time>
    <span class="ago">${at === null ? '' : `received ${duration(Math.max(1000, agoMs))} ago`}</span>
    <span class="stream">● Live</span>`;
}

/** Begins with a capital letter, unless with a name such as winner_held. @param {string} text */
function sentence(text) {
  return /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** In one line whether all is well. @param {Picture['desk']} desk */
export function headline(desk) {
  const grave = gravity(desk);
  return html`<div class="headline-inner" data-gravity=${grave}>
    <h1>
      <span aria-hidden="true" class="mark">${MARK[grave]}</span
      ><span class="unseen">${GRAVITY_WORD[grave]}: </span>${sentence(desk.headline)}
    </h1>
    ${desk.halted.map(
      ({ scope, by, reason }) =>
        html`<p class="halt">
          <strong>Halted: ${scope === WHOLE_DESK ? 'the whole desk' : scope}</strong> by ${by}: ${reason}
          ${command(commandOf(desk, scope === WHOLE_DESK ? 'resume' : `resume --scope ${argument(scope)}`))}
        </p>`,
    )}
  </div>`;
}

/** Says that the picture is old; nothing while it is current. @param {Connection} connection */
export function staleness(connection) {
  switch (connection.status) {
    case 'lost':
      return html`<p class="stale">
        <strong>▲ Stale: the connection is lost, reconnecting.</strong> What you see is as of
        ${timeOf(connection.since)} UTC<span id="stale-age" aria-hidden="true"></span>.
      </p>`;
    case 'refused':
      return html`<p class="stale"><strong>▲ The server does not send the picture.</strong> ${connection.why}</p>`;
    default:
      return nothing;
  }
}

/** @param {Picture} picture */
export function summary(picture) {
  const { open, best, worst, inProfit, toAct, waitsForCooldown, waiting, letters } = summaryOf(picture);
  const { snapshots_per_second: perSecond, unknown_reports: unknown, alerts: standing } = picture.desk;
  return [
    figure('Open positions', count(open), `${count(inProfit)} in profit`),
    figure('Best R', signedR(best), `worst ${signedR(worst)}`),
    figure(
      'Decided to act',
      count(toAct),
      `${count(waitsForCooldown)} ${waitsForCooldown === 1 ? 'waits' : 'wait'} for the cooldown`,
    ),
    figure('Snapshots', `${perSecond.toFixed(1)} /s`, 'over the last minute'),
    figure('Records waiting', count(waiting), 'over all groups'),
    figure('Unknown orders', count(unknown), 'filled or not?', unknown > 0 ? 'bad' : ''),
    figure('Dead letters', count(letters), 'wait for a person', letters > 0 ? 'warn' : ''),
    figure(
      'Alerts',
      count(standing.length),
      standing.length === 0 ? 'none stands' : 'stand',
      standing.length > 0 ? 'warn' : '',
    ),
  ];
}

/** @param {string} name @param {string} value @param {string} note @param {string} [tone] */
function figure(name, value, note, tone = '') {
  return html`<div class="figure" data-tone=${tone}>
    <dt>${name}</dt>
    <dd>${value}</dd>
    <dd class="note">${note}</dd>
  </div>`;
}

/** @param {Picture['desk']} desk */
export function alerts({ alerts: standing, at }) {
  if (standing.length === 0) return nothing;
  return html`<h2>${plural(standing.length, 'alert')} ${standing.length === 1 ? 'stands' : 'stand'}</h2>
    <ul role="list">
      ${repeat(
        standing,
        ({ name, since }) => `${name} ${since}`,
        ({ name, severity, since, evidence, command: next }) =>
          html`<li class="alert" data-severity=${severity}>
            <p class="alert-head">
              <span class="severity"
                ><span aria-hidden="true">${severity === 'CRITICAL' ? '■' : '▲'}</span> ${severity}</span
              >
              <strong>${name}</strong>
              <span class="since"
                >since <time datetime=${machineTime(since)}>${minuteOf(since)} UTC</time>${
                  at === null ? '' : `, ${duration(Math.max(0, at - since))}`
                }</span
              >
            </p>
            <p class="evidence">${evidence}</p>
            ${command(next)}
          </li>`,
      )}
    </ul>`;
}
