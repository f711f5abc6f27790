import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest files of all, the longest first. vitest takes the size of a file for its length, and would begin small ones last, alone on the machine. */
const LONG = [
  'test/chaos/exchange/',
  'test/chaos/halt/',
  'test/cli/compose/dead-letters.',
  'test/cli/canary-secrets.',
  'test/cli/compose/run.',
  'test/simulation/seeds.',
  'test/cli/export.',
  'test/cli/halt.',
  'test/simulation/regressions.',
  'test/tools/kafka/secure-authentication.',
  'test/tools/kafka/broker-command.',
  'test/tools/kafka/test-broker.',
  'test/connectors/kafka/broker-outage.',
  'test/cli/command-ends.',
  'test/cli/disk-trouble.',
];

/** Begins the longest files first, the others by size, as vitest does. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line no-array-sort -- it is vitest's method, and returns another array
    const sorted = await super.sort(files);
    const long = LONG.flatMap((name) => sorted.filter(({ moduleId }) => moduleId.includes(name)));
    return [...long, ...sorted.filter((file) => !long.includes(file))];
  }
}
