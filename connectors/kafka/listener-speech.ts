import { type Socket, connect as connectPlain, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a listener of a Kafka broker speaks; null where nobody answered as one would. */
export type Speech = { readonly tls: boolean; readonly sasl: boolean } | null;

/** A broker that is there answers such a question at once. Unit: milliseconds. */
const ANSWER_MS = 3000;

/** SaslHandshake of version 1, for a mechanism that does not exist: a listener with SASL and one without refuse it differently. */
const QUESTION = request(17, 1, 'none');

/** UNSUPPORTED_SASL_MECHANISM, of a listener with SASL; ILLEGAL_SASL_STATE, of one without. */
const WITH_SASL = 33;
const WITHOUT_SASL = 34;

/** Asks a listener, plainly and, where `tls` is given, over TLS as well. Rejects where the files of TLS cannot be used. */
export async function speechOf(place: Place, tls: ConnectionOptions | null): Promise<Speech> {
  const plain = await ask(connectPlain(place));
  if (plain === 'alert') {
    if (tls === null) return { tls: true, sasl: false };
  } else if (plain !== null) return { tls: false, sasl: plain === WITH_SASL };
  if (tls === null) return null;
  const name = isIP(place.host) === 0 ? { servername: place.host } : {};
  const secured = await ask(connectTls({ ...place, ...name, ...tls }));
  return secured === null || secured === 'alert' ? null : { tls: true, sasl: secured === WITH_SASL };
}

/** The error code of the answer, or that it is an alert of TLS. */
function ask(socket: Socket): Promise<number | 'alert' | null> {
  const { promise, resolve } = Promise.withResolvers<number | 'alert' | null>();
  let answer = Buffer.alloc(0);
  // Nothing waits for it when the process ends.
  socket.unref();
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  socket.on('error', () => {});
  socket.on('close', () => resolve(null));
  socket.on('data', (bytes: Buffer) => {
    answer = Buffer.concat([answer, bytes]);
    if (answer[0] === 21 && answer[1] === 3) resolve('alert');
    else if (answer.length < 10) return;
    else {
      // Length, number of the request, error code.
      const code = answer.readInt32BE(4) === 0 ? answer.readInt16BE(8) : null;
      resolve(code === WITH_SASL || code === WITHOUT_SASL ? code : null);
    }
    socket.destroy();
  });
  socket.write(QUESTION);
  return promise;
}

/** A request number 0 without a client id, whose body is one text. */
function request(apiKey: number, apiVersion: number, text: string): Buffer {
  const bytes = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 2 + text.length);
  let at = bytes.writeInt32BE(bytes.length - 4, 0);
  for (const value of [apiKey, apiVersion]) at = bytes.writeInt16BE(value, at);
  at = bytes.writeInt32BE(0, at);
  at = bytes.writeInt16BE(-1, at);
  at = bytes.writeInt16BE(text.length, at);
  bytes.write(text, at);
  return bytes;
}
