import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Counts what really ran and leaves it in `.test-counts.json` for .ci/run, or in the file that tools/check.ts names, which adds them up. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'skipped') counts.skipped += 1;
        else counts.failed += 1;
      }
      // A file that does not load has no tests to fail.
      if (tests === 0 && module.state() === 'failed') counts.failed += 1;
    }
    writeFileSync(process.env['TEST_COUNTS_FILE'] || '.test-counts.json', `${JSON.stringify(counts)}\n`);
  }
}
