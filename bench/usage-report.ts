/**
 * Preloaded into a measured process (`node --import`): at its exit it writes what the process has used to the file that
 * BENCH_USAGE_FILE names.
 */
import { writeFileSync } from 'node:fs';

const file = process.env['BENCH_USAGE_FILE'];

process.on('exit', () => {
  if (file === undefined) return;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(file, JSON.stringify({ cpuMicros: userCPUTime + systemCPUTime, maxRssKilobytes: maxRSS }));
});
