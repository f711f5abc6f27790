import { describe, expect, it } from 'vitest';
import { settlesSoonAlert } from '../../../pipelines/watch/stall-evidence.ts';
import { SETTLES_SOON_MS, SettlingPositions } from '../../../pipelines/watch/watched-positions.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

const NOW = 1_770_100_000_000;
const OPEN = (): boolean => true;
const settling = (settles_at: number | null, symbol = 'BTCUSDT_261225') => aSnapshot({ symbol }, { settles_at });

describe('WAT-18: settles_soon', () => {
  it('stands from a day before the settlement, since the snapshot that first had it, with the position', () => {
    const positions = new SettlingPositions();
    positions.observed(settling(NOW + SETTLES_SOON_MS + 1), NOW);
    expect(settlesSoonAlert(positions.soonestFirst(OPEN))).toBeNull();
    positions.observed(settling(NOW + SETTLES_SOON_MS + 1), NOW + 1);
    positions.observed(settling(NOW + SETTLES_SOON_MS + 1), NOW + 60_000);
    const alert = settlesSoonAlert(positions.soonestFirst(OPEN));
    expect(alert).toMatchObject({ name: 'settles_soon', since: NOW + 1 });
    expect(alert?.evidence).toContain(settling(null).position_id);
  });

  it('is over when the position is closed, or no end is announced any more', () => {
    const positions = new SettlingPositions();
    positions.observed(settling(NOW + 1000), NOW);
    positions.observed(settling(NOW + 1000, 'ETHUSDT_261225'), NOW);
    expect(settlesSoonAlert(positions.soonestFirst((id) => id.includes('ETH')))?.evidence).toContain('ETHUSDT_261225');
    positions.observed(settling(null), NOW + 1);
    expect(settlesSoonAlert(positions.soonestFirst((id) => id.includes('BTC')))).toBeNull();
    positions.keep(() => false);
    expect(settlesSoonAlert(positions.soonestFirst(OPEN))).toBeNull();
  });

  it('a time that is put off begins anew', () => {
    const positions = new SettlingPositions();
    positions.observed(settling(NOW + 1000), NOW);
    positions.observed(settling(NOW + 5000), NOW + 500);
    expect(settlesSoonAlert(positions.soonestFirst(OPEN))?.since).toBe(NOW + 500);
  });
});
