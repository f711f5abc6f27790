import { beforeAll, describe, expect, it } from 'vitest';
import { type Closing, STYLES, closing, summaryOf } from '../../bench/slippage.ts';
import { ExecutionLog } from '../pipelines/execution/execution-log.ts';

describe('closing on a thin book', () => {
  let closings: Closing[];

  beforeAll(async () => {
    const { codec } = await ExecutionLog.open();
    closings = [];
    for (let seed = 1; seed <= 6; seed++) {
      for (const style of STYLES) closings.push(await closing(codec, style, seed));
    }
  });

  it('closes all of it by every style, never worse than the bound allows', () => {
    expect(closings.map(({ closed }) => closed)).toEqual(closings.map(() => 3000));
    for (const { style, slippageBps } of closings) if (style !== 'market') expect(slippageBps).toBeLessThan(60);
  });

  it('costs a market order most', () => {
    const [market = NaN, ioc = NaN, sliced = NaN] = STYLES.map((style) => summaryOf(style, closings).slippage_bps);
    expect(ioc).toBeLessThan(market);
    expect(sliced).toBeLessThan(market);
  });

  it('is the same for the same seed', async () => {
    const { codec } = await ExecutionLog.open();
    expect(await closing(codec, 'sliced', 3)).toEqual(
      closings.find(({ style, seed }) => style === 'sliced' && seed === 3),
    );
  });
});
