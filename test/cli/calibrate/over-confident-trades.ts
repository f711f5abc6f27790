import { SeededRandom } from '../../../connectors/system/seeded-random.ts';

/** Lines of a recorder: confidences of 0.55 to 0.95, and a win rate 20 points below them. */
export function overConfidentTrades(rows: number): string {
  const random = new SeededRandom(7).stream('recorder');
  const lines = Array.from({ length: rows }, (_, index) => {
    const confidence = Math.round((0.55 + 0.4 * random.uniform()) * 1000) / 1000;
    const win = random.uniform() < confidence - 0.2;
    return JSON.stringify({
      timestamp: 1_760_000_000_000 + index * 60_000,
      symbol: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'][index % 3],
      side: 'LONG',
      entry_price: 100,
      exit_price: win ? 102 : 98,
      pnl_percent: win ? 2 : -2,
      confidence,
      model_id: 'm-1',
    });
  });
  return `${lines.join('\n')}\n`;
}
