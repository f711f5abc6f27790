import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { askOf } from './control-client.ts';

const MARKET = { symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' };

describe('the local exchange as a program', () => {
  function serve(...options: string[]): ChildProcess {
    const program = new URL('../../../packages/fake-binance/serve.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  async function addressesOf({ stdout }: ChildProcess): Promise<{ http: string; control: string }> {
    if (stdout === null) throw new Error('it has no output');
    const [line] = (await once(createInterface({ input: stdout }), 'line')) as [string];
    return JSON.parse(line) as { http: string; control: string };
  }

  it('prints its addresses first, opens a desk, and ends when it is told to', async () => {
    const child = serve('--port', '0', '--symbols', '17', '--hedge', '--market', 'seed:7');
    const { http, control } = await addressesOf(child);
    expect([http, control]).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)),
    );
    const ask = askOf(control);
    const positions = (await ask('GET /positions')).reply as { symbol: string; positionSide: string }[];
    expect(positions).toHaveLength(17);
    expect(positions[1]).toMatchObject({ symbol: 'ETHUSDT', positionSide: 'SHORT' });
    const listed = (await ask('GET /markets')).reply as { symbol: string }[];
    expect(listed.map(({ symbol }) => symbol)).toEqual(expect.arrayContaining(['币安人生USDT', 'BTCUSDT_261225']));
    const { reply } = await ask('POST /step', { steps: 50 });
    expect((reply as { steps: number }).steps).toBeGreaterThanOrEqual(50);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('lists the markets and positions of a file', async () => {
    const file = `${folderForTest()}/markets.json`;
    const position = { side: 'LONG', quantity: 4, price: '80', ageMinutes: 90 };
    writeFileSync(file, JSON.stringify(['AUSDT', { ...MARKET, position }]));
    const { control } = await addressesOf(serve('--symbols', file));
    expect((await askOf(control)('GET /positions')).reply).toMatchObject([
      { symbol: 'BTCUSDT', positionAmt: '4', entryPrice: '80' },
    ]);
  });

  it.each([
    [['--port', 'x'], /--port: "x" is no whole number/],
    [['--market', '7'], /--market: "7" is not seed:N/],
    [['--nosuch'], /--nosuch/],
    [['--symbols', '/nosuch'], /--symbols: neither a number nor a file/],
  ])('ends with 2 and what is wrong: %s', async (options, why) => {
    const child = serve(...options);
    if (child.stderr === null) throw new Error('it has no errors');
    const [words, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect([code, words]).toEqual([2, expect.stringMatching(why)]);
  });
});
