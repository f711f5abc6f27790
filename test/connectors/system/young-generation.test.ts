import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../../connectors/system/young-generation.ts', import.meta.url));

/** More than a bounded young generation ever has, less than one that grows on. Unit: megabytes. */
const GROWN = 100;

/**
 * Makes garbage, of which some lives through a few collections, until the young generation is `GROWN`, or for ten times as long as that
 * usually takes. Returns how large it is. Unit: megabytes.
 */
function youngAfterGarbage(before: string): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { boundYoungGeneration } from ${JSON.stringify(MODULE)};
    ${before}
    const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20;
    let kept = [];
    for (let i = 0; i < 100_000_000 && size() < ${GROWN}; ) {
      while (kept.length < 100_000) kept.push({ i: i++, inner: { i } });
      kept = [];
      await new Promise(setImmediate);
    }
    console.log(size());
  `;
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }));
}

it('lets the young generation grow to some megabytes and no further', () => {
  expect(youngAfterGarbage('')).toBeGreaterThan(GROWN);
  const bounded = youngAfterGarbage('boundYoungGeneration();');
  expect(bounded).toBeGreaterThanOrEqual(30);
  expect(bounded).toBeLessThanOrEqual(64);
});
