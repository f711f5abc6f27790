import { describe, expect, test } from 'vitest';
import { idOfLetter } from '../../../pipelines/dlq/dead-letter.ts';
import { type DiscardSelection, discardLetters } from '../../../pipelines/dlq/discard-letters.ts';
import { examineLetter } from '../../../pipelines/dlq/examine-letter.ts';
import { groupLines, reportLines } from '../../../pipelines/dlq/view.ts';
import { LetterWatch } from '../../../pipelines/dlq/letter-alerts.ts';
import { listLetters } from '../../../pipelines/dlq/list-letters.ts';
import { readDiscarded } from '../../../pipelines/dlq/read-letters.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { deadLetterOf } from '../../../pipelines/runtime/dead-letter.ts';
import type { LogRecord } from '../../../ports/event-log.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { DEAD, DeadLetterLog, RECEIVED_AT, SNAPSHOTS } from './dead-letter-log.ts';

const NOW = 1_770_003_600_000;

function discard(world: DeadLetterLog, selection: DiscardSelection, { dryRun = false, by = 'alice' } = {}) {
  return discardLetters(world, selection, { by, reason: 'a test producer', now: NOW, dryRun });
}

async function list(world: DeadLetterLog) {
  const discarded = await readDiscarded(world.log, () => Promise.resolve(world.codec));
  return listLetters(world.log, [SNAPSHOTS], discarded);
}

async function alerts({ log, codec }: DeadLetterLog) {
  const report = await statusReport({ log, codec, counts: (topic) => log.count(topic), liveNow: () => null });
  return report.alerts.filter(({ name }) => name.includes('letter'));
}

/** Dead-letters the record as where the log refuses the letter for its size; returns the letter. */
async function deadLetterWithoutBytes(world: DeadLetterLog, at: LogRecord): Promise<LogRecord> {
  const error = new HarvestlineError('NOT_WIRE_FORMAT', 'not avro');
  const whole = deadLetterOf(at, error, { at: NOW });
  const small = whole.ifRefused?.(new HarvestlineError('RECORD_TOO_LARGE', 'too large'));
  if (small === null || small === undefined) throw new Error('no smaller form');
  await world.log.append([{ topic: whole.topic, ...small }]);
  const letter = (await world.records(DEAD)).at(-1);
  if (letter === undefined) throw new Error('the letter is not there');
  return letter;
}

/** Appends a record of `value` to the source topic, which nobody consumes. */
async function produced(world: DeadLetterLog, value: Uint8Array): Promise<LogRecord> {
  await world.log.append([{ topic: SNAPSHOTS.name, key: Buffer.from('k'), value, timestamp: RECEIVED_AT }]);
  const record = (await world.records(SNAPSHOTS.name)).findLast((one) => one.value?.length === value.length);
  if (record === undefined) throw new Error('the record is not there');
  return record;
}

describe('dlq discard', () => {
  test('DLQ-1: by id: it waits for nobody any more, by whom and why is recorded, and a second discard changes nothing', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(Buffer.from('one'), Buffer.from('two'));
    const [first] = await world.records(DEAD);
    const letter = { topic: SNAPSHOTS, partition: first?.partition ?? -1, offset: 0 };
    const id = idOfLetter(SNAPSHOTS.name, letter);
    const selection = { kind: 'ids', letters: [letter] } as const;

    expect(await discard(world, selection, { dryRun: true })).toMatchObject([{ id, state: 'would discard' }]);
    expect(await list(world)).toMatchObject([{ code: 'NOT_WIRE_FORMAT', count: 2, discarded: 0 }]);
    expect(await discard(world, selection)).toMatchObject([{ id, state: 'discarded', code: 'NOT_WIRE_FORMAT' }]);
    expect(await discard(world, selection, { by: 'bob' })).toMatchObject([{ state: 'discarded before', by: 'alice' }]);
    const records = await world.records(TOPICS.letterDiscarded.name);
    expect(
      records.map(({ key, value }) => [
        String(Buffer.from(key ?? [])),
        world.codec.decode(TOPICS.letterDiscarded.name, { value }),
      ]),
    ).toEqual([
      [id, expect.objectContaining({ letter_id: id, by: 'alice', reason: 'a test producer', discarded_at: NOW })],
    ]);
    const groups = await list(world);
    expect(groups).toMatchObject([{ code: 'NOT_WIRE_FORMAT', count: 1, discarded: 1, example: { offset: 1 } }]);
    expect((await alerts(world))[0]?.evidence).toContain(`1 in ${DEAD}`);
    const shown = await examineLetter(world, SNAPSHOTS, letter);
    expect(shown).toMatchObject({ id, discarded: { by: 'alice', reason: 'a test producer', discarded_at: NOW } });
    expect(shown === null ? [] : reportLines(shown)).toContainEqual(expect.stringContaining('a test producer'));
  });

  test('by code: all that wait of every topic, and none that was put back or discarded before', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(Buffer.from('one'), Buffer.from('two'), null);
    await discard(world, { kind: 'code', code: 'NOT_WIRE_FORMAT' });
    expect(await discard(world, { kind: 'code', code: 'NOT_WIRE_FORMAT' })).toEqual([]);
    expect(await list(world)).toMatchObject([
      { code: 'NOT_WIRE_FORMAT', count: 0, discarded: 2 },
      { code: 'RECORD_EMPTY', count: 1, discarded: 0 },
    ]);
    await discard(world, { kind: 'code', code: 'RECORD_EMPTY' });
    expect(await alerts(world)).toEqual([]);
    expect(groupLines(await list(world)).join('\n')).toContain('no dead letters wait');
  });

  test('DLQ-2: an id without a letter is unknown, one that was put back waits for nobody, and the others are discarded', async () => {
    const world = await DeadLetterLog.open();
    const nextId = Object.values(TOPICS).length + 1;
    await world.deadLetter(world.snapshot(nextId), Buffer.from('bad'));
    await world.registerNewer();
    await world.retry({ kind: 'all' });
    const { partition = -1 } = (await world.records(DEAD))[0] ?? {};
    const letters = [0, 1, 2, 99].map((offset) => ({ topic: SNAPSHOTS, partition, offset }));
    const outcomes = await discard(world, { kind: 'ids', letters });
    expect(new Map(outcomes.map(({ id, state }) => [id, state]))).toEqual(
      new Map([
        [idOfLetter(SNAPSHOTS.name, { partition, offset: 0 }), 'put back before'],
        [idOfLetter(SNAPSHOTS.name, { partition, offset: 1 }), 'discarded'],
        // The mark of the first.
        [idOfLetter(SNAPSHOTS.name, { partition, offset: 2 }), 'unknown'],
        [idOfLetter(SNAPSHOTS.name, { partition, offset: 99 }), 'unknown'],
      ]),
    );
  });

  test('DLQ-8: what was discarded is not offered to a retry, unless it is named', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(world.snapshot(Object.values(TOPICS).length + 1));
    await world.registerNewer();
    await discard(world, { kind: 'code', code: 'SCHEMA_UNKNOWN' });
    expect(await world.retry({ kind: 'all' })).toMatchObject({ retried: 0, refused: 0 });
    const { partition = -1 } = (await world.records(DEAD))[0] ?? {};
    const named = { kind: 'places', places: [{ partition, offset: 0 }] } as const;
    expect(await world.retry(named)).toMatchObject({ retried: 1 });
  });

  test('a record on letter.discarded that does not decode discards nothing', async () => {
    const world = await DeadLetterLog.open();
    await world.deadLetter(Buffer.from('bad'));
    const [letter] = await world.records(DEAD);
    const key = Buffer.from(idOfLetter(SNAPSHOTS.name, letter ?? { partition: -1, offset: -1 }));
    const values = [null, Buffer.from('x')];
    await world.log.append(values.map((value) => ({ topic: TOPICS.letterDiscarded.name, key, value, timestamp: NOW })));
    expect(await list(world)).toMatchObject([{ count: 1, discarded: 0 }]);
  });
});

describe('a letter without its bytes', () => {
  test('DLQ-7: goes back with those of its source topic, key, headers and time included', async () => {
    const world = await DeadLetterLog.open();
    const original = await produced(world, Buffer.concat([world.snapshot(), Buffer.alloc(0)]));
    const large = { ...original, value: Buffer.alloc(50_000, 1) };
    const letter = await deadLetterWithoutBytes(world, await produced(world, large.value));
    expect(letter.value).toHaveLength(0);
    // The record on the source topic does not decode: it is refused for that, not for missing bytes.
    const named = { kind: 'places', places: [{ partition: letter.partition, offset: letter.offset }] } as const;
    expect((await world.retry(named)).outcomes[0]?.refused?.code).toBe('NOT_WIRE_FORMAT');
  });

  test.each([
    ['retention has removed it', 'DELETE FROM records WHERE topic = ?'],
    ['another record lies there', "UPDATE records SET value = x'00' WHERE topic = ?"],
  ])('DLQ-7: stays, and says why, where %s', async (why, sql) => {
    const world = await DeadLetterLog.open();
    const letter = await deadLetterWithoutBytes(world, await produced(world, Buffer.alloc(50_000, 1)));
    world.log.database.prepare(sql).run(SNAPSHOTS.name);
    const place = { partition: letter.partition, offset: letter.offset };
    const { outcomes } = await world.retry({ kind: 'places', places: [place] });
    const word = why.split(' ').at(0) ?? '';
    expect(outcomes[0]?.refused?.message).toContain(word);
    const shown = await examineLetter(world, SNAPSHOTS, place);
    expect(shown).toMatchObject({ value: null, left_out: { found: 'nowhere', value: { bytes: 50_000 } } });
    expect(shown === null ? '' : reportLines(shown).join('\n')).toContain(word);
  });

  test('is an alert in status and for a running process, until it is put back or discarded', async () => {
    const world = await DeadLetterLog.open();
    const running = new LetterWatch(world, () => Promise.resolve());
    const signal = new AbortController().signal;
    const raised = async () => {
      await running.readOn(signal);
      const inStatus = (await alerts(world)).find(({ name }) => name === 'letter_without_bytes');
      expect(running.alerts()).toEqual(inStatus === undefined ? [] : [inStatus]);
      return inStatus ?? null;
    };
    expect(await raised()).toBeNull();
    await world.deadLetter(Buffer.from('small'));
    expect(await raised()).toBeNull();
    const letters = [];
    for (const fill of [1, 2]) {
      letters.push(await deadLetterWithoutBytes(world, await produced(world, Buffer.alloc(50_000 + fill, fill))));
    }
    const [first] = letters;
    expect((await raised())?.evidence).toMatch(/^2 /);
    const name = { topic: SNAPSHOTS, partition: first?.partition ?? -1, offset: first?.offset ?? -1 };
    await discard(world, { kind: 'ids', letters: [name] });
    const alert = await raised();
    expect(alert?.evidence).toMatch(/^1 /);
    expect(alert?.next.commands).toEqual([
      { words: 'dlq show', args: [SNAPSHOTS.name, `${letters[1]?.partition}:${letters[1]?.offset}`] },
    ]);
    expect(await list(world)).toMatchObject([{ count: 2, discarded: 1, without_bytes: 1 }]);
    await discard(world, { kind: 'code', code: 'NOT_WIRE_FORMAT' });
    expect(await raised()).toBeNull();
  });
});
