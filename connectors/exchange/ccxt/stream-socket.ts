import type { Clock } from '../../../ports/clock.ts';

/** After so long without a message the other side is asked for one. Unit: milliseconds. */
const PROBE_MS = 5000;

/** After so long without any the connection is taken for dead. Unit: milliseconds. */
const SILENT_MS = 15_000;

/** How long the opening may take. Unit: milliseconds. */
const OPENING_MS = 10_000;

export interface StreamSocketOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Closes it. */
  readonly signal: AbortSignal;
  /** What every server of the kind answers, whatever is subscribed. */
  readonly probe: string;
  readonly onOpen: (send: (message: string) => void) => void;
  /** Texts; what is no JSON comes as null. */
  readonly onMessage: (message: unknown) => void;
}

/**
 * Reads a WebSocket until it ends, and says why it did. Never throws.
 *
 * SS1  It ends by itself: a connection without messages is asked for one, and closed when none comes, since a half-open connection looks
 *      like an account in which nothing happens.
 * SS2  Once it has ended nothing is told any more.
 */
export async function readSocket(options: StreamSocketOptions): Promise<string> {
  const { url, clock, signal, probe, onOpen, onMessage } = options;
  const ended = new AbortController();
  let why = 'stopped';
  const end = (reason: string): void => {
    if (ended.signal.aborted) return;
    why = reason;
    ended.abort();
  };
  const stop = (): void => end('stopped');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let heardAt = clock.now();
  let isOpen = false;
  let socket: WebSocket;
  try {
    socket = new WebSocket(url);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : 'the address is none';
  }
  const send = (message: string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
  };
  socket.addEventListener('open', () => {
    heardAt = clock.now();
    isOpen = true;
    if (!ended.signal.aborted) onOpen(send);
  });
  socket.addEventListener('message', ({ data }: { readonly data: unknown }) => {
    heardAt = clock.now();
    if (!ended.signal.aborted) onMessage(jsonOrNull(data));
  });
  socket.addEventListener('close', ({ code }) => end(isOpen ? `closed with ${code}` : 'refused'));
  // The close that follows says all there is to say.
  socket.addEventListener('error', () => {});
  try {
    while (!ended.signal.aborted) {
      await clock.sleep(PROBE_MS, ended.signal);
      const quietMs = clock.now() - heardAt;
      if (!isOpen && quietMs >= OPENING_MS) end(`not open after ${OPENING_MS} ms`);
      else if (quietMs >= SILENT_MS) end(`silent for ${quietMs} ms`);
      else if (quietMs >= PROBE_MS) send(probe);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    socket.close();
  }
  return why;
}

function jsonOrNull(data: unknown): unknown {
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
