/** The stream of the desk, kept open: server-sent events, made again whenever they end. */
/** @import { Board, BoardChange } from '../../../ports/board.ts' */
/** @import { Connection } from './state.js' */

/** Silence is normal on a quiet desk; after that long the server is asked whether it is there. Unit: milliseconds. */
const ASK_AFTER_MS = 20_000;
const ANSWER_WITHIN_MS = 5_000;

/** Wait before a stream that the server has refused is tried again; doubles up to the second. Unit: milliseconds. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * @typedef {object} Listener
 * @property {(board: Board) => void} onState the whole picture: first, and after each reconnection
 * @property {(change: BoardChange) => void} onChange
 * @property {(connection: Connection) => void} onConnection
 */

/** Follows the desk for as long as the page is open. @param {Listener} listener */
export function follow({ onState, onChange, onConnection }) {
  let wait = FIRST_WAIT_MS;
  let receivedAt = Date.now();
  /** @type {EventSource | null} */
  let stream = null;

  const open = () => {
    stream?.close();
    const opened = new EventSource('/api/events');
    stream = opened;
    opened.addEventListener('state', ({ data }) => {
      receivedAt = Date.now();
      wait = FIRST_WAIT_MS;
      onState(JSON.parse(data));
      onConnection({ status: 'live' });
    });
    opened.addEventListener('change', ({ data }) => {
      receivedAt = Date.now();
      onChange(JSON.parse(data));
    });
    opened.addEventListener('error', () => {
      onConnection({ status: 'lost', since: receivedAt });
      // The browser makes a broken stream again by itself, but not one that was answered with an error.
      if (opened.readyState === EventSource.CLOSED) void explainRefusal();
    });
  };

  const explainRefusal = async () => {
    const why = await refusal();
    if (why !== null) onConnection({ status: 'refused', why });
    setTimeout(open, wait);
    wait = Math.min(LONGEST_WAIT_MS, 2 * wait);
  };

  // A connection whose other end vanished without a word stays open for the browser.
  setInterval(() => {
    if (stream?.readyState !== EventSource.OPEN || Date.now() - receivedAt < ASK_AFTER_MS) return;
    const asked = stream;
    fetch('/live', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: 'no-store' }).catch(() => {
      if (asked !== stream) return;
      onConnection({ status: 'lost', since: receivedAt });
      open();
    });
  }, ANSWER_WITHIN_MS);

  open();
}

/** What the server says against the picture; null where it says nothing, or would send it by now. */
async function refusal() {
  try {
    const response = await fetch('/api/state', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: 'no-store' });
    if (response.ok) return null;
    const { message, remedy } = /** @type {{ message?: string, remedy?: string }} */ (await response.json());
    return [message ?? `It answers ${response.status}.`, remedy ?? ''].join(' ');
  } catch {
    return null;
  }
}
