import { describe, expect, it } from 'vitest';
import { parseTailStart } from '../../../cli/tail/tail-start.ts';

describe('--from', () => {
  it.each([
    ['beginning', { kind: 'beginning' }],
    ['latest', { kind: 'latest' }],
    ['0', { kind: 'offset', offset: 0 }],
    ['99999999999', { kind: 'offset', offset: 99_999_999_999 }],
    ['100000000000', { kind: 'time', timestamp: 100_000_000_000 }],
    ['1770003600000', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T03:40:00Z', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T05:40:00+02:00', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02T03:40:00', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02 03:40', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02t05:40+0200', { kind: 'time', timestamp: 1_770_003_600_000 }],
    ['2026-02-02', { kind: 'time', timestamp: 1_769_990_400_000 }],
    ['3:17', { kind: 'partition offsets', offsets: new Map([[3, 17]]) }],
    [
      '3:17,0:4',
      {
        kind: 'partition offsets',
        offsets: new Map([
          [3, 17],
          [0, 4],
        ]),
      },
    ],
  ])('%s', (text, start) => {
    expect(parseTailStart(text)).toEqual(start);
  });

  it.each([
    '',
    'yesterday',
    '-1',
    '1.5',
    '3:',
    '3:1,',
    '2026-13-45',
    '2026-02-30',
    '2026-02-02T25:00',
    '2026-02-02x',
    '0x10',
    '1e3',
  ])('refuses "%s"', (text) => {
    expect(() => parseTailStart(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
