import { Writable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redactor, SHORTEST_SECRET } from '../../../connectors/system/redactor.ts';

/** A stream that collects its output. */
function recorder() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString() };
}

/** Forms in which a secret may appear. */
function looksOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    Buffer.from(`user:${secret}`).toString('base64'),
    Buffer.from(`us:${secret}!`).toString('base64'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
}

const secrets = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]{8,64}$/),
  fc
    .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
    .filter((text) => text.trim().length >= 8 && !/[\r\n]/.test(text)),
);

describe('SYS-1', () => {
  it('nothing that was learned is in what passes, in any of its forms', () => {
    fc.assert(
      fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = new Redactor();
        redactor.learn(secret);
        for (const look of looksOf(secret.trim())) {
          const passed = redactor.redact(`${before}${look}${after}`);
          expect(passed.replaceAll('[hidden]', '')).not.toContain(look);
        }
      }),
    );
  });

  it('each line of a key in several lines is a secret, its frame is none', () => {
    const redactor = new Redactor();
    redactor.learn('-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n');
    expect(redactor.redact('MIIEvQIBADANBgkq, hkiG9w0BAQEFAASC')).toBe('[hidden], [hidden]');
    expect(redactor.redact('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----');
  });

  it('shorter than four characters is in every text by chance, and is let through', () => {
    const redactor = new Redactor();
    redactor.learn('', 'abc', null, undefined);
    expect(redactor.redact('abc')).toBe('abc');
    redactor.learn('a'.repeat(SHORTEST_SECRET));
    expect(redactor.redact('xaaaax')).toBe('x[hidden]x');
  });

  it('takes user information, queries and signatures out of what others wrote, whoever they belong to', () => {
    const redactor = new Redactor();
    const foreign = (text: string): string => redactor.redactForeign(text);
    expect(foreign('POST https://fapi.example/fapi/v1/order?symbol=X&signature=abc failed')).toBe(
      'POST https://fapi.example/fapi/v1/order?[hidden] failed',
    );
    expect(foreign('GET http://user:pass@word@host:1/a@b?c failed')).toBe(
      'GET http://[hidden]@host:1/a@b?[hidden] failed',
    );
    expect(foreign('{"url":"http://h/?token=x","at":1}')).toBe('{"url":"http://h/?[hidden]","at":1}');
    expect(foreign('{"signature": "00ff"}')).toBe('{"signature": "[hidden]"}');
    expect(foreign('position.snapshot[3]@17, http://127.0.0.1:9464')).toBe(
      'position.snapshot[3]@17, http://127.0.0.1:9464',
    );
  });

  it('costs time in proportion to the text', () => {
    const redactor = new Redactor();
    // With quadratic time, either would take minutes.
    for (const text of ['a.'.repeat(500_000), 'http://'.repeat(150_000), 'signature '.repeat(100_000)]) {
      expect(redactor.redactForeign(text).length).toBeGreaterThan(0);
    }
  });
});

describe('SYS-2', () => {
  it('a secret that is split over writes does not pass, and all else does, in order', () => {
    const pieces = fc.array(fc.oneof(fc.constant('S3CRET-one'), fc.constant('S3CR'), fc.string(), fc.constant('\n')), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(pieces, fc.array(fc.nat({ max: 8 })), fc.boolean(), (given, cuts, asBytes) => {
        const redactor = new Redactor();
        redactor.learn('S3CRET-one');
        const { stream, text } = recorder();
        const end = redactor.guard(stream);
        const whole = given.join('');
        let rest = whole;
        for (const cut of [...cuts, whole.length]) {
          const piece = rest.slice(0, cut);
          rest = rest.slice(cut);
          stream.write(asBytes ? Buffer.from(piece, 'latin1') : piece);
        }
        end();
        const expected = redactor.redact(whole);
        expect(text()).toBe(asBytes ? Buffer.from(expected, 'latin1').toString() : expected);
      }),
    );
  });

  it('calls back, and takes every form of write that a stream has', async () => {
    const redactor = new Redactor();
    redactor.learn('S3CRET-one');
    const { stream, text } = recorder();
    redactor.guard(stream);
    await new Promise<void>((resolve) => stream.write('a S3CRET-one ', () => resolve()));
    await new Promise<void>((resolve) => stream.write('b S3CR', 'utf8', () => resolve()));
    await new Promise<void>((resolve) => stream.write(new Uint8Array(Buffer.from('ET-one c')), () => resolve()));
    await new Promise<void>((resolve) =>
      stream.write(Buffer.from('S3CRET-one').toString('hex'), 'hex', () => resolve()),
    );
    expect(text()).toBe('a [hidden] b [hidden] c[hidden]');
  });
});

it('SYS-3: while no secret is known, chunks pass as they are', () => {
  const redactor = new Redactor();
  const seen: unknown[] = [];
  const stream = { write: (chunk: unknown): boolean => seen.push(chunk) > 0 } as unknown as NodeJS.WriteStream;
  redactor.guard(stream);
  const bytes = Buffer.from([0xff, 0x00]);
  stream.write(bytes);
  expect(seen[0]).toBe(bytes);
});
