import { describe, expect, it } from 'vitest';
import { parseTailStart } from '../../cli/tail.ts';
import { explainOf, shellWord, tailFrom } from '../../render/suggested-commands.ts';

describe('commands that look closer', () => {
  it.each([
    ['a:BTCUSDT:LONG:1', 'a:BTCUSDT:LONG:1'],
    ['my desk:BTC/USDT', "'my desk:BTC/USDT'"],
    ["it's", "'it'\\''s'"],
    ['$(reboot) `x`', "'$(reboot) `x`'"],
    ['', "''"],
  ])('a shell reads %j back from %s', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });

  it('leaves a plain id as it is', () => {
    expect(explainOf('desk-1:BTCUSDT:LONG:1770000000000')).toBe(
      'harvestline explain desk-1:BTCUSDT:LONG:1770000000000',
    );
  });

  it.each([1_770_003_600_000, 5, Date.parse('9999-12-31T23:59:59.999Z') + 1, 8.64e15, 8.64e15 + 1])(
    'tail takes the time %d',
    (since) => {
      const start = /--from (\S+) --json$/.exec(tailFrom('position.snapshot', since))?.[1] ?? '';
      expect(parseTailStart(start)).toEqual({ kind: 'time', timestamp: Math.min(since, 999_999_999_999_999) });
    },
  );

  it('before the years that ISO 8601 has, everything', () => {
    expect(tailFrom('position.snapshot', -8e15)).toContain('--from beginning');
  });
});
