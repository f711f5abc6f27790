import { describe, expect, it } from 'vitest';
import { type OutputStream, LineWriter, jsonWanted, shellWord } from '../../render/output.ts';
import { brokenPipe, streamTo } from '../fixtures/captured-output.ts';

describe('LineWriter', () => {
  it('writes every line once, in order, in few chunks', async () => {
    let chunks = 0;
    let text = '';
    const stream = streamTo((chunk, done) => {
      chunks += 1;
      text += chunk;
      done();
    });
    const writer = new LineWriter(stream);
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} ${'x'.repeat(50)}`);
    for (const line of lines) await writer.write(line);
    await writer.flush();
    expect(text).toBe(`${lines.join('\n')}\n`);
    expect(chunks).toBeLessThan(10);
  });

  it('makes the caller wait until the reader has taken the chunk', async () => {
    let take: (() => void) | undefined;
    const writer = new LineWriter(streamTo((_chunk, done) => (take = done)));
    let taken = false;
    const full = writer.write('x'.repeat(100_000))?.then(() => (taken = true));
    await Promise.resolve();
    expect(full).toBeDefined();
    expect(taken).toBe(false);
    take?.();
    await full;
    expect(taken).toBe(true);
  });

  it('takes a reader that goes away as the end, not as an error', async () => {
    const writer = new LineWriter(streamTo((_chunk, done) => done(brokenPipe())));
    await writer.write('a');
    expect(writer.closed).toBe(false);
    await writer.flush();
    expect(writer.closed).toBe(true);
    await writer.write('b'.repeat(100_000));
    await writer.flush();
  });

  it('reports any other failure', async () => {
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const writer = new LineWriter(streamTo((_chunk, done) => done(full)));
    await writer.write('a');
    await expect(writer.flush()).rejects.toThrow('no space left');
  });
});

describe('jsonWanted', () => {
  it('is NDJSON in a pipe or when asked for, else for people', () => {
    const pipe: OutputStream = streamTo((_chunk, done) => done());
    const terminal: OutputStream = Object.assign(
      streamTo((_chunk, done) => done()),
      { isTTY: true },
    );
    expect(jsonWanted({}, pipe)).toBe(true);
    expect(jsonWanted({}, terminal)).toBe(false);
    expect(jsonWanted({ json: true }, terminal)).toBe(true);
  });
});

it.each([
  ['a:BTCUSDT:LONG:1', 'a:BTCUSDT:LONG:1'],
  ['my desk:BTC/USDT', "'my desk:BTC/USDT'"],
  ["it's", "'it'\\''s'"],
  ['$(reboot) `x`', "'$(reboot) `x`'"],
  ['', "''"],
])('a shell reads %j back from %s', (text, word) => {
  expect(shellWord(text)).toBe(word);
});
