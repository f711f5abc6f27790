import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Exact } from '../../../../ports/exact-decimal.ts';
import { PaperExchange } from '../../../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { VirtualClock } from '../../../../ports/clock.ts';
import { folderForTest } from '../../../fixtures/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('place-orders.ts', import.meta.url));

function placing(path: string, prefix: string, count: number): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, path, prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Collects the child's lines, and kills it after `killAfter` of them. */
async function linesOf(child: ChildProcess, killAfter = Infinity): Promise<string[]> {
  if (child.stdout === null) throw new Error('the child has no output');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === killAfter) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return lines;
}

function reopened(path: string): PaperExchange {
  const exchange = new PaperExchange({ path, clock: new VirtualClock(Date.UTC(2100, 0)), random: new SeededRandom(5) });
  onTestFinished(() => exchange.close());
  return exchange;
}

function expectBooksBalance(exchange: PaperExchange): void {
  const orders = [...exchange.orders()];
  expect(exchange.positions().length).toBeGreaterThan(0);
  for (const { position_id, initialQuantity, quantity } of exchange.positions()) {
    const fills = orders.filter(({ positionId }) => positionId === position_id).flatMap((order) => order.fills);
    expect(Exact.sum(quantity, ...fills.map((fill) => fill.quantity)).toFixed()).toBe(initialQuantity);
  }
}

describe('the paper book between real processes', () => {
  it('PAP-4: kill -9 loses no acknowledged order and leaves none half booked', async () => {
    const path = join(folderForTest(), 'paper-exchange.sqlite');
    const acknowledged: string[] = [];
    for (const [round, killAfter] of [1, 17, 40].entries()) {
      acknowledged.push(...(await linesOf(placing(path, `round-${round}`, 100_000), killAfter)));
    }
    const exchange = reopened(path);
    const known = new Set([...exchange.orders()].map((order): string => order.clientOrderId));
    expect(acknowledged.length).toBeGreaterThanOrEqual(58);
    expect(acknowledged.filter((line) => !known.has(line.replace(/ .*/, '')))).toEqual([]);
    expectBooksBalance(exchange);
  });

  it('PAP-5: processes that start together and race for the same ids place each once', async () => {
    const path = join(folderForTest(), 'paper-exchange.sqlite');
    const lines = await Promise.all([1, 2, 3].map(() => linesOf(placing(path, 'race', 60))));
    const outcomes = Map.groupBy(lines.flat(), (line) => line.replace(/.* /, ''));
    expect(outcomes.get('accepted')?.length).toBe(60);
    expect(outcomes.get('-4116')?.length).toBe(120);
    const exchange = reopened(path);
    expect([...exchange.orders()].length).toBe(60);
    expectBooksBalance(exchange);
  });

  it('refuses a file that is no book', () => {
    const path = join(folderForTest(), 'paper-exchange.sqlite');
    writeFileSync(path, 'timestamp_ms,open,high,low,close,volume\n'.repeat(100));
    expect(() => reopened(path)).toThrow(expect.objectContaining({ code: 'LOG_UNREADABLE' }));
  });
});
