/**
 * Sockets to brokers. They detect untrusted certificates and listeners that expect another protocol, and cut the byte stream into whole
 * responses. The findings reach broker-errors.ts by the `code` of a socket's error, which kafkajs keeps.
 *
 * KFK-10  An untrusted certificate, on either side, is BROKER_CERTIFICATE, or BROKER_AWAY while it may be rotated (authentication.ts).
 * KFK-11  Certificate files are read for each connection, by the getters of `tls`.
 * KFK-12  A listener that expects another protocol (TLS, SASL) just closes the connection, like a broker that goes down. So it is asked by a
 *         probe, and only an answer to that is BROKER_LISTENER.
 */
import { Socket, connect as connectPlain, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Admission } from './authentication.ts';

/** Detects a dead peer behind a silent firewall. Unit: milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Codes of Node and OpenSSL for an untrusted certificate, and for the peer's alert that it does not trust ours. Its internal errors are not among them. */
const UNTRUSTED =
  /^(?:UNABLE_TO_|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_|ERR_SSL_.*(?:ALERT(?!_(?:INTERNAL_ERROR|USER_CANCELL?ED))|KEY|CERT))/;

/** OpenSSL's codes for a peer that does not speak TLS. */
const NO_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST)$/;

/** What a failed TLS handshake means; null: no more than that the broker is not there. */
export function tlsFailure(code: string | undefined): 'BROKER_CERTIFICATE' | 'BROKER_LISTENER' | null {
  if (code === undefined) return null;
  return NO_TLS.test(code) ? 'BROKER_LISTENER' : UNTRUSTED.test(code) ? 'BROKER_CERTIFICATE' : null;
}

interface SocketOptions {
  /** Decides whether an untrusted certificate is final or being rotated. */
  readonly admission: Admission;
  /** True where SASL follows on the connection. */
  readonly sasl: boolean;
}

/** The socket factory of kafkajs's clients. Without Nagle's delay, so that small requests leave at once. */
export function brokerSockets({ admission, sasl }: SocketOptions): ISocketFactory {
  /** By address: how the protocol of a listener differs from the configured one. */
  const answers = new Map<string, string>();
  const probe = (place: Place, tls: ConnectionOptions | null): void => {
    const take = (protocol: ListenerProtocol): void => {
      const why = mismatch(protocol, { tls: tls !== null, sasl });
      if (why === null) answers.delete(addressOf(place));
      else answers.set(addressOf(place), why);
    };
    probeListener(place, tls).then(take, () => take(null));
  };
  return ({ host, port, ssl, onConnect }) => {
    // kafkajs passes null where TLS is not configured, against its types.
    const tls = ssl as ConnectionOptions | null;
    const address = addressOf({ host, port });
    const answer = answers.get(address);
    if (answer !== undefined) {
      // The listener may have been reconfigured since.
      probe({ host, port }, tls);
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
    // No limit: each request that waits for a slow connection adds a listener.
    socket.setMaxListeners(0);
    // Registered before kafkajs's own listeners, so that these see the changed errors. A byte from the broker proves that it lets us in.
    socket.once('data', (bytes: Buffer) => {
      if (tls === null && isTlsAlert(bytes)) socket.destroy(coded('BROKER_LISTENER', `${address} wants TLS`));
      else admission.admit(address);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (NO_TLS.test(code)) Object.assign(error, coded('BROKER_LISTENER', `${address} speaks no TLS`));
      // KFK-10.
      else if (UNTRUSTED.test(code)) Object.assign(error, untrusted(address, error, admission.refuse(address)));
      else if (tls !== null && socket.bytesRead === 0) probe({ host, port }, tls);
    });
    // KFK-12. Only where the broker closes the connection.
    socket.once('end', () => {
      if (!socket.writableEnded && !sasl) probe({ host, port }, tls);
    });
    return socket;
  };
}

/** A plain socket that emits one `data` event for each whole response, so that kafkajs has nothing to reassemble. */
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

/** Asks a listener (KFK-12) how its protocol differs from the one that is wanted; null: it does not, or nobody answered. */
export async function askListener(
  place: Place,
  { tls, sasl }: { readonly tls: ConnectionOptions | null; readonly sasl: boolean },
): Promise<string | null> {
  return mismatch(await probeListener(place, tls), { tls: tls !== null, sasl });
}

/** How the protocol of a listener differs from the configured one; null where it does not, or where nobody answered. */
function mismatch(
  protocol: ListenerProtocol,
  wanted: { readonly tls: boolean; readonly sasl: boolean },
): string | null {
  if (protocol === null) return null;
  if (protocol.tls !== wanted.tls) return protocol.tls ? 'wants TLS' : 'speaks no TLS';
  return protocol.sasl && !wanted.sasl ? 'wants SASL' : null;
}

function untrusted(address: string, error: NodeJS.ErrnoException, forGood: boolean): { code: string; message: string } {
  // OpenSSL's own message contains positions in its source.
  const why = 'reason' in error ? String(error.reason) : error.message.split(';')[0];
  const message = `${address}: ${why} (${error.code ?? ''})`;
  return forGood
    ? { code: 'BROKER_CERTIFICATE', message }
    : { code: 'BROKER_AWAY', message: `${message}; it was trusted before, so certificates may be about to change` };
}

/** A socket that fails as soon as kafkajs adds its listeners. */
function failing(code: string, message: string): Socket {
  return new Socket().destroy(coded(code, message));
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** True for a TLS record of type 21 (alert), version 3.x. */
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

/** The protocol that a listener expects; null where nothing answered like a Kafka broker. */
type ListenerProtocol = { readonly tls: boolean; readonly sasl: boolean } | null;

/** A running broker answers a probe at once. Unit: milliseconds. */
const ANSWER_MS = 3000;

/** The probe: SaslHandshake version 1 for a mechanism that does not exist. Listeners with and without SASL refuse it by different codes. */
const PROBE = request(17, 1, 'none');

/** UNSUPPORTED_SASL_MECHANISM comes from a listener with SASL, ILLEGAL_SASL_STATE from one without. */
const WITH_SASL = 33;
const WITHOUT_SASL = 34;

/** Probes a listener without TLS and, where `tls` is given, with it. Rejects where the TLS files cannot be used. */
async function probeListener(place: Place, tls: ConnectionOptions | null): Promise<ListenerProtocol> {
  const plain = await ask(connectPlain(place));
  if (plain === 'alert') {
    if (tls === null) return { tls: true, sasl: false };
  } else if (plain !== null) return { tls: false, sasl: plain === WITH_SASL };
  if (tls === null) return null;
  const name = isIP(place.host) === 0 ? { servername: place.host } : {};
  const secured = await ask(connectTls({ ...place, ...name, ...tls }));
  return secured === null || secured === 'alert' ? null : { tls: true, sasl: secured === WITH_SASL };
}

/** The error code of the answer, or `alert` for a TLS alert. */
function ask(socket: Socket): Promise<number | 'alert' | null> {
  const { promise, resolve } = Promise.withResolvers<number | 'alert' | null>();
  let answer = Buffer.alloc(0);
  // The probe does not keep the process alive.
  socket.unref();
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  socket.on('error', () => {});
  socket.on('close', () => resolve(null));
  socket.on('data', (bytes: Buffer) => {
    answer = Buffer.concat([answer, bytes]);
    if (answer[0] === 21 && answer[1] === 3) resolve('alert');
    else if (answer.length < 10) return;
    else {
      // Length, correlation id, error code.
      const code = answer.readInt32BE(4) === 0 ? answer.readInt16BE(8) : null;
      resolve(code === WITH_SASL || code === WITHOUT_SASL ? code : null);
    }
    socket.destroy();
  });
  socket.write(PROBE);
  return promise;
}

/** A request with correlation id 0 and without a client id, whose body is one string. */
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

/** The size of the buffer that small responses are read into. Unit: bytes. */
const SHARED_BYTES = 64 * 1024;

const LENGTH_BYTES = 4;

/** Above the size of any response, and below the length that the first bytes of TLS or HTTP would be. Unit: bytes. */
const LARGEST_BYTES = 300 * 1024 * 1024;

/**
 * The responses of one connection, each preceded by its length in 4 bytes. A response that arrives in pieces is read into a buffer of its
 * own size, so that megabytes are not copied.
 *
 * KFK-13  However the bytes are cut, responses are returned whole, in order and once, with their length, in memory that is not reused.
 * KFK-14  An impossible length means that the peer does not speak Kafka: from then on bytes are returned as they arrive, in small buffers.
 */
export class ResponseFrames {
  readonly #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  /** The bytes of an incomplete length at the start of `#shared`. */
  #held = 0;
  /** A response that has arrived in part, and how much of it. */
  #begun: Buffer | null = null;
  #filled = 0;
  /** The buffer of a peer that does not speak Kafka (KFK-14). */
  #foreign: Buffer | null = null;

  /** The memory to read the next bytes into. */
  room(): Buffer {
    return this.#foreign ?? this.#begun?.subarray(this.#filled) ?? this.#shared.subarray(this.#held);
  }

  /** The responses that are complete once `count` bytes were read into `room()`. */
  take(count: number): readonly Buffer[] {
    if (this.#foreign !== null) return [this.#giveForeign(this.#foreign, count)];
    if (this.#begun === null) return this.#cut(this.#held + count);
    this.#filled += count;
    if (this.#filled < this.#begun.length) return [];
    const whole = this.#begun;
    this.#begun = null;
    return [whole];
  }

  /** Cuts the shared buffer up to `end`. */
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
