import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { programFor } from '../../cli/main.ts';

/** Every command and subcommand, with the words that call it. */
function commandsOf(command: Command, words: readonly string[] = []): readonly (readonly [string, Command])[] {
  return command.commands.flatMap((sub) => {
    const named = [...words, sub.name()];
    return [[named.join(' '), sub] as const, ...commandsOf(sub, named)];
  });
}

const commands = commandsOf(await programFor());

describe('options of every command', () => {
  it('are looked at here', () => {
    expect(commands.map(([name]) => name)).toEqual(
      expect.arrayContaining(['run', 'dev', 'dlq retry', 'calibrate propose']),
    );
  });

  it.each(commands)('%s: none swallows the arguments behind it', (_name, command) => {
    if (command.registeredArguments.length === 0) return;
    expect(command.options.filter(({ variadic }) => variadic).map(({ flags }) => flags)).toEqual([]);
  });

  it.each([
    [['--candles', 'a.csv', 'b.csv']],
    [['--candles', 'a.csv,b.csv']],
    [['--candles', 'a.csv', '--cycles', '1', '--candles', 'b.csv']],
  ])('of `dev`, which takes no arguments, may have several words: %j', async (argv) => {
    const dev = (await programFor('dev')).commands.find((command) => command.name() === 'dev');
    dev?.action(() => {});
    await dev?.parseAsync(argv, { from: 'user' });
    expect(dev?.opts()['candles']).toEqual(['a.csv', 'b.csv']);
  });

  it('of `run` may stand before the processors or behind them, and mean the same', async () => {
    const words = ['snapshots', 'scoring', 'execution', 'clm'];
    const options = [
      '--symbols',
      'BTCUSDT,ETHUSDT',
      '--candles',
      'a.csv,b.csv',
      '--candles',
      'c.csv',
      '--shadow',
      'legacy',
    ];
    const parsed = async (argv: readonly string[]) => {
      const run = (await programFor('run')).commands.find((command) => command.name() === 'run');
      let seen: unknown;
      run?.action((names: readonly string[], given: object) => {
        seen = { names, given };
      });
      await run?.parseAsync(argv, { from: 'user' });
      return seen;
    };
    const behind = await parsed([...words, ...options]);
    expect(behind).toMatchObject({
      names: words,
      given: { symbols: ['BTCUSDT', 'ETHUSDT'], candles: ['a.csv', 'b.csv', 'c.csv'], market: 'candles' },
    });
    expect(await parsed([...options, ...words])).toEqual(behind);
  });
});
