import { expect, test } from 'vitest';
import { fieldRowsOf, topicsPage } from '../../docs/topics-page.ts';
import { RETRY_HEADERS } from '../../pipelines/dlq/dead-letter.ts';
import { DEAD_LETTER_HEADERS } from '../../pipelines/runtime/dead-letter.ts';
import { loadSchema, TOPICS } from '../../schemas/topics.ts';

const page = topicsPage();

test('a field says its type, whether it may be null, its bounds, symbols and unit', () => {
  const rows = new Map(fieldRowsOf(loadSchema(TOPICS.harvestIntent)).map((row) => [row.path, row]));
  expect(rows.get('fraction')).toMatchObject({ type: 'double', nullable: false, bounds: 'above 0, at most 1' });
  expect(rows.get('fraction')?.doc).toContain('Unit:');
  expect(rows.get('confidence')).toMatchObject({ nullable: true, bounds: 'at least 0, at most 1' });
  expect(rows.get('opened_at')).toMatchObject({ type: 'timestamp-millis (long)' });
  // UNRECOGNISED is never written, so it is no symbol to expect.
  expect(rows.get('factors[].side')).toMatchObject({ type: 'enum FactorSide', bounds: 'HOLD, EXIT' });
  expect(rows.get('input.offset')).toMatchObject({ type: 'long' });
});

test('every topic has its section, with every field of its schema', () => {
  for (const topic of Object.values(TOPICS)) {
    const section = page.split(`\n### ${topic.name}\n`)[1]?.split('\n## ')[0]?.split('\n### ')[0] ?? '';
    for (const { path } of fieldRowsOf(loadSchema(topic))) expect(section).toContain(`| \`${path}\` |`);
  }
});

test('every header of a dead letter is there', () => {
  for (const name of [...Object.values(DEAD_LETTER_HEADERS), ...Object.values(RETRY_HEADERS)]) {
    expect(page).toContain(`| \`${name}\` |`);
  }
});
