import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { DEAD_LETTER_HEADERS } from '../../pipelines/runtime/dead-letter.ts';
import { defaultPolicy } from '../../pipelines/scoring/policy.ts';
import { VirtualClock } from '../../ports/clock.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TOPICS, allTopicSpecs, deadLetterTopicOf } from '../../schemas/topics.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

/** Clipboard, concealed text, a title, colours, C1, direction, zero width, separators, line breaks. */
const HOSTILE =
  '\u001B]52;c;ZXZpbA==\u0007\u001B[8m\u001B]0;t\u001B\\\u001B[31m\u009B2J\u0085\u202E\u2066\u061C\u200B\u2060\uFEFF\u2028\r\t\b';

/** All that a terminal obeys, or that changes what is seen, but line breaks. */
const OBEYED =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- it is about them
  /[\0-\u0009\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]/;

/** What the program says on its own behalf on a terminal: colours that picocolors has, and the cursor of a line that is replaced. */
// oxlint-disable-next-line no-control-regex -- it is about them
const OWN = /\u001B\[(?:[12]|22|3[1-6]|39)m|\u001B\[G\u001B\[2K/g;

const PROGRAM = fileURLToPath(new URL('../../bin/harvestline.mjs', import.meta.url));
const RUN_COMMANDS = fileURLToPath(new URL('run-commands.mjs', import.meta.url));

const folder = temporaryFolder();
const data = join(folder.path, 'data');
const policyFile = join(folder.path, `policy-${HOSTILE.replace('\0', '')}.json`);
const rowsFile = join(folder.path, 'rows.jsonl');

/** Copies of a value of which each has one text changed, then one that has all. */
function tainted(value: unknown): unknown[] {
  const places: (readonly (string | number)[])[] = [];
  const find = (one: unknown, path: readonly (string | number)[]): void => {
    if (typeof one === 'string') places.push(path);
    if (typeof one === 'object' && one !== null) for (const [key, of] of Object.entries(one)) find(of, [...path, key]);
  };
  find(value, []);
  const changed = (paths: readonly (readonly (string | number)[])[]): unknown => {
    const copy = structuredClone(value);
    for (const path of paths) {
      let at = copy as Record<string | number, unknown>;
      for (const key of path.slice(0, -1)) at = at[key] as typeof at;
      const last = path.at(-1) ?? '';
      at[last] = `${String(at[last])}${HOSTILE}`;
    }
    return copy;
  };
  return [...places.map((path) => changed([path])), changed(places)];
}

/** How many records bear foreign text, by topic. */
const written = new Map<string, number>();

beforeAll(async () => {
  const log = EmbeddedLog.open(data, new VirtualClock(0));
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  const codec = await RecordCodec.open(log.registry);
  const key = Buffer.from(`desk${HOSTILE}\n:${HOSTILE}`);
  const headers = [[`name${HOSTILE}\n`, Buffer.from(`value${HOSTILE}\n`)]] as const;
  const records: OutgoingRecord[] = [];
  for (const topic of Object.values(TOPICS)) {
    for (const record of tainted(GOOD_RECORDS[topic.name])) {
      let value: Uint8Array;
      try {
        value = codec.encode(topic.name, record as RecordByTopic[typeof topic.name]);
      } catch {
        // A text that only some words are allowed in.
        continue;
      }
      written.set(topic.name, (written.get(topic.name) ?? 0) + 1);
      records.push({ topic: topic.name, key, value, timestamp: 1_770_003_600_000, headers });
    }
    const why = Object.values(DEAD_LETTER_HEADERS).map((name) => [name, Buffer.from(`why${HOSTILE}\n`)] as const);
    records.push(
      { topic: topic.name, key, value: Buffer.from('not ours'), timestamp: 1, headers },
      {
        topic: deadLetterTopicOf(topic.name),
        key,
        value: Buffer.from('no'),
        timestamp: 1,
        headers: [...headers, ...why],
      },
    );
  }
  await log.append(records);
  await log.close();
  writeFileSync(policyFile, JSON.stringify({ ...defaultPolicy(), id: `p${HOSTILE}`, [`extra${HOSTILE}`]: 1 }));
  writeFileSync(rowsFile, `{"symbol":"${JSON.stringify(HOSTILE).slice(1, -1)}","${HOSTILE}":1}\n{"a${HOSTILE}`);
  return () => folder.remove();
});

interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

async function run(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, input = ''): Promise<Said> {
  const { KAFKA_BROKERS: _brokers, CI: _ci, NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
  const child = spawn(process.execPath, [script, ...args], { env: { ...inherited, HARVESTLINE_DATA: data, ...env } });
  child.stdin.on('error', () => {}).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr };
}

const SNAPSHOT = aSnapshot();
const LINES = [
  JSON.stringify({ ...SNAPSHOT, [`field${HOSTILE}\n`]: 1 }),
  JSON.stringify({ ...SNAPSHOT, symbol: `S${HOSTILE}` }),
  `{"a${HOSTILE}`,
  '{"\u009B":1,"\u009B":2}',
].join('\n');

/** What they are for, and their arguments. */
const COMMANDS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['status', ['status']],
  ...Object.values(TOPICS).map(({ name }) => [`tail ${name}`, ['tail', name, '--from', 'beginning']] as const),
  ['tail of dead letters', ['tail', deadLetterTopicOf(TOPICS.positionSnapshot.name), '--from', 'beginning']],
  ['explain', ['explain', GOOD_RECORDS[TOPICS.positionSnapshot.name].position_id]],
  ['explain an unknown', ['explain', `nobody${HOSTILE}`]],
  ['replay', ['replay', '--policy', 'legacy']],
  ['replay --audit', ['replay', '--audit']],
  ['shadow', ['shadow']],
  ['dlq list', ['dlq', 'list']],
  ['dlq show', ['dlq', 'show', TOPICS.harvestIntent.name, '0:0']],
  ['dlq retry', ['dlq', 'retry', TOPICS.harvestIntent.name, '--all', '--dry-run']],
  [
    'dlq discard',
    ['dlq', 'discard', '--code', `why${HOSTILE}\n`, '--by', `a${HOSTILE}`, '--reason', HOSTILE, '--dry-run'],
  ],
  ['desk list', ['desk', 'list']],
  ['calibrate list', ['calibrate', 'list']],
  ['calibrate propose', ['calibrate', 'propose']],
  ['calibrate slices', ['calibrate', 'slices', '--by', 'symbol,regime,policy']],
  ['clm export jsonl', ['clm', 'export']],
  ['clm export csv', ['clm', 'export', '--format', 'csv', '--topic', TOPICS.tradeClosed.name]],
  ['export csv', ['export', TOPICS.harvestIntent.name, '--format', 'csv']],
  ['export of no topic', ['export', `x${HOSTILE}\n`]],
  ['clm import', ['clm', 'import', rowsFile, '--dry-run']],
  ['policy check', ['policy', 'check', policyFile]],
  ['policy show', ['policy', 'show', policyFile]],
  ['a policy of that name', ['score', '--policy', `none${HOSTILE}\n`]],
  ['halt', ['halt', '--by', `a${HOSTILE}`, '--reason', `r${HOSTILE}\n`]],
  ['an unknown command', [`x${HOSTILE}`]],
  ['an unknown option', ['status', `--x${HOSTILE}`]],
  ['a folder that is not there', ['status', '--data', join(folder.path, `none${HOSTILE}\n`)]],
  ['a time that is none', ['tail', TOPICS.tradeClosed.name, '--from', `t${HOSTILE}\n`]],
];

describe('text from outside is shown, never obeyed', () => {
  it('and there is some in every topic', () => {
    expect([...written.keys()]).toEqual(Object.values(TOPICS).map(({ name }) => name));
    expect([...written.values()].reduce((sum, count) => sum + count)).toBeGreaterThan(60);
  });

  describe.each(['pipe', 'terminal'])('%s', (kind) => {
    /** What each command said, in turn. */
    let said: readonly Said[] = [];

    beforeAll(async () => {
      const env = kind === 'terminal' ? { FORCE_COLOR: '1' } : {};
      const args = JSON.stringify(COMMANDS.map(([, command]) => command));
      const { stdout, stderr } = await run(RUN_COMMANDS, [kind, args], env);
      const parts = (whole: string): string[] => whole.split(/^# \d+\n/m).slice(1);
      const errors = parts(stderr);
      said = parts(stdout).map((part, index) => ({ stdout: part, stderr: errors[index] ?? '' }));
    });

    it.each(COMMANDS.map(([name], index) => [name, index] as const))('%s', (_, index) => {
      expect(said).toHaveLength(COMMANDS.length);
      for (const part of [said[index]?.stdout, said[index]?.stderr])
        expect(kind === 'terminal' ? part?.replaceAll(OWN, '') : part).not.toMatch(OBEYED);
      // It did have something to say of what is foreign, or read it at least.
      expect(`${said[index]?.stdout}${said[index]?.stderr}`.length).toBeGreaterThan(20);
    });

    it('shows what it does not obey', () => {
      const whole = said.map(({ stdout, stderr }) => stdout + stderr).join('');
      expect(whole.match(/\\u001b\]52/g)?.length).toBeGreaterThan(kind === 'pipe' ? 100 : 10);
      if (kind === 'terminal') expect(whole.match(OWN)?.length).toBeGreaterThan(100);
    });
  });

  it('score', async () => {
    const { stdout, stderr } = await run(PROGRAM, ['score'], {}, LINES);
    expect(stdout).not.toMatch(OBEYED);
    expect(stderr).not.toMatch(OBEYED);
    expect(JSON.parse(stdout)).toMatchObject({ symbol: `S${HOSTILE}` });
  });

  it('JSON says the same as the records', async () => {
    const { stdout } = await run(PROGRAM, ['tail', TOPICS.modelSignal.name, '--from', 'beginning', '--json']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ value }) => value)).toContainEqual({
      ...GOOD_RECORDS[TOPICS.modelSignal.name],
      regime: `trend${HOSTILE}`,
    });
    for (const { key, headers } of lines) {
      expect(key).toBe(`desk${HOSTILE}\n:${HOSTILE}`);
      expect(headers).toEqual({ [`name${HOSTILE}\n`]: `value${HOSTILE}\n` });
    }
    expect(lines.length).toBeGreaterThan(5);
  });

  it('one bad field is one line, whatever its name', async () => {
    const { stderr } = await run(PROGRAM, ['score'], {}, LINES.split('\n')[0]);
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(/^line 1: field\\u001b.*is not declared/)]);
  });
});
