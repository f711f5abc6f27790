import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { addressOf } from '../../../connectors/http/page/address.js';
import { AccessToken } from '../../../connectors/http/access-token.ts';
import { HttpServer } from '../../../connectors/http/http-server.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { commandsIn, refusalOf } from '../../architecture/printed-commands.ts';
import { FakeBoard, type FakeBoardOptions, someAlerts } from '../../fixtures/fake-board.ts';
import { until } from '../../fixtures/until.ts';
import { startBrowser } from './page/browser.ts';

const clock = new SystemClock();
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** What Chromium itself writes to the console where a request fails. */
const FAILED_REQUEST = /^Failed to load resource: /;

const browser = await startBrowser();
if (!('skipped' in browser)) afterAll(() => browser.close());

function serve(board: FakeBoard, port = 0, token: AccessToken | null = null): Promise<HttpServer> {
  return HttpServer.start({
    host: '127.0.0.1',
    port,
    allowedHosts: [],
    token,
    live: () => ({ ok: true, detail: {} }),
    ready: () => ({ ok: true, detail: {} }),
    metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
    board,
    clock,
    logger: SILENT_LOGGER,
  });
}

interface Opened {
  readonly board: FakeBoard;
  readonly page: Page;
  readonly server: HttpServer;
}

interface TabOptions extends BrowserContextOptions {
  /** Of the address. */
  readonly hash?: string;
  /** Messages on the console that the test brings about. */
  readonly expected?: RegExp;
}

/** A desk of its own in a tab of its own; at the end the tab must have nothing to complain of. */
async function opened(
  options: Partial<FakeBoardOptions> = {},
  { hash = '', expected, ...context }: TabOptions = {},
): Promise<Opened> {
  if ('skipped' in browser) throw new Error(browser.skipped);
  const board = new FakeBoard({ clock, positions: 40, everyMs: null, ...options });
  const server = await serve(board);
  const tab = await browser.newContext({ viewport: DESK, reducedMotion: 'reduce', ...context });
  const complaints: string[] = [];
  const page = await tab.newPage();
  page.on('console', (message) => {
    if (!/error|warning/.test(message.type()) || expected?.test(message.text()) === true) return;
    complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${server.url}/`)) complaints.push(`asked ${request.url()}`);
  });
  onTestFinished(async () => {
    await tab.close();
    await server.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(`${server.url}/${hash}`);
  await page.locator('tbody[role=rowgroup] td').first().waitFor();
  return { board, page, server };
}

/** What is against the rules of accessibility, as `rule: element`; of all rules, or of some. */
async function violations(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const options = { resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) };
  return page.evaluate(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 160))))`);
}

function focusedId(page: Page): Promise<string | null> {
  return page.evaluate(`document.activeElement.closest('tr')?.dataset.id ?? null`);
}

describe.skipIf('skipped' in browser)('the page in a browser', () => {
  it('opens by a link with the token that stands on another site, and the address no longer shows it', async () => {
    if ('skipped' in browser) throw new Error(browser.skipped);
    const token = new AccessToken(() => 'a7c2f0d4e1b94c5f8a60', clock);
    const server = await serve(new FakeBoard({ clock, positions: 3, everyMs: null }), 0, token);
    const page = await browser.newPage();
    onTestFinished(async () => {
      await page.close();
      await server.close();
    });
    // By another name it is another site to a browser.
    await page.goto(`${server.url}/live`);
    const own = `http://localhost:${new URL(server.url).port}/`;
    await page.evaluate(`location.href = '${own}?token=a7c2f0d4e1b94c5f8a60'`);
    await page.locator('tbody[role=rowgroup] td').first().waitFor();
    expect(page.url().split('#')[0]).toBe(own);
    // What is left to go back to is the other site.
    await page.goBack();
    expect(page.url()).toBe(`${server.url}/live`);
  });

  it('calls no desk empty whose figures have not come', async () => {
    if ('skipped' in browser) throw new Error(browser.skipped);
    const server = await serve(new FakeBoard({ clock, positions: 3, everyMs: null }));
    const page = await browser.newPage();
    onTestFinished(async () => {
      await page.close();
      await server.close();
    });
    const asked = Promise.withResolvers<() => Promise<void>>();
    await page.route('**/api/events', (route) => asked.resolve(() => route.continue()));
    await page.goto(server.url);
    await expect(page.locator('.none').innerText()).resolves.toBe('The first figures have not come yet.');
    await expect(page.locator('.matched').innerText()).resolves.toBe('');
    const answer = await asked.promise;
    await answer();
    await page.locator('tbody[role=rowgroup] td').first().waitFor();
    await expect(page.locator('.matched').innerText()).resolves.toMatch(/^3\spositions$/);
  });

  it('says first whether all is well, for which desk, and what to type', async () => {
    const { page } = await opened(
      { alerts: someAlerts(clock.now()), halted: [{ scope: 'main', by: 'anna', reason: 'maintenance' }] },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    );
    await expect(page.locator('h1').textContent()).resolves.toMatch(/Critical:\s*HALTED/);
    await expect(page.title()).resolves.toBe('■ HALTED · alpha');
    await expect(page.locator('.masthead').innerText()).resolves.toMatch(/alpha[\s\S]*LIVE[\s\S]*2026-02-07/);
    const [first] = await page.locator('.alert').allInnerTexts();
    expect(first).toMatch(/CRITICAL[\s\S]*winner_held[\s\S]*R 6\.31/);
    await page.locator('.alert button').first().click();
    await page.locator('.alert button[data-copied]').waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toBe('npx harvestline explain main:SOLUSDT:LONG:1770000000000 --desk alpha');
  });

  it('prints only commands that run as they stand', async () => {
    const { page, board } = await opened({
      alerts: someAlerts(clock.now()),
      halted: [{ scope: 'main', by: 'anna', reason: 'maintenance' }],
    });
    const [position] = board.now().positions;
    await page.goto(page.url() + addressOf(position?.position_id ?? ''));
    await page.locator('.timeline li').first().waitFor();
    const printed = await page.locator('code').allTextContents();
    expect(printed.length).toBeGreaterThan(10);
    for (const text of printed) {
      const commands = commandsIn(text, 'the page');
      expect(commands, text).toHaveLength(1);
      await expect(refusalOf(commands[0]?.words ?? []), text).resolves.toBeNull();
    }
  });

  it('has no violation that axe finds, light or dark, on a desk or a phone, with a position open and without', async () => {
    const { page } = await opened({ positions: 5, alerts: someAlerts(clock.now()) }, { colorScheme: 'light' });
    const found: string[] = [];
    for (const open of [false, true]) {
      await page.setViewportSize(DESK);
      if (open) await page.locator('tbody[role=rowgroup] a').first().click();
      if (open) await page.locator('.timeline li').first().waitFor();
      found.push(...(await violations(page)));
      // The scheme changes nothing but colours.
      await page.emulateMedia({ colorScheme: 'dark' });
      found.push(...(await violations(page, ['color-contrast'])));
      await page.setViewportSize(PHONE);
      found.push(...(await violations(page)));
      await page.emulateMedia({ colorScheme: 'light' });
    }
    expect(found).toEqual([]);
  });

  it('is worked by keyboard: filter, move, open, go on, close, sort', async () => {
    const { page, board } = await opened();
    const longs = board.now().positions.filter(({ side }) => side === 'LONG');
    await page.keyboard.press('/');
    await page.keyboard.type('long');
    await page.locator('.matched', { hasText: `${longs.length} of 40` }).waitFor();
    await page.keyboard.press('ArrowDown');
    await expect(focusedId(page)).resolves.toBe(longs[0]?.position_id);
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('k');
    await expect(focusedId(page)).resolves.toBe(longs[1]?.position_id);
    await page.keyboard.press('Enter');
    await page.locator('dialog[open] .timeline li').first().waitFor();
    expect(new URL(page.url()).hash).toBe(addressOf(longs[1]?.position_id ?? ''));
    await page.keyboard.press('j');
    await page.waitForURL((url) => url.hash === addressOf(longs[2]?.position_id ?? ''));
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    expect(new URL(page.url()).hash).toBe('');
    await expect(focusedId(page)).resolves.toBe(longs[2]?.position_id);
    await page.getByRole('columnheader', { name: 'Position' }).getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.locator('th[aria-sort=ascending]', { hasText: 'Position' }).waitFor();
    const symbols = await page.locator('tbody[role=rowgroup] a').allTextContents();
    expect(symbols).toHaveLength(longs.length);
    expect(symbols).toEqual(symbols.toSorted((one, other) => (one < other ? -1 : 1)));
  });

  it('opens a position by its address, and goes back and forth (PAGE-4)', async () => {
    const { page, board } = await opened({}, { hash: '#/positions/unknown', expected: FAILED_REQUEST });
    await page.locator('dialog[open]', { hasText: 'No snapshot of this position is kept' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    const [first] = board.now().positions;
    const deep = addressOf(first?.position_id ?? '');
    await page.locator('tbody[role=rowgroup] a').first().click();
    await page.locator('dialog[open] .timeline li').first().waitFor();
    expect(new URL(page.url()).hash).toBe(deep);
    await page.goBack();
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await page.goForward();
    await page.locator('dialog[open] .timeline li').first().waitFor();
    await page.reload();
    await page.locator('dialog[open] .timeline li').first().waitFor();
    await expect(page.locator('#position-title').innerText()).resolves.toContain(first?.symbol ?? '?');
  });

  it('shows changes as they come, without taking the focus, the place or the rows of a person (PAGE-2)', async () => {
    const { page, board } = await opened({ positionsPerChange: 40 });
    const [, , third, fourth] = board.now().positions;
    await page.locator('tbody[role=rowgroup] a').nth(2).focus();
    await page.evaluate(`(() => {
      const row = document.activeElement.closest('tr');
      row.mine = true;
      document.addEventListener('focusout', () => { document.body.dataset.blurred = 'yes'; });
    })()`);
    const order = `[...document.querySelectorAll('tbody[role=rowgroup] tr')].map(({ dataset }) => dataset.id).join()`;
    const before = await page.evaluate<string>(order);
    for (let change = 0; change < 60; change++) board.advance();
    const closed = board.advance({ closed: fourth === undefined ? [] : [fourth.position_id] });
    expect(closed.closed).toHaveLength(1);
    await page.locator('.matched', { hasText: '39' }).waitFor();
    const stayed = before.split(',').filter((id) => id !== fourth?.position_id);
    await expect(page.evaluate(order)).resolves.toBe(stayed.join());
    await page.locator('.held', { hasText: 'order held' }).waitFor();
    await expect(focusedId(page)).resolves.toBe(third?.position_id);
    await expect(page.evaluate(`document.activeElement.closest('tr').mine`)).resolves.toBe(true);
    await expect(page.evaluate(`document.body.dataset.blurred ?? 'no'`)).resolves.toBe('no');
    await page.keyboard.press('Escape');
    const ids = board.now().positions.map(({ position_id: id }) => id);
    expect(stayed).not.toEqual(ids);
    await until(async () => (await page.evaluate(order)) === ids.join());
    await page.locator('.held').waitFor({ state: 'hidden' });
  });

  it('reads the story anew when its position was observed again, and says as of when it is', async () => {
    const { page, board } = await opened({ positions: 1, positionsPerChange: 1 });
    await page.locator('tbody[role=rowgroup] a').first().click();
    const asOf = page.locator('.as-of');
    await asOf.waitFor();
    const asked = page.waitForResponse((response) => response.url().includes('/api/positions/'));
    board.advance();
    expect((await asked).ok()).toBe(true);
    await expect(asOf.innerText()).resolves.toMatch(/^as of \d\d:\d\d:\d\d UTC$/);
  });

  it('renders at most 40 rows in a frame, and all of them in the end (PAGE-3)', async () => {
    const { page, board } = await opened({ positions: 200, positionsPerChange: 200 });
    await page.locator('tbody[role=rowgroup] tr:last-child td').first().waitFor({ state: 'attached' });
    await page.evaluate(`(() => {
      window.frames = [];
      new MutationObserver((records) => {
        const rows = new Set(records.map(({ target }) => (target.nodeType === 1 ? target : target.parentElement)?.closest('tr')));
        rows.delete(null);
        window.frames.push(rows.size);
      }).observe(document.querySelector('tbody[role=rowgroup]'), { subtree: true, characterData: true, childList: true, attributes: true });
    })()`);
    board.advance();
    const frames = (): Promise<readonly number[]> => page.evaluate('window.frames');
    await until(async () => (await frames()).reduce((sum, rows) => sum + rows, 0) >= 200);
    expect(Math.max(...(await frames()))).toBeLessThanOrEqual(40);
  });

  it('says that the picture is old while the server is gone, and goes on when it is back', async () => {
    const { page, board, server } = await opened({}, { expected: FAILED_REQUEST });
    await server.close();
    await page.locator('.stale', { hasText: 'reconnecting' }).waitFor();
    await expect(page.locator('.currency').innerText()).resolves.toContain('Not current');
    board.advance({ rest: { headline: 'After the restart' } });
    const again = await serve(board, Number(new URL(server.url).port));
    onTestFinished(() => again.close());
    await page.locator('h1', { hasText: 'After the restart' }).waitFor();
    await page.locator('.stale').waitFor({ state: 'detached' });
  });

  it('fits any width from a phone to a wall, and does not shift while it loads', async () => {
    const { page } = await opened({ positions: 60 });
    await expect(
      page.evaluate(`new Promise((resolve) => new PerformanceObserver((list) =>
        resolve(list.getEntries().reduce((sum, { value }) => sum + value, 0))).observe({ type: 'layout-shift', buffered: true })
        ?? requestAnimationFrame(() => requestAnimationFrame(() => resolve(0))))`),
    ).resolves.toBeLessThan(0.1);
    for (const width of [390, 640, 768, 1024, 1366, 1920, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(wide, `at ${width}`).toBeLessThanOrEqual(width);
    }
  });

  it('keeps the colours that a person chose', async () => {
    const { page } = await opened({ positions: 3 }, { colorScheme: 'light' });
    const ground = 'getComputedStyle(document.body).backgroundColor';
    const light = await page.evaluate(ground);
    const button = page.getByRole('button', { name: /^Colours/ });
    await button.click();
    await expect(button.innerText()).resolves.toBe('Colours: light');
    await button.click();
    await expect(page.evaluate(ground)).resolves.not.toBe(light);
    await page.reload();
    await expect(button.innerText()).resolves.toBe('Colours: dark');
    await expect(page.evaluate(ground)).resolves.not.toBe(light);
  });
});
