import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest files of all, though they are small: vitest takes the size of a file for its length, and would begin them last, alone on the machine. */
const LONG = [
  'test/chaos/exchange/',
  'test/chaos/halt/',
  'test/simulation/seeds.',
  'test/simulation/regressions.',
  'test/cli/export.',
  'test/cli/halt.',
];

/** Begins the longest files first, the others by size, as vitest does. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.some((folder) => moduleId.includes(folder));
    // oxlint-disable-next-line no-array-sort -- it is vitest's method, and returns another array
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
