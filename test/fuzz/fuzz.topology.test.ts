import { expect, it } from 'vitest';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runFuzz } from './fuzz-run.ts';

/** The short form of `npm run fuzz`. */
it('FUZ-1 to FUZ-3: hostile records end no processor, and each is worked or a dead letter byte for byte', async () => {
  const { violations, figures } = await runFuzz({ records: 1500, seed: 20_260_207, folder: folderForTest() });
  expect(violations).toEqual([]);
  // Something was done with them, on every way.
  for (const name of ['FILLED', 'SUPPRESSED NOT_RECORDABLE', 'written clm.outcome', 'invalid', 'valid']) {
    expect(figures[name] ?? 0, name).toBeGreaterThan(10);
  }
  for (const code of [
    'RECORD_INVALID',
    'TIMESTAMP_AHEAD',
    'RECORD_EMPTY',
    'NOT_WIRE_FORMAT',
    'AVRO_CORRUPT',
    'SCHEMA_UNKNOWN',
  ]) {
    expect(figures[`dead letters ${code}`] ?? 0, code).toBeGreaterThan(1);
  }
});
