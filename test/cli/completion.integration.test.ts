import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bashScript } from '../../cli/completion/bash.ts';
import { allCommands, completionTree } from '../../cli/completion/completion-tree.ts';
import { fishScript } from '../../cli/completion/fish.ts';
import { zshScript } from '../../cli/completion/zsh.ts';
import { programFor } from '../../cli/main.ts';
import { BUILT_IN_POLICIES } from '../../pipelines/scoring/policy.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';

/** The scripts in real shells. zsh and fish are not on every machine. */
const tree = completionTree(await programFor());
const folder = temporaryFolder();
afterAll(() => folder.remove());
const home = temporaryFolder();
afterAll(() => home.remove());
writeFileSync(join(folder.path, 'my policy.json'), '{}');
mkdirSync(join(folder.path, 'desk'));

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** The completions of each line, whose last word is the one to complete. One shell for all. */
function completedByBash(lines: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const quoted = (word: string): string => `'${word}'`;
  const asked = lines.map(
    (words) =>
      `COMP_WORDS=(harvestline ${words.map(quoted).join(' ')}); COMP_CWORD=${words.length}; _harvestline; printf '%s\\n' "\${COMPREPLY[@]}"; echo =`,
  );
  const script = [bashScript(tree), ...asked].join('\n');
  const { stdout, stderr } = spawnSync('bash', ['--norc'], { input: script, encoding: 'utf8', cwd: folder.path });
  expect(stderr).toBe('');
  return stdout
    .split('=\n')
    .slice(0, -1)
    .map((block) => block.split('\n').filter((word) => word !== ''));
}

function completedByFish(line: string): readonly string[] {
  const script = join(home.path, 'completion.fish');
  writeFileSync(script, `${fishScript(tree)}\ncomplete -C ${JSON.stringify(line)}\n`);
  const { stdout, stderr } = spawnSync('fish', ['--no-config', script], { encoding: 'utf8', cwd: folder.path });
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .flatMap((found) => found.split('\t')[0] ?? [])
    .filter((word) => word !== '');
}

const TOPIC_NAMES = allTopicSpecs().map(({ name }) => name);

describe('completion in bash', () => {
  it('knows every subcommand and every option of every command', () => {
    const commands = allCommands(tree);
    const groups = commands.filter(({ subcommands }) => subcommands.length > 0);
    const found = completedByBash([
      ...commands.map(({ words }) => [...words, '--']),
      ...groups.map(({ words }) => [...words, '']),
    ]);
    expect(found).toEqual([
      ...commands.map(({ options }) => options.map(({ long }) => long)),
      ...groups.map(({ subcommands }) => subcommands.map(({ words }) => words.at(-1))),
    ]);
    expect(commands.length).toBeGreaterThan(30);
  });

  it('knows topics, policies, choices, files and folders', () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['tail ', TOPIC_NAMES],
      ['export position.s', TOPIC_NAMES.filter((name) => name.startsWith('position.s'))],
      ['run --market ', ['live', 'simulated', 'candles']],
      ['run scoring sn', ['snapshots']],
      ['run --policy ', [...BUILT_IN_POLICIES.keys(), 'desk', 'my policy.json']],
      ['run --policy = leg', ['legacy']],
      ['status --data ', ['desk']],
      ['status --desk ', []],
      ['calibrate propose --method be', ['beta']],
      ['completion ', ['bash', 'zsh', 'fish']],
      ['nobody-knows-it ', []],
    ];
    const found = completedByBash(cases.map(([line]) => line.split(' ')));
    expect(found.map((words) => words.toSorted())).toEqual(cases.map(([, words]) => words.toSorted()));
  });
});

describe('completion in other shells', () => {
  it.skipIf(!has('zsh'))('is a script that zsh can read', () => {
    const { stderr, status } = spawnSync('zsh', ['-f', '-n'], { input: zshScript(tree), encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  });

  it.skipIf(!has('fish'))('in fish knows commands, options, topics and choices', () => {
    expect(completedByFish('harvestline calibrate ap')).toEqual(['approve']);
    expect(completedByFish('harvestline run --max-n')).toEqual(['--max-notional']);
    expect(completedByFish('harvestline tail trade.')).toEqual(['trade.closed', 'trade.closed.dlq']);
    expect(completedByFish('harvestline run --market s')).toEqual(['simulated']);
  });

  it('of zsh has a function for each command, and every option', () => {
    const script = zshScript(tree);
    for (const { words, options } of allCommands(tree)) {
      const body = script.split(`\n${['_harvestline', ...words].join('_')}() {`)[1]?.split('\n}')[0] ?? '';
      for (const { long } of options) expect(body).toContain(long);
    }
  });
});
