/** What a desk did and how it runs, below or beside the positions. Each section is rendered anew only where its part of the picture differs. */
import { addressOf } from './address.js';
import { html, nothing, render } from './lib/lit-html.js';
import { command, commandOf } from './copy.js';
import {
  argument,
  basisPoints,
  count,
  dateOf,
  decisionText,
  machineTime,
  minuteOf,
  percent,
  rate,
  timeOf,
} from './format.js';
import { reliability } from './reliability.js';
/** @import { Picture } from './state.js' */

/** @typedef {Picture['desk']} Desk */

/**
 * @typedef {object} Section
 * @property {string} title
 * @property {readonly (keyof Desk)[]} parts what it shows
 * @property {(desk: Desk) => unknown} content
 * @property {(desk: Desk) => string} command that tells more
 * @property {'wide' | 'whole'} [width] of a row: two places, or all
 */

/** @type {readonly Section[]} */
const SECTIONS = [
  {
    title: 'Decisions',
    parts: ['decisions'],
    content: decisions,
    command: (desk) => commandOf(desk, 'tail harvest.intent'),
  },
  {
    title: 'Fills and slippage',
    parts: ['fills'],
    content: fills,
    command: (desk) => commandOf(desk, 'tail trade.closed'),
  },
  {
    title: 'Not executed',
    parts: ['suppressed', 'unknown_reports'],
    content: suppressed,
    command: (desk) => commandOf(desk, 'tail execution.report'),
  },
  {
    title: 'Gate and confidence',
    parts: ['gate'],
    content: gate,
    command: (desk) => commandOf(desk, 'calibrate slices'),
    width: 'wide',
  },
  { title: 'Shadow', parts: ['shadow'], content: shadow, command: (desk) => commandOf(desk, 'shadow') },
  {
    title: 'Throughput and lag',
    parts: ['lag', 'snapshots_per_second'],
    content: lag,
    command: (desk) => commandOf(desk, 'status'),
  },
  {
    title: 'Dead letters',
    parts: ['dead_letters'],
    content: deadLetters,
    command: (desk) => commandOf(desk, 'dlq list'),
  },
  {
    title: 'In force',
    parts: ['policy', 'calibrations', 'version', 'log', 'mode'],
    content: inForce,
    command: ({ program, policy }) => `${program} policy ${policy === null ? 'list' : `show ${argument(policy)}`}`,
  },
  {
    title: 'Latest events',
    parts: ['events'],
    content: events,
    command: (desk) => commandOf(desk, 'tail execution.report --follow'),
    width: 'whole',
  },
];

/** Keeps the sections of a page up to date. */
export class Sections {
  /** @type {readonly { section: Section, place: HTMLElement }[]} */
  #places;
  /** @type {Desk | null} */
  #shown = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#places = SECTIONS.map((section, index) => {
      const place = document.createElement('section');
      place.className = `panel ${section.width ?? ''}`;
      place.setAttribute('aria-labelledby', `section-${index}`);
      root.append(place);
      return { section, place };
    });
  }

  /** @param {Desk} desk */
  show(desk) {
    const before = this.#shown;
    this.#shown = desk;
    for (const [index, { section, place }] of this.#places.entries()) {
      const { title, parts, content, command: tells } = section;
      if (before !== null && parts.every((part) => desk[part] === before[part])) continue;
      render(
        html`<h2 id="section-${index}">${title}</h2>
          ${content(desk)}
          <p class="further">${command(tells(desk))}</p>`,
        place,
      );
    }
  }
}

/** @param {string} text */
function none(text) {
  return html`<p class="soft">${text}</p>`;
}

/** A bar for a share. @param {number} share @param {string} [tone] */
function bar(share, tone = '') {
  return html`<svg class="bar ${tone}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" width="100" height="6"></rect>
    <rect class="value" width=${(100 * Math.min(1, Math.max(0, share))).toFixed(1)} height="6"></rect>
  </svg>`;
}

/** Names with counts, each with its share of all. @param {readonly (readonly [string, number])[]} rows */
function counted(rows) {
  const all = rows.reduce((sum, [, times]) => sum + times, 0);
  return html`<table class="counted">
    <tbody>
      ${rows.map(
        ([name, times]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td class="number">${count(times)}</td>
            <td class="number share">${all === 0 ? '' : percent(times / all, 1)}</td>
            <td class="bar-cell">${bar(all === 0 ? 0 : times / all)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Desk} desk */
function decisions({ decisions: by }) {
  return counted([
    ['Hold', by.HOLD],
    ['Partial close', by.PARTIAL_CLOSE],
    [decisionText('CLOSE', 1), by.CLOSE],
  ]);
}

/** @param {Desk} desk */
function fills({ fills: by }) {
  const styles = Object.entries(by);
  if (styles.length === 0) return none('No order was filled yet.');
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Order style</th>
        <th scope="col" class="number">Fills</th>
        <th scope="col" class="number">Volume</th>
        <th scope="col" class="number" title="Mean, against the mark price; positive is worse">Slippage</th>
      </tr>
    </thead>
    <tbody>
      ${styles.map(
        ([style, { count: times, quote, slippage_bps }]) =>
          html`<tr>
            <th scope="row">${style}</th>
            <td class="number">${count(times)}</td>
            <td class="number">${count(quote)}</td>
            <td class="number">${slippage_bps === null ? html`<i>unknown</i>` : basisPoints(slippage_bps)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Desk} desk */
function suppressed({ suppressed: by, unknown_reports: unknown }) {
  const reasons = Object.entries(by);
  return html`${
    unknown === 0
      ? nothing
      : html`<p class="bad"><strong>■ ${count(unknown)}</strong> of which nobody can say whether they were filled</p>`
  }
  ${reasons.length === 0 ? none('No intent was suppressed.') : counted(reasons)}`;
}

/** @param {Desk} desk */
function gate({ gate: { final, usable, needed, open, eta, labels, reliability: bins } }) {
  const share = needed === 0 ? 1 : usable / needed;
  return html`<p>
      <strong class=${open ? 'good' : ''}>${open ? '● Open' : `${percent(Math.min(1, share))} of the way`}</strong>:
      ${count(usable)} of ${count(needed)} usable outcomes, ${count(final)}
      final${
        open || eta === null
          ? ''
          : html`, enough by about <time datetime=${machineTime(eta)}>${minuteOf(eta)} UTC</time>`
      }
    </p>
    ${bar(share, open ? 'good' : '')}
    ${
      Object.keys(labels).length === 0
        ? nothing
        : html`<p class="labels">
            ${Object.entries(labels).map(([label, times]) => html`<span>${label} <b>${count(times)}</b></span>`)}
          </p>`
    }
    ${reliability(bins)}`;
}

/** @param {Desk} desk */
function shadow({ shadow: candidates }) {
  if (candidates.length === 0) return none('No candidate decides beside the policy in force.');
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Candidate</th>
        <th scope="col" class="number">Agreed</th>
        <th scope="col" class="number">Resized</th>
        <th scope="col" class="number">Flips</th>
      </tr>
    </thead>
    <tbody>
      ${candidates.map(
        ({ policy, against, decisions: all, agreed, resized, flips }) =>
          html`<tr>
            <th scope="row">${policy}<small>against ${against}, ${count(all)} decisions of a day</small></th>
            <td class="number">${all === 0 ? count(agreed) : percent(agreed / all, 1)}</td>
            <td class="number">${count(resized)}</td>
            <td class="number">${count(flips)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Desk} desk */
function lag({ lag: by, snapshots_per_second: perSecond }) {
  const groups = Object.entries(by);
  return html`<p><strong>${rate(perSecond)}</strong> snapshots a second over the last minute</p>
    ${
      groups.length === 0
        ? none('No group has read anything yet.')
        : html`<table>
            <thead>
              <tr>
                <th scope="col">Group</th>
                <th scope="col" class="number">Records waiting</th>
              </tr>
            </thead>
            <tbody>
              ${groups.map(
                ([group, records]) =>
                  html`<tr>
                    <th scope="row">${group}</th>
                    <td class="number">${count(records)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }`;
}

/** @param {Desk} desk */
function deadLetters({ dead_letters: letters }) {
  if (letters.length === 0) return none('None waits.');
  return html`<table>
    <tbody>
      ${letters.map(
        ({ topic, code, count: times }) =>
          html`<tr>
            <th scope="row">${topic}<small>${code ?? 'without a code'}</small></th>
            <td class="number warn">${count(times)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Desk} desk */
function inForce({ policy, calibrations, version, log, mode }) {
  return html`<dl class="pairs">
    <dt>Policy</dt>
    <dd>${policy ?? 'none yet'}</dd>
    <dt>Confidence</dt>
    <dd>
      ${
        calibrations.length === 0
          ? 'as the models say it: no map'
          : calibrations.map(({ model_id, version: map }) => html`<span class="line">${map} for ${model_id}</span>`)
      }
    </dd>
    <dt>Mode</dt>
    <dd>${mode ?? 'no process executes'}</dd>
    <dt>Records</dt>
    <dd>${log}</dd>
    <dt>Program</dt>
    <dd>harvestline ${version}</dd>
  </dl>`;
}

/** @param {Desk} desk */
function events({ events: latest, at }) {
  if (latest.length === 0) return none('Nothing happened yet.');
  return html`<div class="events">
    <table>
      <thead>
        <tr>
          <th scope="col">Time, UTC</th>
          <th scope="col">Symbol</th>
          <th scope="col">What</th>
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        ${latest.map(
          ({ at: when, symbol, position_id: id, kind, detail }) =>
            html`<tr>
              <td>
                <time datetime=${machineTime(when)}
                  >${dateOf(when) === dateOf(at) ? timeOf(when) : minuteOf(when)}</time
                >
              </td>
              <th scope="row"><a href=${addressOf(id)}>${symbol}</a></th>
              <td>${kind}</td>
              <td>${detail}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
