import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { guardStream, oneLine, printable, replaceLine, shown, writePast } from '../../render/terminal.ts';

/** All that a terminal obeys, or that changes what is seen, without line breaks. */
// oxlint-disable-next-line no-control-regex, no-misleading-character-class -- it is about them
const OBEYED = /[\0-\u0009\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]/;

/** Text with more of what matters than chance would bring. */
const FOREIGN = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001B',
      '\u001B[31m',
      '\u001B[8m',
      '\u009B',
      '\u0007',
      '\u202E',
      '\u200B',
      '\uFEFF',
      '\u2028',
      '\uD800',
    ),
    fc.constantFrom('\n', '\r', '\t', '"', '\\', 'é', '😀', '}'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
});

function terminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream & PassThrough;
  return { stream, text: () => String(stream.read() ?? '') };
}

describe('REN-1: whatever is written', () => {
  it('comes out as text that no terminal obeys', () => {
    fc.assert(
      fc.property(FOREIGN, (text) => {
        expect(shown(text)).not.toMatch(OBEYED);
        expect(shown(shown(text))).toBe(shown(text));
        expect(oneLine(text)).not.toContain('\n');
        expect(printable(text)).not.toMatch(OBEYED);
        expect(printable(text)).not.toContain('\n');
      }),
    );
  });

  it.each([
    ['\u001B]52;c;ZXZpbA==\u0007', String.raw`\u001b]52;c;ZXZpbA==\u0007`],
    ['a\u202Eb\u200Bc\uFEFF', String.raw`a\u202eb\u200bc\ufeff`],
    ['\u0085\u009B', String.raw`\u0085\u009b`],
    ['a\r\nb\t', 'a\\u000d\nb\\u0009'],
    // A tag character, which is beyond the basic plane, and a lone surrogate.
    ['\u{E0041}\uD800', String.raw`\udb40\udc41\ud800`],
    ['äöü€😀 → █', 'äöü€😀 → █'],
  ])('%j', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it('also bytes, a character cut between two writes too, and what has an encoding of its own', () => {
    const { stream, text } = terminal();
    guardStream(stream);
    stream.write(Buffer.from([0x61, 0xe2, 0x80]));
    stream.write(Buffer.from([0xae, 0x62]));
    stream.write('1b', 'hex');
    expect(text()).toBe(String.raw`a\u202eb\u001b`);
  });

  it('but not what goes past on purpose', () => {
    const { stream } = terminal();
    guardStream(stream);
    stream.write('\u001B[?25l');
    expect(String(stream.read())).toBe('\u001B[?25l');
    stream.write('x\u001B[?25l');
    expect(String(stream.read())).toBe('x\\u001b[?25l');
    writePast(stream, Buffer.from([0xff, 0x1b]));
    expect([...(stream.read() as Buffer)]).toEqual([0xff, 0x1b]);
    replaceLine(stream, 'topic\u001B[8m\n');
    expect(String(stream.read())).toBe('\u001B[G\u001B[2Ktopic\\u001b[8m\\u000a');
  });
});

describe('REN-2: a line of JSON', () => {
  it('stays one, with the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(FOREIGN, FOREIGN), (value) => {
        const line = shown(oneLine(JSON.stringify(value)));
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('REN-3: colours', () => {
  it('of this program pass, whole also where one ends inside another, and those of others do not', async () => {
    vi.stubEnv('FORCE_COLOR', '1');
    vi.stubEnv('NO_COLOR', undefined);
    vi.resetModules();
    try {
      const { pc, ...own } = await import('../../render/terminal.ts');
      const { plainTable } = await import('../../render/tables.ts');
      expect(own.shown(pc.red(`a${pc.green('b')}c\u001B[31m`))).toBe(
        '\u001B[31ma\u001B[32mb\u001B[39m\u001B[31mc\\u001b[31m\u001B[39m',
      );
      const [head, row] = plainTable([{ head: 'h' }, { head: 'i' }], [[pc.bold('x\n'), '\u001B[7m']]);
      expect(own.shown(head ?? '')).toBe('\u001B[1mh\u001B[22m        \u001B[1mi\u001B[22m');
      expect(own.shown(row ?? '')).toBe('\u001B[1mx\\u000a\u001B[22m  \\u001b[7m');
      // The mark is drawn anew in every process: what one process wrote is foreign to the next.
      const before = pc.red('x');
      vi.resetModules();
      const next = await import('../../render/terminal.ts');
      expect(next.shown(before)).not.toContain('\u001B');
    } finally {
      vi.unstubAllEnvs();
      vi.resetModules();
    }
  });
});
