/** The story of an opened position: the latest decision with all that spoke for and against it, the charts, and what happened when. */
import { html, nothing } from './lib/lit-html.js';
import { command, commandOf } from './copy.js';
import { argument, count, dateOf, decisionText, machineTime, measured, plural, signedR, timeOf } from './format.js';
import { because, conditionText, extentOf, factorText, onSide, otherwise, timelineOf } from './story.js';
/** @import { Reading } from './position.js' */
/** @import { Picture } from './state.js' */
/** @import { Entry, Explained, Explanation, Factor } from './story.js' */

/** More would take long to read, and are one click away. Unit: lines of the timeline. */
const LINES_AT_FIRST = 60;

/**
 * @typedef {object} StoryParts
 * @property {string} id
 * @property {Reading} reading
 * @property {Picture['desk']} desk
 * @property {boolean} whole whether all of the timeline is shown
 * @property {() => void} onWhole
 */

/** @param {StoryParts} parts */
export function storyView({ id, reading, desk, whole, onWhole }) {
  const tells = command(commandOf(desk, `explain ${argument(id)}`));
  if (reading.state === 'asked') return html`<p class="waiting" role="status">Reading its records…</p>`;
  if (reading.state === 'failed')
    return html`<p class="waiting" role="status">${reading.why}</p>
      <p class="further"><span class="label">Ask in a terminal</span> ${tells}</p>`;
  const explanation = /** @type {Explanation} */ (reading.story.explanation);
  return html`${
      explanation.decision === null
        ? html`<p class="waiting">Its latest snapshot is not kept any more, so the decision cannot be explained.</p>`
        : decision(explanation.decision)
    }
    <section aria-labelledby="price-title">
      <h3 id="price-title">Price and R</h3>
      <ul class="legend" role="list" aria-hidden="true">
        <li data-line="mark">mark</li>
        <li data-line="entry">entry</li>
        <li data-line="stop">stop</li>
        <li data-line="fill">filled then</li>
      </ul>
      <p class="readout label" aria-hidden="true"></p>
      <div class="charts" role="img" aria-label=${chartText(reading.story)}></div>
    </section>
    ${timeline(explanation, whole, onWhole)}
    <p class="further"><span class="label">The same in a terminal, with every record</span> ${tells}</p>`;
}

/** @param {import('../../../ports/board.ts').PositionStory} story */
function chartText({ path }) {
  const first = path[0];
  const last = path.at(-1);
  if (first === undefined || last === undefined) return 'No prices are kept.';
  const rs = path.map(({ r }) => r);
  return `R from ${signedR(first.r)} to ${signedR(last.r)}, at best ${signedR(Math.max(...rs))}, at worst ${signedR(Math.min(...rs))}; the timeline below has what was done.`;
}

/** @param {Explained} explained */
function decision(explained) {
  const { action, fraction, at, policy, calibration_version: map, assumed, unknown, conditions } = explained;
  const asked = conditions ?? [];
  return html`<section class="explained" aria-labelledby="decision-title">
    <h3 id="decision-title">Latest decision <span class="as-of">as of ${timeOf(at)} UTC</span></h3>
    <p class="verdict">
      <span class="decision" data-action=${action}>${decisionText(action, fraction)}</span> ${because(explained)}
    </p>
    ${asked.length === 0 ? nothing : html`<p>The rule asks: ${asked.map(conditionText).join('; ')}.</p>`}
    <p class="label">
      At <time datetime=${machineTime(at)}>${dateOf(at)} ${timeOf(at)} UTC</time>, by policy
      ${policy}${assumed ? ' (assumed)' : ''}, ${map === null ? 'on raw confidence' : `with map ${map}`}.
      ${unknown.length === 0 ? 'Nothing it asks for was unknown.' : html`<span class="warn">Unknown: ${unknown.join(', ')}.</span>`}
    </p>
    <div class="sides">
      ${side('For holding', explained.hold_score, onSide(explained.factors, 'HOLD'), 'hold')}
      ${side('For leaving', explained.exit_score, onSide(explained.factors, 'EXIT'), 'exit')}
    </div>
    ${change(explained)}
  </section>`;
}

/** @param {string} title @param {number} score @param {readonly Factor[]} factors @param {'hold' | 'exit'} tone */
function side(title, score, factors, tone) {
  return html`<div class="side-of" data-side-of=${tone}>
    <h4>${title} <b>${plural(score, 'point')}</b></h4>
    ${
      factors.length === 0
        ? html`<p class="soft">Nothing.</p>`
        : html`<ul role="list">
            ${factors.map((factor) => {
              const { says, figures } = factorText(factor);
              return html`<li>
                <span class="points">${measured(factor.points)}</span>
                <span>${says}${figures === '' ? nothing : html`<small>${figures}</small>`}</span>
              </li>`;
            })}
          </ul>`
    }
  </div>`;
}

/** @param {Explained} explained */
function change(explained) {
  if (explained.changes === null) {
    const why = explained.policy_available
      ? 'its policy or its map decides otherwise by now'
      : `nothing here has the policy ${explained.policy}`;
    return html`<p class="label">What would have changed it is not known: ${why}.</p>`;
  }
  const others = otherwise(explained);
  if (others.length === 0) return html`<p>No change of one input alone would have changed it.</p>`;
  return html`<div class="otherwise">
    <h4>The smallest change that would have made it another</h4>
    <ul role="list">
      ${others.map(
        ({ decision: other, reason, ways }) =>
          html`<li><strong>${other}</strong> <small class="inline">${reason}</small> if ${ways.join(', or ')}</li>`,
      )}
    </ul>
  </div>`;
}

/** @param {Explanation} explanation @param {boolean} whole @param {() => void} onWhole */
function timeline(explanation, whole, onWhole) {
  const entries = timelineOf(explanation);
  const shown = whole ? entries : entries.slice(0, LINES_AT_FIRST);
  const left = entries.length - shown.length;
  return html`<section aria-labelledby="timeline-title">
    <h3 id="timeline-title">Timeline</h3>
    <p class="label">${extentOf(explanation)}. The newest first, times in UTC.</p>
    <ol class="timeline" role="list">
      ${shown.map(line)}
    </ol>
    ${left === 0 ? nothing : html`<p class="more"><button type="button" @click=${onWhole}>Show ${count(left)} more</button></p>`}
  </section>`;
}

/** @param {Entry} entry @param {number} index @param {readonly Entry[]} all */
function line({ kind, at, until, title, detail, traded }, index, all) {
  const before = all[index - 1];
  const day = before === undefined || dateOf(before.until) !== dateOf(until) ? dateOf(until) : '';
  const began = dateOf(at) === dateOf(until) ? '' : `${dateOf(at).slice('YYYY-'.length)} `;
  const to = at === until ? '' : `–${timeOf(until)}`;
  return html`<li data-kind=${kind} data-traded=${String(traded)}>
    <span class="when"
      >${day === '' ? nothing : html`<span class="day">${day}</span>`}<time datetime=${machineTime(at)}
        >${began}${timeOf(at)}</time
      >${to}</span
    >
    <span><strong>${title}</strong> <span class="detail">${detail}</span></span>
  </li>`;
}
