/** A reliability diagram: what confidence said against what was won. On the diagonal the two agree. */
import { html, svg } from './lib/lit-html.js';
import { count, percent } from './format.js';
/** @import { BoardGate } from '../../../ports/board.ts' */

const SIZE = 220;
const LEFT = 40;
const BOTTOM = 34;
const TOP = 8;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** Radius of the bin with the most outcomes, and of one with hardly any. Unit: CSS pixels. */
const LARGEST = 11;
const SMALLEST = 3;

const BOX = `0 0 ${LEFT + SIZE + 12} ${TOP + SIZE + BOTTOM}`;

/** @param {number} share */
function x(share) {
  return LEFT + share * SIZE;
}

/** @param {number} share */
function y(share) {
  return TOP + (1 - share) * SIZE;
}

/** @param {BoardGate['reliability']} bins */
export function reliability(bins) {
  if (bins.length === 0) return html`<p class="soft">No outcome with a confidence yet.</p>`;
  const most = Math.max(...bins.map((bin) => bin.count));
  return html`<div class="reliability">
    <svg viewBox=${BOX} role="img" aria-label="Reliability diagram; the table beside it has the same figures">
      ${TICKS.map(
        (tick) =>
          svg`<line class="grid" x1=${x(tick)} x2=${x(tick)} y1=${y(0)} y2=${y(1)}></line>
            <line class="grid" x1=${x(0)} x2=${x(1)} y1=${y(tick)} y2=${y(tick)}></line>
            <text x=${x(tick)} y=${y(0) + 15} text-anchor="middle">${100 * tick}</text>
            <text x=${LEFT - 7} y=${y(tick) + 4} text-anchor="end">${100 * tick}</text>`,
      )}
      <line class="diagonal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)}></line>
      <text x=${x(0.5)} y=${TOP + SIZE + 31} text-anchor="middle">said, %</text>
      <text x="11" y=${y(0.5)} text-anchor="middle" transform="rotate(-90 11 ${y(0.5)})">won, %</text>
      ${bins.map(({ said, won, count: outcomes }) => {
        const radius = SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(outcomes / most);
        return svg`<line class="gap" x1=${x(said)} x2=${x(said)} y1=${y(said)} y2=${y(won)}></line>
          <circle cx=${x(said)} cy=${y(won)} r=${radius.toFixed(1)}></circle>`;
      })}
    </svg>
    <table>
      <thead>
        <tr>
          <th scope="col" class="number">Said</th>
          <th scope="col" class="number">Won</th>
          <th scope="col" class="number">Outcomes</th>
        </tr>
      </thead>
      <tbody>
        ${bins.map(
          ({ said, won, count: outcomes }) =>
            html`<tr>
              <td class="number">${percent(said)}</td>
              <td class="number">${percent(won)}</td>
              <td class="number">${count(outcomes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
