#!/usr/bin/env node
/**
 * Starts the program on the Node that package-lock.json pins. `npx` and `npm run` put that one first on the PATH, so this is
 * it already; called by an older Node, hand over to the pinned one and pass signals and the exit code through.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// As a whole: an older Node, which only hands over, cannot link a name that its modules lack.
import * as nodeModule from 'node:module';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Installed by npm, not a checkout. */
const isPackage = import.meta.url.includes('/node_modules/');

// npm links the pinned Node beside this package's own dependencies, or beside those of the project that has this package.
const pinned = ['../node_modules/.bin/node', '../../../.bin/node'].map(here).find((file) => existsSync(file));

if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
  // Half of the time that it takes to start. Where the folder cannot be written, it starts as without.
  nodeModule.enableCompileCache?.(compileCache());
  if (isPackage) await import('../connectors/system/typescript-in-packages.mjs');
  const { endSoon, main } = await import('../cli/main.ts');
  await main(process.argv);
  endSoon();
} else if (pinned !== undefined) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    // As a shell reports it.
    process.exitCode = code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
  });
} else {
  process.stderr.write(
    `harvestline needs Node ${OLDEST_MAJOR} (this is ${process.version}): ${isPackage ? 'install it with its optional dependencies' : 'run `npm ci` in the checkout first'}. ` +
      `They bring a Node for Linux on x64 and arm64; elsewhere (this is ${process.platform} on ${process.arch}) ` +
      `install Node ${OLDEST_MAJOR} yourself.\n`,
  );
  process.exitCode = 1;
}

/** A package is often shared and not the user's to write: the user's own cache is, and no other user can write into that. */
function compileCache() {
  if (!isPackage) return here('../node_modules/.cache/compiled');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'harvestline');
}
