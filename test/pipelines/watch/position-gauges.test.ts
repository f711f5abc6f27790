import { describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../../../connectors/metrics/prometheus-metrics.ts';
import { PositionGauges } from '../../../pipelines/watch/position-gauges.ts';
import type { OpenPosition } from '../../../pipelines/watch/watched-positions.ts';
import { positionIdOf } from '../../../schemas/ids.ts';

const AT = 1_770_003_600_000;

function position(symbol: string, r: number, seenAt = AT): OpenPosition {
  const position_id = positionIdOf('main', symbol, 'LONG', seenAt);
  return { position_id, account: 'main', symbol, side: 'LONG', r, source: 'test', seenAt, aheadAt: null };
}

const seriesIn = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith('harvestline_position_r{'));

describe('open positions as gauges', () => {
  it('end with their position, and the count falls', async () => {
    const metrics = new PrometheusMetrics();
    const gauges = new PositionGauges(metrics);
    gauges.become([position('BTCUSDT', 2.5), position('ETHUSDT', -1)]);
    expect(seriesIn(await metrics.text())).toEqual([
      'harvestline_position_r{account="main",symbol="BTCUSDT",side="LONG"} 2.5',
      'harvestline_position_r{account="main",symbol="ETHUSDT",side="LONG"} -1',
    ]);
    gauges.become([position('ETHUSDT', 0.5)]);
    const text = await metrics.text();
    expect(seriesIn(text)).toEqual(['harvestline_position_r{account="main",symbol="ETHUSDT",side="LONG"} 0.5']);
    expect(text).toContain('\nharvestline_open_positions 1\n');
    gauges.become([position('BTCUSDT', 3, AT + 1)]);
    expect(seriesIn(await metrics.text())).toEqual([
      'harvestline_position_r{account="main",symbol="BTCUSDT",side="LONG"} 3',
    ]);
  });

  it('show the latest of two that are the same to a venue, whatever was shown before', async () => {
    const metrics = new PrometheusMetrics();
    const gauges = new PositionGauges(metrics);
    const shownOf = async (open: readonly OpenPosition[]): Promise<readonly string[]> => {
      gauges.become(open);
      return seriesIn(await metrics.text()).map((line) => line.split(' ').at(-1) ?? '');
    };
    const earlier = position('BTCUSDT', 3);
    expect(await shownOf([earlier, position('BTCUSDT', 1, AT + 1)])).toEqual(['1']);
    expect(await shownOf([earlier, position('BTCUSDT', 1, AT + 2)])).toEqual(['1']);
    expect(await shownOf([earlier])).toEqual(['3']);
    expect(await shownOf([position('BTCUSDT', 3), position('ETHUSDT', 3)])).toEqual(['3', '3']);
  });

  it('are 500 at most: the largest gains and losses', async () => {
    const metrics = new PrometheusMetrics();
    const gauges = new PositionGauges(metrics);
    gauges.become(
      Array.from({ length: 700 }, (_, index) => position(`S${index}USDT`, index % 2 === 0 ? index : -index)),
    );
    const text = await metrics.text();
    expect(seriesIn(text)).toHaveLength(500);
    expect(text).toContain('symbol="S699USDT",side="LONG"} -699');
    expect(text).not.toContain('symbol="S100USDT"');
    expect(text).toContain('\nharvestline_open_positions 700\n');
  });
});
