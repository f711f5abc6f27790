import { expect, it } from 'vitest';
import { venueDiffersAlert } from '../../../pipelines/status/venue-figures.ts';

const START = 1_770_003_600_000;

it('venue_differs: counts all, names five, since the oldest', () => {
  expect(venueDiffersAlert([])).toBeNull();
  const differences = [3, 1, 2, 4, 5, 6].map((n) => ({
    symbol: `S${n}`,
    kind: 'NOT_SHOWN' as const,
    since: START + n,
  }));
  const alert = venueDiffersAlert(differences);
  expect(alert).toMatchObject({ name: 'venue_differs', since: START + 1 });
  expect(alert?.evidence).toContain('6 places: S3 NOT_SHOWN');
  expect(alert?.evidence).not.toContain('S6');
});
