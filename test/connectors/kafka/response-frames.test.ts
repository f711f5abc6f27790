import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { Admission } from '../../../connectors/kafka/authentication.ts';
import { brokerSockets, ResponseFrames } from '../../../connectors/kafka/broker-socket.ts';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import { Encoder } from '../../../connectors/kafka/kafkajs-internals.ts';
import { VirtualClock } from '../../../ports/clock.ts';

const require = createRequire(import.meta.url);

function answer(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** The frames of a stream that arrives in pieces of those sizes in turn, each within the offered room. */
function received(stream: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const frames = new ResponseFrames();
  const given: Buffer[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const room = frames.room();
    if (room.length === 0) throw new Error('no room for what comes');
    const count = stream.copy(room, 0, at, at + Math.min(room.length, sizes[turn % sizes.length] ?? 1));
    given.push(...frames.take(count));
    at += count;
  }
  return given;
}

const aBody = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  fc.integer({ min: 65_530, max: 65_540 }).map((length) => new Uint8Array(length).fill(length)),
  fc.constant(new Uint8Array(90_000).fill(7)),
);
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 50_000 })), {
  minLength: 1,
  maxLength: 6,
});

it('KFK-13: answers are given whole, in order and once, however their bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(aBody, { maxLength: 12 }), sizes, (bodies, cuts) => {
      const wanted = bodies.map(answer);
      const given = received(Buffer.concat(wanted), cuts);
      expect(given).toHaveLength(wanted.length);
      expect(given.every((frame, index) => wanted[index]?.equals(frame))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

it.each([
  ['a TLS alert', Buffer.from([21, 3, 3, 0, 2, 2, 40])],
  ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a length below zero', Buffer.from([255, 0, 0, 0, 9])],
])('KFK-14: bytes that are no answer are given as they come: %s', (_, bytes) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 3 }), sizes, (bodies, cuts) => {
      const before = bodies.map(answer);
      const given = received(Buffer.concat([...before, bytes, bytes]), cuts);
      expect(given.slice(0, before.length)).toEqual(before);
      expect(Buffer.concat(given.slice(before.length))).toEqual(Buffer.concat([bytes, bytes]));
    }),
    { numRuns: 50 },
  );
});

it('a socket tells of each answer once, whole', async () => {
  const wanted = [answer(Buffer.alloc(2_000_000, 1)), answer(Buffer.from('two')), answer(Buffer.alloc(70_000, 3))];
  const server = createServer((socket) => socket.end(Buffer.concat(wanted))).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = brokerSockets({ admission: new Admission(new VirtualClock(0)), sasl: true });
  const socket = open({ host: '127.0.0.1', port, ssl: null as never, onConnect: () => {} });
  const given: Buffer[] = [];
  socket.on('data', (frame: Buffer) => given.push(frame));
  await once(socket, 'end');
  expect(given.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  expect(given.every((frame, index) => wanted[index]?.equals(frame))).toBe(true);
});

it('a request with room in front has the bytes of one without, whatever the room', async () => {
  fixKafkajs();
  const createRequest = require('kafkajs/src/protocol/request.js') as (options: {
    readonly correlationId: number;
    readonly clientId: string;
    readonly request: object;
  }) => Promise<Encoder>;
  const requestWith = async (room: number, size: number): Promise<Buffer> => {
    const encode = (): Promise<Encoder> => {
      const memory = Buffer.allocUnsafe(room + size);
      const encoder = new Encoder(1);
      if (room > 0) Object.assign(encoder, { front: memory.subarray(0, room), buf: memory.subarray(room) });
      for (let word = 0; word < 100; word++) encoder.writeInt32(word);
      return Promise.resolve(encoder);
    };
    const request = { apiKey: 0, apiVersion: 7, encode };
    const { buf, offset } = await createRequest({ correlationId: 5, clientId: 'a client', request });
    return buf.subarray(0, offset);
  };
  const wanted = await requestWith(0, 400);
  expect(wanted.readInt32BE(0)).toBe(wanted.length - 4);
  // Room for both, for one, for none; and an encoder that has grown beyond it.
  for (const [room, size] of [
    [512, 400],
    [22, 400],
    [20, 400],
    [3, 400],
    [512, 40],
  ] as const)
    expect(await requestWith(room, size)).toEqual(wanted);
});
