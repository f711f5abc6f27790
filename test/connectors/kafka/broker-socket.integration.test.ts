import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type ConnectionOptions, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Admission } from '../../../connectors/kafka/authentication.ts';
import { brokerSockets } from '../../../connectors/kafka/broker-socket.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { certificate } from '../../tools/kafka/certificates.ts';

const authority = certificate({ name: 'authority' });
const other = certificate({ name: 'another authority' });

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function withTls(options: Parameters<typeof certificate>[0]): Promise<number> {
  const { cert, key } = certificate(options);
  const server = createTlsServer({ cert, key }, (socket) => socket.on('error', () => {}).write('hello'));
  return listening(server.on('tlsClientError', () => {}));
}

/** The code of a connection's error, or that a first byte came from the broker. */
function tryOnce(
  factory: ReturnType<typeof brokerSockets>,
  port: number,
  ssl: ConnectionOptions | null,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  // As kafkajs calls it.
  const given = ssl as ConnectionOptions;
  const socket: Socket = factory({ host: '127.0.0.1', port, ssl: given, onConnect: () => {} });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''));
  socket.on('data', () => {
    if (!socket.destroyed) resolve('let in');
  });
  socket.on('end', () => resolve('closed'));
  // A listener that wants SASL closes on any other request.
  socket.write('a request');
  return promise.finally(() => socket.destroy());
}

function sockets({ clock = new VirtualClock(0), sasl = true } = {}) {
  return brokerSockets({ admission: new Admission(clock), sasl });
}

describe('KFK-10: an untrusted certificate', () => {
  it.each([
    ['unknown', { name: 'broker', by: other }, authority.cert],
    ['its own', { name: 'broker' }, authority.cert],
    ['expired', { name: 'broker', by: authority, expired: true }, authority.cert],
    ['of another host', { name: 'broker', by: authority, addresses: [{ dns: 'elsewhere' }] }, authority.cert],
    ['of no authority that Node knows', { name: 'broker', by: authority }, undefined],
  ])('%s: final at the start', async (_, options, ca) => {
    const port = await withTls(options);
    expect(await tryOnce(sockets(), port, ca === undefined ? {} : { ca })).toBe('BROKER_CERTIFICATE');
  });

  it('while it is rotated it is an outage, half a minute long; KFK-11: the file is read for each connection', async () => {
    const clock = new VirtualClock(0);
    const factory = sockets({ clock });
    const port = await withTls({ name: 'broker', by: authority });
    let trusted = authority.cert;
    const tls = {
      get ca() {
        return trusted;
      },
    };
    const connect = (): Promise<string> => tryOnce(factory, port, tls);
    expect(await connect()).toBe('let in');
    trusted = other.cert;
    expect(await connect()).toBe('BROKER_AWAY');
    trusted = authority.cert;
    expect(await connect()).toBe('let in');
    trusted = other.cert;
    expect(await connect()).toBe('BROKER_AWAY');
    clock.set(30_000);
    expect(await connect()).toBe('BROKER_CERTIFICATE');
  });

  it('files that are no certificates are final', async () => {
    const port = await withTls({ name: 'broker', by: authority });
    expect(await tryOnce(sockets(), port, { ca: 'the authority' })).toBe('BROKER_CERTIFICATE');
  });
});

const WITH_SASL = 33;
const WITHOUT_SASL = 34;

/** A listener of Kafka's without TLS: it answers SaslHandshake with this error code and nothing else. */
function kafkaListener(errorCode: number): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      // SaslHandshake.
      if (bytes.length < 8 || bytes.readInt16BE(4) !== 17) {
        socket.destroy();
        return;
      }
      const answer = Buffer.alloc(14);
      answer.writeInt32BE(10);
      bytes.copy(answer, 4, 8, 12);
      answer.writeInt16BE(errorCode, 8);
      socket.write(answer);
    });
  });
  return listening(server);
}

describe('KFK-12: a listener that expects another protocol', () => {
  it.each([
    ['without TLS where TLS is configured', { sasl: true }, WITHOUT_SASL, { ca: authority.cert }],
    ['with SASL where none is configured', { sasl: false }, WITH_SASL, null],
  ])('is probed: %s', async (_, options, answer, tls) => {
    const factory = sockets(options);
    const port = await kafkaListener(answer);
    await vi.waitFor(async () => expect(await tryOnce(factory, port, tls)).toBe('BROKER_LISTENER'));
  });

  it('that only closes the connection is an outage, however often', async () => {
    const port = await listening(createServer((socket) => socket.on('error', () => {}).destroy()));
    const factory = sockets({ sasl: false });
    const ends = new Set<string>();
    for (let tries = 0; tries < 10; tries++) ends.add(await tryOnce(factory, port, { ca: authority.cert }));
    expect(ends).not.toContain('BROKER_LISTENER');
    expect(ends).not.toContain('BROKER_CERTIFICATE');
  });

  it('that wants TLS is recognised by its first bytes', async () => {
    const port = await listening(
      createServer((socket) => socket.on('error', () => {}).write(Buffer.from([21, 3, 3, 0, 2, 2, 80]))),
    );
    expect(await tryOnce(sockets(), port, null)).toBe('BROKER_LISTENER');
  });
});
