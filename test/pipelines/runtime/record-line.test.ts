import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { type TailRecord, jsonLine, readableLine } from '../../../pipelines/runtime/record-line.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

it('a double of seventeen digits has six for people, and all of them in JSON', () => {
  const value = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], quantity: 0.1 + 0.2, exit_price: 61234.56789012345 };
  const at = {
    topic: TOPICS.tradeClosed.name,
    partition: 0,
    offset: 7,
    timestamp: 0,
    key: null,
    value: null,
    headers: [],
  };
  const record: TailRecord = { at, topic: TOPICS.tradeClosed.name, value, error: null };
  expect(stripVTControlCharacters(readableLine(record))).toContain(' 0.3 at 61234.6 (');
  expect(jsonLine(record)).toContain('"quantity":0.30000000000000004');
});
