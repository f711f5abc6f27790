import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { hanging, sideBySide, together, wrapped } from '../../render/terminal-text.ts';

it('REN-4: what a stranger wrote is shown when it is wrapped, a line break and an escape too', () => {
  const lines = wrapped('symbol a\nb and \u001B[2J\u009B31m end', 80);
  expect(lines).toEqual(['symbol a\\u000ab and \\u001b[2J\\u009b31m end']);
  expect(hanging('position  ', 'x\u001B]8;;http://x\u0007y', 80)).toEqual(['position  x\\u001b]8;;http://x\\u0007y']);
});

it('no line is wider than asked, unless a single word is, and no word is lost or broken', () => {
  const words = fc.array(fc.stringMatching(/^[a-z本é👍]{1,9}$/u), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 60 }), fc.integer({ min: 0, max: 8 }), (texts, width, indent) => {
      const text = texts.map((word) => word.normalize()).join(' ');
      const lines = [...wrapped(text, width), ...hanging('head  ', text, width, indent)];
      const longest = Math.max(...texts.map((word) => stringWidth(word)));
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(width, longest + indent + 6));
      expect(wrapped(text, width).join(' ')).toBe(text);
      expect(hanging('head  ', text, width, indent).join(' ').split(/ +/).join(' ')).toBe(`head ${text}`);
    }),
  );
});

it('words that belong together stay on one line', () => {
  expect(hanging('', `one two ${together('3 of 4')} five`, 10)).toEqual(['one two', '3 of 4', 'five']);
});

it('the lines after the first are indented as asked', () => {
  expect(hanging('09:30  ', 'aaa bbb ccc', 12, 3)).toEqual(['09:30  aaa', '   bbb ccc']);
  expect(hanging('', 'aaa bbb', 5, 2)).toEqual(['aaa', '  bbb']);
});

it('blocks beside each other are aligned by columns, not by code units', () => {
  expect(
    sideBySide(
      [
        ['日本', 'a'],
        ['x', 'y'],
      ],
      ' ',
    ),
  ).toEqual(['日本 x', 'a    y']);
});
