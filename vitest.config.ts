import { defineConfig } from 'vitest/config';

/**
 * Three tiers, visible in every line of the output:
 * - pure         functions and single classes, no process and no network
 * - topology     the processors wired together in this process, on the embedded log
 * - integration  real processes and real clients: the program as a child process, kill -9, HTTP
 */
const TIMEOUT_MS = 120_000;

const tier = (name: string, include: string[], exclude: string[] = []) => ({
  test: { name, include, exclude, testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS },
});

export default defineConfig({
  test: {
    reporters: ['default', './test/count-reporter.ts'],
    projects: [
      tier('pure', ['test/**/*.test.ts'], ['test/**/*.topology.test.ts', 'test/**/*.integration.test.ts']),
      tier('topology', ['test/**/*.topology.test.ts']),
      tier('integration', ['test/**/*.integration.test.ts']),
    ],
  },
});
