import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** Debian, Alpine, Ubuntu and Google call it by these. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * A browser of this machine: that of CHROMIUM, else the first found by its name. Without one the tests that need it are skipped, and standard
 * error says so; with HARVESTLINE_REQUIRE_BROWSER=1 it throws instead.
 */
export async function startBrowser(): Promise<Browser | { readonly skipped: string }> {
  const path = process.env['CHROMIUM'] ?? NAMES.map(pathOf).find((found) => found !== null);
  if (path === undefined || path === null) return skipped('no chromium is on the PATH, and CHROMIUM names none');
  // Root, as in a container, may not use the sandbox; only pages of this repository are opened.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: path, args });
}

function pathOf(name: string): string | null {
  try {
    return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

function skipped(why: string): { readonly skipped: string } {
  if (process.env['HARVESTLINE_REQUIRE_BROWSER'] === '1')
    throw new Error(`HARVESTLINE_REQUIRE_BROWSER=1, but ${why}. Debian: apt-get install -y chromium`);
  const line = '!'.repeat(100);
  process.stderr.write(`\n${line}\n!! THE PAGE IS NOT TESTED IN A BROWSER: ${why}.\n${line}\n\n`);
  return { skipped: why };
}
