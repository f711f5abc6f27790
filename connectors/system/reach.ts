import { connect } from 'node:net';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Reach } from '../../ports/desk-probe.ts';

/** An address on the same continent takes a connection in well under a second. Unit: milliseconds. */
const CONNECT_MS = 3000;

/** Connects and closes again, without sending anything. */
export function reach(host: string, port: number): Promise<Reach> {
  const { promise, resolve } = Promise.withResolvers<Reach>();
  const socket = connect({ host, port });
  const end = (trouble: string | null): void => {
    socket.destroy();
    resolve({ address: `${host}:${port}`, trouble });
  };
  socket.setTimeout(CONNECT_MS, () => end(`no connection within ${CONNECT_MS / 1000} s`));
  socket.once('connect', () => end(null));
  // A name with several addresses gives an error of errors, without a message.
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? messageOf(error)));
  return promise;
}
