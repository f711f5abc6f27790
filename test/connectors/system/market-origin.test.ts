import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { originOf } from '../../../connectors/system/market-origin.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const ORIGIN = 1_770_000_000_000;

describe('when the market of a desk began', () => {
  it('is when the desk was first started, however often it is started', () => {
    const folder = join(folderForTest(), 'data');
    expect(originOf(folder, 'desk', ORIGIN)).toBe(ORIGIN);
    expect(originOf(folder, 'desk', ORIGIN + 5000)).toBe(ORIGIN);
    expect(originOf(folder, 'another', ORIGIN + 5000)).toBe(ORIGIN + 5000);
  });

  it('refuses a file that says no such time', () => {
    const folder = folderForTest();
    writeFileSync(join(folder, 'desk.json'), '{"origin": "yesterday"}');
    expect(() => originOf(folder, 'desk', ORIGIN)).toThrow(expect.objectContaining({ code: 'LOG_UNREADABLE' }));
  });
});
