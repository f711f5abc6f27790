#!/usr/bin/env node
/**
 * Starts the program on the Node that package-lock.json pins. `npx` and `npm run` put that one first on the PATH, so this is
 * it already; called by an older Node, hand over to the pinned one and pass signals and the exit code through.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// As a whole: an older Node, which only hands over, cannot link a name that its modules lack.
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
  // Half of the time that it takes to start. Where the folder cannot be written, it starts as without.
  nodeModule.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)));
  const { endSoon, main } = await import('../cli/main.ts');
  await main(process.argv);
  endSoon();
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    // As a shell reports it.
    process.exitCode = code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
  });
} else {
  process.stderr.write(
    `harvestline needs Node ${OLDEST_MAJOR} (this is ${process.version}): run \`npm ci\` in the checkout first. ` +
      `It brings a Node for Linux on x64 and arm64; elsewhere (this is ${process.platform} on ${process.arch}) ` +
      `install Node ${OLDEST_MAJOR} yourself.\n`,
  );
  process.exitCode = 1;
}
