import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyConfig, placeInFile } from '../../../cli/config/apply-config.ts';
import { configPlace, readConfigFile } from '../../../cli/config/config-file.ts';
import { configSchema, fileOptions, isFlag, keyOf, leavesOf } from '../../../cli/config/config-schema.ts';
import { programFor } from '../../../cli/main.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { failureOf } from '../../fixtures/thrown-by.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let names = 0;

/** A file with that text, as the words that name it. */
function fileWith(text: string): string {
  const path = join(folder.path, `${(names += 1)}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** The command of these words, with the options of the file and of the flags. */
async function parsed(words: string, text: string, flags: readonly string[] = [], env: Record<string, string> = {}) {
  const [name = '', ...rest] = words.split(' ');
  const program = await programFor(name);
  let command: Command = program;
  for (const word of [name, ...rest]) command = command.commands.find((one) => one.name() === word) ?? command;
  command.action(() => {}).configureOutput({ writeErr: () => {} });
  applyConfig(program, ['--config', fileWith(text)], env, folder.path);
  await command.parseAsync(flags, { from: 'user' });
  return command;
}

/** `path: why` of each problem, without the name of the file. */
async function problemsOf(words: string, text: string): Promise<readonly string[]> {
  const program = await programFor(words);
  const path = fileWith(text);
  const { problems } = failureOf(() => applyConfig(program, ['--config', path], {}, folder.path));
  return problems.map((problem) => `${problem.path.split('.yaml:')[1]}: ${problem.why}`);
}

const DESK = `
desk: paris
run:
  venue: binanceusdm
  live: true
  symbols: [BTCUSDT, ETHUSDT]
  max_notional: 5000
  max-closes-per-minute: 7
  stream: false
calibrate:
  propose: { method: beta }
`;

describe('the options of a file', () => {
  it('are the options of the command, in either spelling', async () => {
    const run = await parsed('run', DESK);
    expect(run.opts()).toMatchObject({
      desk: 'paris',
      venue: 'binanceusdm',
      live: true,
      symbols: ['BTCUSDT', 'ETHUSDT'],
      maxNotional: 5000,
      maxClosesPerMinute: 7,
      stream: false,
    });
    expect(placeInFile(run, 'live')).toMatch(/\.yaml:5$/);
    expect(placeInFile(run, 'policy')).toBeNull();
  });

  it('of a section are those of that command alone, but doctor examines the desk of run', async () => {
    expect((await parsed('calibrate propose', DESK)).opts()).toMatchObject({ desk: 'paris', method: 'beta' });
    expect((await parsed('status', DESK)).opts()).not.toHaveProperty('venue');
    const doctor = await parsed('doctor', `${DESK}doctor: { max_notional: 9 }\n`);
    expect(doctor.opts()).toMatchObject({ venue: 'binanceusdm', live: true, maxNotional: 9 });
  });

  it('CONF-3: a flag replaces a list, and what it excludes does not count', async () => {
    expect((await parsed('run', DESK, ['--symbols', 'SOLUSDT', '--symbols', 'XRPUSDT'])).opts()).toMatchObject({
      symbols: ['SOLUSDT', 'XRPUSDT'],
    });
    const demo = await parsed('run', DESK, ['--demo']);
    expect(demo.opts()).toMatchObject({ demo: true, venue: 'binanceusdm' });
    expect(demo.opts()['live']).toBeUndefined();
  });

  it('CONF-3: both sides of a conflict in one file are refused', async () => {
    await expect(parsed('run', 'run: { live: true, demo: true }')).rejects.toMatchObject({
      code: 'commander.conflictingOption',
    });
  });

  it('CONF-3: flags win over the environment, that over the file, the file over defaults', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.boolean(), fc.boolean(), async (flag, variable, file) => {
        vi.unstubAllEnvs();
        if (variable) vi.stubEnv('HARVESTLINE_DATA', 'by-environment');
        const command = await parsed('status', file ? 'data: by-file' : '', flag ? ['--data', 'by-flag'] : []);
        const expected = flag ? 'by-flag' : variable ? 'by-environment' : file ? 'by-file' : '.harvestline';
        expect(command.opts()['data']).toBe(expected);
      }),
      { numRuns: 24 },
    );
    vi.unstubAllEnvs();
  });

  it('CONF-3: a Kafka of the environment wins over that of the file', async () => {
    const text = 'brokers: k1:9092\nregistry: http://k1:8081';
    expect((await parsed('status', text)).opts()).toMatchObject({ brokers: 'k1:9092', registry: 'http://k1:8081' });
    const given = await parsed('status', text, [], { KAFKA_BROKERS: 'k2:9092' });
    expect(given.opts()).not.toHaveProperty('brokers');
    expect((await parsed('status', text, [], { KAFKA_BROKERS: '' })).opts()).toMatchObject({ brokers: 'k1:9092' });
  });

  it('satisfies an option that must be given', async () => {
    expect((await parsed('notify test', 'notify: { test: { notify: targets.yaml } }')).opts()).toMatchObject({
      notify: 'targets.yaml',
    });
    await expect(parsed('notify test', '')).rejects.toMatchObject({ code: 'commander.missingMandatoryOptionValue' });
  });

  it('a number is taken as it is written', async () => {
    expect((await parsed('run', 'run: { account: 007 }')).opts()).toMatchObject({ account: '007' });
  });
});

describe('what is wrong in a file', () => {
  it('CONF-2: is named at once, with its line and the nearest name, and without values', async () => {
    const text = `brokers: []
run:
  max_notionl: 5
  max_notional: a lot
  symbols: "BTC USDT"
  live: yes
  order: fast
  api_secret: 5up3rs3cr3t
  venue: paper
  venue: bybit
from: beginning
brokrs: x
calibrate: propose
`;
    expect(await problemsOf('run', text.replace('  venue: paper\n', ''))).toEqual([
      '1: brokers: must be a word or a number',
      '3: run.max_notionl: there is no such option or command (did you mean max_notional?)',
      '4: run.max_notional: Give an amount above 0, e.g. 5000.',
      '5: run.symbols: Separate market ids by commas.',
      '6: run.live: must be true or false',
      '7: run.order: must be one of market, ioc, sliced, post_only',
      '8: run.api_secret: a secret must not stand here: give it by the environment, best as NAME_FILE',
      expect.stringMatching(
        /^10: from: means different things to commands: put it into the section of one \(.*run.*\)$/,
      ),
      '11: brokrs: there is no such option or command (did you mean brokers?)',
      '12: calibrate: must be a section: options by name',
    ]);
    expect((await problemsOf('run', text)).join()).not.toContain('5up3rs3cr3t');
    expect(await problemsOf('run', 'run:\n  max-notional: 1\n  max_notional: 2\n')).toEqual([
      '3: run.max_notional: stands there twice',
    ]);
  });

  it('a name that every object of JavaScript has is no option', async () => {
    const text = 'constructor: 1\n__proto__: 1\ndev: { toString: x }\n';
    expect(await problemsOf('run', text)).toEqual([
      '1: constructor: there is no such option or command',
      '2: __proto__: there is no such option or command',
      '3: dev.toString: there is no such option or command',
    ]);
  });

  it('one without end is not read to its end', () => {
    expect(failureOf(() => readConfigFile({ path: '/dev/zero', isNamed: true })).message).toContain(
      'larger than 1 MiB',
    );
  });

  it('that is no YAML is named by its line', async () => {
    expect(await problemsOf('run', 'desk: x\na: b: c\n')).toEqual([expect.stringMatching(/^2: is no YAML/)]);
  });
});

describe('where the file is', () => {
  it('the last --config says, else HARVESTLINE_CONFIG, else the folder', () => {
    const found = join(folder.path, 'harvestline.yaml');
    expect(configPlace([], {}, folder.path)).toBeNull();
    writeFileSync(found, 'desk: paris\n', { mode: 0o600 });
    expect(configPlace([], {}, folder.path)).toEqual({ path: found, isNamed: false });
    expect(configPlace([], { HARVESTLINE_CONFIG: 'a' }, folder.path)).toEqual({ path: 'a', isNamed: true });
    const words = ['run', '--config', 'b', '--config=c', '--', '--config', 'd'];
    expect(configPlace(words, { HARVESTLINE_CONFIG: 'a' }, folder.path)).toEqual({ path: 'c', isNamed: true });
  });

  it('CONF-1: one that everybody may write to, or of another user, counts only where it is named', () => {
    const path = join(folder.path, 'shared.yaml');
    writeFileSync(path, 'desk: paris\n');
    const refused = (): string => failureOf(() => readConfigFile({ path, isNamed: false })).message;
    chmodSync(path, 0o666);
    expect(refused()).toContain('may be written by everybody');
    expect(readConfigFile({ path, isNamed: true }).file.settings).toHaveLength(1);
    chmodSync(path, 0o600);
    expect(readConfigFile({ path, isNamed: false }).file.settings).toHaveLength(1);
    if (process.getuid?.() !== 0) return;
    chownSync(path, 12345, 12345);
    expect(refused()).toContain('belongs to another user');
  });
});

describe('the JSON Schema', () => {
  let program: Command;
  beforeAll(async () => {
    program = await programFor();
  });

  it('has every option of every command, and no other', () => {
    const { properties } = configSchema(program);
    for (const command of leavesOf(program)) {
      let section: unknown = { properties };
      for (let one: Command | null = command, words: string[] = []; one !== null; one = one.parent) {
        if (one.parent !== null) words = [one.name(), ...words];
        else for (const word of words) section = sectionIn(section, word);
      }
      const keys = Object.keys((section as { properties: object }).properties).filter((key) => !key.includes('-'));
      expect([command.name(), keys]).toEqual([command.name(), fileOptions(command).map(keyOf)]);
    }
  });

  it('has at the top what means the same to every command, and nothing else', () => {
    const { properties } = configSchema(program);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['brokers', 'desk', 'data', 'run']));
    expect(properties).not.toHaveProperty('from');
  });

  it('takes true or false for flags only', () => {
    const { $defs: definitions } = configSchema(program);
    for (const option of leavesOf(program).flatMap(fileOptions)) {
      expect([keyOf(option), definitions[keyOf(option)]?.type === 'boolean']).toEqual([keyOf(option), isFlag(option)]);
    }
  });
});

/** The section of a word, also where an option of all commands has its name. */
function sectionIn(section: unknown, word: string): unknown {
  const entry = (section as { properties: Record<string, object> }).properties[word] ?? {};
  return 'anyOf' in entry ? (entry.anyOf as readonly unknown[])[1] : entry;
}

it('the example is a valid file', async () => {
  const text = readFileSync(new URL('../../../examples/harvestline.yaml', import.meta.url), 'utf8');
  expect((await parsed('run', text)).opts()).toMatchObject({
    demo: true,
    symbols: ['BTCUSDT', 'ETHUSDT'],
    httpPort: 9464,
  });
});
