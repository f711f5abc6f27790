/**
 * Sockets to brokers, and what they tell when a broker is there but not to be talked to. kafkajs takes over the `code` of a socket's error;
 * broker-errors.ts goes by it.
 *
 * BS1  A certificate that is not trusted, on either side, is BROKER_CERTIFICATE; BROKER_AWAY while it may be being rotated (admission.ts).
 * BS2  The files of certificates are read for each connection: `tls` may have getters.
 * BS3  A listener that speaks otherwise than configured (TLS, SASL) just closes the connection, as one does that goes away. So it is
 *      asked what it speaks, and only its own answer is BROKER_LISTENER.
 */
import { Socket, connect as connectPlain, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Admission } from './admission.ts';
import { type Place, type Speech, speechOf } from './listener-speech.ts';
import { ResponseFrames } from './response-frames.ts';

/** Finds a dead peer behind a silent firewall. Unit: milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Node's and OpenSSL's names for a certificate that is not trusted, and for the peer's word that it does not trust ours; its own trouble is none. */
const UNTRUSTED =
  /^(?:UNABLE_TO_|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_|ERR_SSL_.*(?:ALERT(?!_(?:INTERNAL_ERROR|USER_CANCELL?ED))|KEY|CERT))/;

/** The first bytes of what is no TLS were taken for TLS. */
const NO_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST)$/;

/** Where certificates are not trusted for good, or only until their rotation is over. */
export interface SocketOptions {
  readonly admission: Admission;
  /** Whether SASL follows. */
  readonly sasl: boolean;
}

/** kafkajs's own sockets, but without Nagle's delay: small requests leave at once. */
export function brokerSockets({ admission, sasl }: SocketOptions): ISocketFactory {
  /** What listeners answered that speak otherwise, by address. */
  const answers = new Map<string, string>();
  const look = (place: Place, tls: ConnectionOptions | null): void => {
    const take = (speech: Speech): void => {
      const why = mismatch(speech, { tls: tls !== null, sasl });
      if (why === null) answers.delete(addressOf(place));
      else answers.set(addressOf(place), why);
    };
    speechOf(place, tls).then(take, () => take(null));
  };
  return ({ host, port, ssl, onConnect }) => {
    // kafkajs passes null where none was configured, whatever its types say.
    const tls = ssl as ConnectionOptions | null;
    const address = addressOf({ host, port });
    const answer = answers.get(address);
    if (answer !== undefined) {
      // It may have been mended meanwhile.
      look({ host, port }, tls);
      return failing('BROKER_LISTENER', `${address} ${answer}`);
    }
    let socket: Socket;
    try {
      const name = isIP(host) === 0 ? { servername: host } : {};
      socket =
        tls === null
          ? connectByFrames({ host, port }, onConnect)
          : connectTls({ host, port, ...name, ...tls }, onConnect);
    } catch (thrown) {
      return failing('BROKER_CERTIFICATE', `the files of KAFKA_TLS_… cannot be used: ${messageOf(thrown)}`);
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    // Each request that waits for a slow connection listens for it: a broker that starts can have many.
    socket.setMaxListeners(0);
    // Before kafkajs listens, so that it hears what these make of it. A byte of the broker's proves that it lets us in.
    socket.once('data', (bytes: Buffer) => {
      if (tls === null && isTlsAlert(bytes)) socket.destroy(coded('BROKER_LISTENER', `${address} wants TLS`));
      else admission.admit(address);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (NO_TLS.test(code)) Object.assign(error, coded('BROKER_LISTENER', `${address} speaks no TLS`));
      // BS1.
      else if (UNTRUSTED.test(code)) Object.assign(error, untrusted(address, error, admission.refuse(address)));
      else if (tls !== null && socket.bytesRead === 0) look({ host, port }, tls);
    });
    // BS3: it is the other side that closes.
    socket.once('end', () => {
      if (!socket.writableEnded && !sasl) look({ host, port }, tls);
    });
    return socket;
  };
}

/** Tells of each answer by one event `data`: what of kafkajs listens has nothing to put together. */
function connectByFrames(place: Place, onConnect: () => void): Socket {
  const frames = new ResponseFrames();
  const socket = connectPlain(
    {
      ...place,
      onread: {
        buffer: () => frames.room(),
        callback: (count) => {
          for (const frame of frames.take(count)) socket.emit('data', frame);
          return true;
        },
      },
    },
    onConnect,
  );
  return socket;
}

/** How what a listener speaks differs from what is wanted; null where it does not, or nothing is known. */
function mismatch(speech: Speech, wanted: { readonly tls: boolean; readonly sasl: boolean }): string | null {
  if (speech === null) return null;
  if (speech.tls !== wanted.tls) return speech.tls ? 'wants TLS' : 'speaks no TLS';
  return speech.sasl && !wanted.sasl ? 'wants SASL' : null;
}

function untrusted(address: string, error: NodeJS.ErrnoException, forGood: boolean): { code: string; message: string } {
  // OpenSSL's own message is full of its source.
  const why = 'reason' in error ? String(error.reason) : error.message.split(';')[0];
  const message = `${address}: ${why} (${error.code ?? ''})`;
  return forGood
    ? { code: 'BROKER_CERTIFICATE', message }
    : { code: 'BROKER_AWAY', message: `${message}; it was trusted before, so certificates may be about to change` };
}

/** A socket that fails as soon as kafkajs listens to it. */
function failing(code: string, message: string): Socket {
  return new Socket().destroy(coded(code, message));
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A record of type 21 (alert), version 3.x. */
function isTlsAlert(bytes: Buffer): boolean {
  return bytes[0] === 21 && bytes[1] === 3;
}

function addressOf({ host, port }: Place): string {
  return `${host}:${port}`;
}
