/**
 * The desk as the page knows it, and how it goes on: pure functions of the picture before and what has come.
 *
 * PAGE-1  A picture and every change after it, in order, give the picture that the server has now.
 */
/** @import { Board, BoardChange, BoardPosition } from '../../../ports/board.ts' */

/**
 * @typedef {object} Picture
 * @property {Omit<Board, 'positions'>} desk everything but the positions
 * @property {ReadonlyMap<string, BoardPosition>} positions by their ids
 */

/** @param {Board} board @returns {Picture} */
export function pictureOf({ positions, ...desk }) {
  return { desk, positions: new Map(positions.map((position) => [position.position_id, position])) };
}

/** @param {Picture} picture @param {BoardChange} change @returns {Picture} */
export function changed(picture, { positions, closed, rest }) {
  const desk = { ...picture.desk, ...rest };
  if (positions.length === 0 && closed.length === 0) return { desk, positions: picture.positions };
  const next = new Map(picture.positions);
  for (const position of positions) next.set(position.position_id, position);
  for (const id of closed) next.delete(id);
  return { desk, positions: next };
}

/**
 * How current the picture is. `live`: changes arrive as they happen. `lost`: the connection is gone and is being made again. `refused`: the server
 * answers, but not with the picture.
 *
 * @typedef {{ status: 'connecting' | 'live' } | { status: 'lost', since: number } | { status: 'refused', why: string }} Connection
 */

/** How grave the state of the desk is, for its colour and its mark. @param {Picture['desk']} desk @returns {'good' | 'warn' | 'bad'} */
export function gravity({ ok, halted, alerts }) {
  if (halted.length > 0 || alerts.some(({ severity }) => severity === 'CRITICAL')) return 'bad';
  return ok ? 'good' : 'warn';
}

/**
 * Whether the decision waits: a partial close is not executed while a cooldown lasts.
 *
 * @param {{ action: string, cooldown_until: number | null }} position @param {number | null} at the event time now
 */
export function waits({ action, cooldown_until: until }, at) {
  return action === 'PARTIAL_CLOSE' && until !== null && at !== null && until > at;
}

/** Whether a position without a stop is pointed out: money of a venue is at stake. On paper the simulated desk has none by design. @param {Picture['desk']['mode']} mode */
export function stopIsExpected(mode) {
  return mode === 'LIVE' || mode === 'DEMO';
}

/** The figures above the table. @param {Picture} picture */
export function summaryOf({ positions, desk }) {
  let best = null;
  let worst = null;
  let inProfit = 0;
  let toAct = 0;
  let waitsForCooldown = 0;
  for (const position of positions.values()) {
    const { r, action } = position;
    if (best === null || r > best) best = r;
    if (worst === null || r < worst) worst = r;
    if (r > 0) inProfit++;
    if (waits(position, desk.at)) waitsForCooldown++;
    else if (action !== 'HOLD') toAct++;
  }
  const waiting = Object.values(desk.lag).reduce((sum, records) => sum + records, 0);
  const letters = desk.dead_letters.reduce((sum, letter) => sum + letter.count, 0);
  return { open: positions.size, best, worst, inProfit, toAct, waitsForCooldown, waiting, letters };
}
