/**
 * Sockets to brokers, and what they tell when a broker is there but not to be talked to. kafkajs takes over the `code` of a socket's error;
 * broker-errors.ts goes by it.
 *
 * KFK-10  A certificate that is not trusted, on either side, is BROKER_CERTIFICATE; BROKER_AWAY while it may be being rotated (authentication.ts).
 * KFK-11  The files of certificates are read for each connection: `tls` may have getters.
 * KFK-12  A listener that speaks otherwise than configured (TLS, SASL) just closes the connection, as one does that goes away. So it is
 *      asked what it speaks, and only its own answer is BROKER_LISTENER.
 */
import { Socket, connect as connectPlain, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Admission } from './authentication.ts';

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
      // KFK-10.
      else if (UNTRUSTED.test(code)) Object.assign(error, untrusted(address, error, admission.refuse(address)));
      else if (tls !== null && socket.bytesRead === 0) look({ host, port }, tls);
    });
    // KFK-12: it is the other side that closes.
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

interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a listener of a Kafka broker speaks; null where nobody answered as one would. */
type Speech = { readonly tls: boolean; readonly sasl: boolean } | null;

/** A broker that is there answers such a question at once. Unit: milliseconds. */
const ANSWER_MS = 3000;

/** SaslHandshake of version 1, for a mechanism that does not exist: a listener with SASL and one without refuse it differently. */
const QUESTION = request(17, 1, 'none');

/** UNSUPPORTED_SASL_MECHANISM, of a listener with SASL; ILLEGAL_SASL_STATE, of one without. */
const WITH_SASL = 33;
const WITHOUT_SASL = 34;

/** Asks a listener, plainly and, where `tls` is given, over TLS as well. Rejects where the files of TLS cannot be used. */
async function speechOf(place: Place, tls: ConnectionOptions | null): Promise<Speech> {
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

/**
 * The answers of one connection, each read into memory of its own size, so that nothing of megabytes that come in pieces is copied. In front
 * of each stands its length, in 4 bytes.
 *
 * KFK-13  However their bytes are cut, answers are given whole, in order and once, with their length, in memory that is not used again.
 * KFK-14  A length that no answer has is of somebody who does not speak Kafka: from there on bytes are given as they come, and as little memory
 *      is taken for them.
 */

/** What small answers are read into, many at once. Unit: bytes. */
const SHARED_BYTES = 64 * 1024;

const LENGTH_BYTES = 4;

/** Above what a broker gives in one answer; what TLS and HTTP begin with is above it, too. Unit: bytes. */
const LARGEST_BYTES = 300 * 1024 * 1024;

export class ResponseFrames {
  readonly #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  /** How much of a length has come. Unit: bytes. */
  #held = 0;
  /** An answer of which a part has come. */
  #begun: Buffer | null = null;
  #filled = 0;
  /** KFK-14: what the next bytes go to. */
  #foreign: Buffer | null = null;

  /** Where the next bytes go. */
  room(): Buffer {
    return this.#foreign ?? this.#begun?.subarray(this.#filled) ?? this.#shared.subarray(this.#held);
  }

  /** What is whole with the `count` bytes that have come there. */
  take(count: number): readonly Buffer[] {
    if (this.#foreign !== null) return [this.#giveForeign(this.#foreign, count)];
    if (this.#begun === null) return this.#cut(this.#held + count);
    this.#filled += count;
    if (this.#filled < this.#begun.length) return [];
    const whole = this.#begun;
    this.#begun = null;
    return [whole];
  }

  /** Of the shared memory up to `end`. */
  #cut(end: number): readonly Buffer[] {
    const shared = this.#shared;
    const whole: Buffer[] = [];
    let at = 0;
    while (end - at >= LENGTH_BYTES) {
      const size = LENGTH_BYTES + shared.readInt32BE(at);
      if (size < LENGTH_BYTES || size > LARGEST_BYTES) {
        whole.push(this.#giveForeign(shared.subarray(at), end - at));
        return whole;
      }
      if (size > end - at) {
        this.#begun = Buffer.allocUnsafeSlow(size);
        this.#filled = shared.copy(this.#begun, 0, at, end);
        this.#held = 0;
        return whole;
      }
      whole.push(Buffer.from(shared.subarray(at, at + size)));
      at += size;
    }
    this.#held = shared.copy(shared, 0, at, end);
    return whole;
  }

  #giveForeign(bytes: Buffer, count: number): Buffer {
    this.#foreign = Buffer.allocUnsafeSlow(SHARED_BYTES);
    return bytes.subarray(0, count);
  }
}
