import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { folderForTest, temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { runProgram, startProgram } from '../program.ts';
import { overConfidentTrades } from './over-confident-trades.ts';

/** A data folder with 400 imported outcomes, made once; every test works on a copy. */
const source = temporaryFolder();
const original = source.path;
afterAll(() => source.remove());

beforeAll(async () => {
  const { code, stderr } = await runProgram(['clm', 'import', '-', '--data', original], overConfidentTrades(400));
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

function aDesk(): string {
  const folder = join(folderForTest(), 'data');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(original))
    if (name.startsWith('log.sqlite')) copyFileSync(join(original, name), join(folder, name));
  return folder;
}

async function calibrate(data: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runProgram(['calibrate', ...args, '--data', data]);
  return { code, stderr, json: stdout === '' ? null : JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') };
}

async function proposed(data: string): Promise<string> {
  const { code, json } = await calibrate(data, 'propose', '--json', '--method', 'sigmoid');
  expect(code).toBe(0);
  return json.version;
}

describe('propose', () => {
  test('finds the over-confidence, and the map takes it back', async () => {
    const data = aDesk();
    const { code, json } = await calibrate(data, 'propose', '--json', '--method', 'sigmoid');
    expect(code).toBe(0);
    expect(json).toMatchObject({ method: 'sigmoid', model_id: 'm-1', counts: { usable: 400, symbols: 3 } });
    expect(json.map.y.at(-1)).toBeLessThan(json.map.x.at(-1) - 0.1);
    const at = (x: number): number => 1 / (1 + Math.exp(json.a * x + json.b));
    expect(json.map.y[0]).toBeCloseTo(at(json.map.x[0]), 9);
    for (const score of ['brier', 'log_loss'])
      for (const sample of ['in_sample', 'out_of_fold'])
        expect(json.metrics[score][sample].after).toBeLessThan(json.metrics[score][sample].before);
    const folder = join(data, 'calibrations', json.version);
    expect(readdirSync(folder).toSorted()).toEqual(['report.html', 'report.json', 'rows.jsonl.gz']);
    expect(
      gunzipSync(readFileSync(join(folder, 'rows.jsonl.gz')))
        .toString()
        .trim()
        .split('\n'),
    ).toHaveLength(400);
  });

  test('twice from the same evidence is one version', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const { code, json } = await calibrate(data, 'propose', '--json', '--method', 'sigmoid');
    expect([code, json.version, json.known]).toEqual([0, version, true]);
    expect((await calibrate(data, 'list')).json.history).toHaveLength(1);
  });

  test('a dry run writes nothing', async () => {
    const data = aDesk();
    expect((await calibrate(data, 'propose', '--json', '--dry-run')).json).toMatchObject({
      dry_run: true,
      report: null,
    });
    expect(existsSync(join(data, 'calibrations'))).toBe(false);
    expect((await calibrate(data, 'list')).json).toBeNull();
  });

  test('is the same from trade.closed as from clm.outcome, but for where the rows lie', async () => {
    const data = aDesk();
    const outcomes = await calibrate(data, 'propose', '--json', '--dry-run');
    const trades = await calibrate(data, 'propose', '--json', '--dry-run', '--topic', 'trade.closed');
    expect(trades.json.map).toEqual(outcomes.json.map);
    expect(trades.json.counts).toEqual(outcomes.json.counts);
    expect(trades.json.evidence.topic).toBe('trade.closed');
  });

  test('refuses with every unmet condition, exit 1', async () => {
    const data = folderForTest();
    const row = { timestamp: 1_760_000_000, symbol: 'A', side: 'BUY', entry_price: 2, exit_price: 1, pnl_percent: -50 };
    const lines = [0, 1, 2].map((at) =>
      JSON.stringify({ ...row, timestamp: row.timestamp + at, confidence: 0.7, model_id: 'm' }),
    );
    await runProgram(['clm', 'import', '-', '--data', data], lines.join('\n'));
    const { code, json } = await calibrate(data, 'propose', '--json');
    expect(code).toBe(1);
    expect(json).toMatchObject({
      refused: true,
      unmet: [
        { condition: 'usable_outcomes', have: 3, need: 50 },
        { condition: 'symbols', have: 1, need: 2 },
        { condition: 'wins', have: 0, need: 10 },
        { condition: 'losses', have: 3, need: 10 },
        { condition: 'distinct_confidences', have: 1, need: 2 },
      ],
    });
  });

  test('killed at any moment it leaves a whole version or none, and the next one works (CLC-1)', async () => {
    const data = aDesk();
    const folder = join(data, 'calibrations');
    const holds = (name: string) =>
      readdirSync(folder, { recursive: true }).some((path) => String(path).endsWith(name));
    const moments = [
      () => existsSync(folder),
      () => holds('report.html'),
      () => holds('rows.jsonl.gz'),
      () => readdirSync(folder).some((name) => name.startsWith('cal-')),
    ];
    for (const reached of moments) {
      const program = startProgram(['calibrate', 'propose', '--json', '--method', 'sigmoid', '--data', data]);
      await vi.waitUntil(reached, { interval: 1, timeout: 30_000 });
      program.process.kill('SIGKILL');
      await program.ended;
      const { json } = await calibrate(data, 'list');
      if (json === null) continue;
      expect((await calibrate(data, 'verify', json.version)).json.verified).toBe(true);
    }
    expect((await calibrate(data, 'verify', await proposed(data))).json.verified).toBe(true);
  });
});

describe('decisions', () => {
  test('need a name and a reason', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const { code, stderr } = await calibrate(data, 'approve', version);
    expect(code).toBe(2);
    expect(stderr).toContain('--by NAME and --reason TEXT missing');
  });

  test('approve, list, roll back: the whole history stays', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const who = ['--by', 'Ada', '--reason', 'gap of 20 points'];
    // The gap is proved by 400 outcomes and needs no override; the identity gains nothing and needs one.
    const identity = (await calibrate(data, 'propose', '--json', '--method', 'identity')).json.version;
    const refused = await calibrate(data, 'approve', identity, ...who);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/breaks a safety bound: brier_improvement/);
    const { code, json } = await calibrate(data, 'approve', version, ...who);
    expect(code).toBe(0);
    expect(json).toMatchObject({ version, status: 'APPROVED', decided_by: 'Ada', overridden: [] });
    const versions = await runProgram(['calibrate', 'list', '--json', '--data', data]);
    expect(JSON.parse(versions.stdout.split('\n')[0] ?? '')).toMatchObject({
      version,
      in_force: true,
      status: 'APPROVED',
    });
    expect((await calibrate(data, 'rollback', ...who)).json).toMatchObject({ status: 'ROLLED_BACK', restores: null });
    const after = await runProgram(['calibrate', 'list', '--json', '--data', data]);
    const listed = JSON.parse(after.stdout.split('\n')[0] ?? '');
    expect(listed.in_force).toBe(false);
    expect(listed.history.map(({ status }: { status: string }) => status)).toEqual([
      'PROPOSED',
      'APPROVED',
      'ROLLED_BACK',
    ]);
  });

  test('an unknown version is wrong usage', async () => {
    const { code, stderr } = await calibrate(aDesk(), 'reject', 'cal-nope', '--by', 'Ada', '--reason', 'x');
    expect(code).toBe(2);
    expect(stderr).toContain('no version cal-nope');
  });
});

describe('verify', () => {
  test('proves an untouched version', async () => {
    const data = aDesk();
    const { code, json } = await calibrate(data, 'verify', await proposed(data));
    expect(code).toBe(0);
    expect(json.checks.map(({ name, holds }: { name: string; holds: boolean }) => [name, holds])).toEqual([
      ['export', true],
      ['topic', true],
      ['map', true],
      ['metrics', true],
    ]);
  });

  test('names the one outcome that was tampered with in the log', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const rows = gunzipSync(readFileSync(join(data, 'calibrations', version, 'rows.jsonl.gz')))
      .toString()
      .split('\n');
    const victim = JSON.parse(rows[123] ?? '');
    tamper(data, victim, victim.confidence, 0.123);
    const { code, json } = await calibrate(data, 'verify', version);
    expect(code).toBe(1);
    expect(json.differences).toEqual([
      {
        kind: 'changed',
        where: 'topic',
        position_id: victim.position_id,
        partition: victim.partition,
        offset: victim.offset,
        fields: [{ field: 'confidence', recorded: victim.confidence, found: 0.123 }],
      },
    ]);
  });

  test('names a row that was changed in the export, and still proves the rest by the topic', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const file = join(data, 'calibrations', version, 'rows.jsonl.gz');
    const lines = gunzipSync(readFileSync(file)).toString().split('\n');
    const victim = JSON.parse(lines[5] ?? '');
    lines[5] = JSON.stringify({ ...victim, label: victim.label === 'WIN' ? 'LOSS' : 'WIN' });
    writeFileSync(file, gzipSync(lines.join('\n')));
    const { code, json } = await calibrate(data, 'verify', version);
    expect(code).toBe(1);
    expect(json.differences).toMatchObject([{ where: 'export', position_id: victim.position_id }]);
  });

  test('what compaction or retention took is proved by the export, and is no tampering', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const database = new DatabaseSync(join(data, 'log.sqlite'));
    const [partition, offset] = middleOutcome(database);
    const place = "topic = 'clm.outcome' AND partition = ? AND offset";
    // Compaction: a later record of the position lies beyond the range, the earlier one is gone.
    database.prepare(`UPDATE records SET offset = offset + 100000 WHERE ${place} = ?`).run(partition, offset);
    // Retention: the oldest records of the partition are gone.
    const { changes } = database.prepare(`DELETE FROM records WHERE ${place} < 5`).run(partition);
    database.close();
    const { code, json } = await calibrate(data, 'verify', version);
    expect(json.differences).toEqual([]);
    expect(code).toBe(0);
    const topic = json.checks.find(({ name }: { name: string }) => name === 'topic');
    expect(topic.detail).toContain(`${Number(changes) + 1} are no longer in the range`);
  });

  test('without the export, a changed topic fails and says what is needed to name the row', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const file = join(data, 'calibrations', version, 'rows.jsonl.gz');
    const [line = ''] = gunzipSync(readFileSync(file)).toString().split('\n');
    const victim = JSON.parse(line);
    tamper(data, victim, victim.confidence, 0.123);
    const moved = join(data, 'elsewhere.gz');
    renameSync(file, moved);
    const without = await calibrate(data, 'verify', version);
    expect(without.code).toBe(1);
    expect(without.json.checks[1].detail).toContain('--rows');
    const named = await calibrate(data, 'verify', version, '--rows', moved);
    expect(named.json.differences).toMatchObject([
      { position_id: victim.position_id, fields: [{ field: 'confidence' }] },
    ]);
  });

  test('an outcome that was deleted from the log is named as missing', async () => {
    const data = aDesk();
    const version = await proposed(data);
    const database = new DatabaseSync(join(data, 'log.sqlite'));
    database
      .prepare("DELETE FROM records WHERE topic = 'clm.outcome' AND partition = ? AND offset = ?")
      .run(...middleOutcome(database));
    database.close();
    const { code, json } = await calibrate(data, 'verify', version);
    expect(code).toBe(1);
    expect(json.differences).toMatchObject([{ kind: 'missing', where: 'topic' }]);
  });
});

/** The middle record of a partition: neither its floor nor its end. */
function middleOutcome(database: DatabaseSync): [number, number] {
  const row = database
    .prepare("SELECT partition, max(offset) AS top FROM records WHERE topic = 'clm.outcome' GROUP BY partition LIMIT 1")
    .get();
  return [Number(row?.['partition']), Math.floor(Number(row?.['top']) / 2)];
}

/** Changes one double in the bytes of one outcome, as someone with access to the file could. */
function tamper(data: string, at: { partition: number; offset: number }, from: number, to: number): void {
  const database = new DatabaseSync(join(data, 'log.sqlite'));
  const where = "WHERE topic = 'clm.outcome' AND partition = ? AND offset = ?";
  const row = database.prepare(`SELECT value FROM records ${where}`).get(at.partition, at.offset);
  const value = Buffer.from(row?.['value'] as Uint8Array);
  const old = Buffer.alloc(8);
  old.writeDoubleLE(from);
  const index = value.indexOf(old);
  expect(index).toBeGreaterThan(0);
  value.writeDoubleLE(to, index);
  database.prepare(`UPDATE records SET value = ? ${where}`).run(value, at.partition, at.offset);
  database.close();
}
