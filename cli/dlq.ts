import { Argument, Command } from 'commander';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { ERROR_CODES } from '../errors/codes.ts';
import { HarvestlineError } from '../errors/harvestline-error.ts';
import { programName } from '../errors/program-name.ts';
import { didYouMean, nearestFirst } from '../errors/nearest.ts';
import { DeskNames } from '../schemas/desk-names.ts';
import { type Topic, TOPICS } from '../schemas/topics.ts';
import { openLog, withLog } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { type Place, place as parsePlace } from './options/parsers.ts';
import { idOfLetter, sourceTopicNamed } from '../pipelines/dlq/dead-letter.ts';
import {
  type DiscardOutcome,
  type DiscardSelection,
  type LetterName,
  discardLetters,
} from '../pipelines/dlq/discard-letters.ts';
import { examineLetter } from '../pipelines/dlq/examine-letter.ts';
import { discardLine, groupLines, outcomeLine, reportLines } from '../pipelines/dlq/view.ts';
import { listLetters } from '../pipelines/dlq/list-letters.ts';
import { readDiscarded } from '../pipelines/dlq/read-letters.ts';
import { type LetterSelection, retryLetters } from '../pipelines/dlq/retry-letters.ts';
import { LineWriter, jsonWanted, writeLines } from '../render/output.ts';

interface JsonFlag {
  readonly json?: true;
}

/** `harvestline dlq`: the records that no processor could read or act on. */
export function dlqCommand(): Command {
  return new Command('dlq')
    .description('dead letters: what waits, why, putting it back, and giving it up')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(retryCommand())
    .addCommand(discardCommand());
}

function listCommand(): Command {
  return logOptions(new Command('list'))
    .description('count the letters that wait, by topic and error code')
    .addArgument(topicArgument('[topic]'))
    .option('--json', 'one group a line as JSON, as in a pipe')
    .addHelpText(
      'after',
      `
first and last are the records' own times, "set aside up to" is when the last of them became a letter. Letters that were put back or
discarded do not count as waiting.

Examples:
  $ harvestline dlq list
  $ harvestline dlq list position.snapshot --json | jq .count`,
    )
    .action(async (name: string | undefined, options: LogOptions & JsonFlag) => {
      const topics = name === undefined ? Object.values(TOPICS) : [topicNamed(name, options)];
      const session = openLog(options, 'read');
      try {
        const discarded = await readDiscarded(session.log, () => session.openCodec());
        const groups = await listLetters(session.log, topics, discarded);
        await writeLines(jsonWanted(options) ? groups.map((group) => JSON.stringify(group)) : groupLines(groups));
      } finally {
        await session.close();
      }
    });
}

function showCommand(): Command {
  return logOptions(new Command('show'))
    .description('one letter: headers, bytes, how far it decodes now, and every failing path')
    .addArgument(topicArgument('<topic>'))
    .addArgument(new Argument('<letter>', 'PARTITION:OFFSET in the dead-letter topic').argParser(parsePlace))
    .option('--json', 'one JSON object, as in a pipe')
    .addHelpText(
      'after',
      `
Example:
  $ harvestline dlq show position.snapshot 3:17

Exit codes: 0 shown, 1 there is no letter at that place.`,
    )
    .action(async (name: string, place: Place, options: LogOptions & JsonFlag) => {
      const topic = topicNamed(name, options);
      await withLog(options, 'read', async (session) => {
        const report = await examineLetter(session, topic, place);
        if (report === null) {
          process.stderr.write(`${topic.name} has no dead letter at ${place.partition}:${place.offset}\n`);
          process.exitCode = 1;
          return;
        }
        await writeLines(jsonWanted(options) ? [JSON.stringify(report)] : reportLines(report));
      });
    });
}

interface RetryFlags extends LogOptions, JsonFlag {
  readonly all?: true;
  readonly code?: string;
  readonly dryRun?: true;
}

function retryCommand(): Command {
  return logOptions(new Command('retry'))
    .description('put letters back to the topic they came from, byte for byte, unless their cause stands')
    .addArgument(topicArgument('<topic>'))
    .argument('[letters...]', 'PARTITION:OFFSET in the dead-letter topic', parsePlaces)
    .option('--all', 'every letter of the topic that waits')
    .option('--code <code>', 'every letter of the topic that was refused with this code')
    .option('--dry-run', 'say what would be put back, and change nothing')
    .option('--json', 'one letter a line as JSON, a summary as the last line (as in a pipe)')
    .addHelpText(
      'after',
      `
The check of the topic's consumers runs first; what it still refuses is named and stays. A letter that was put back is not
offered again, and one that was discarded only where it is named. A letter without its bytes goes back with those of its source
topic, as long as that has them. At least once: after a crash a letter may go back twice, and both records name it in harvestline.retry.of.

Examples:
  $ harvestline dlq retry position.snapshot 3:17 3:18
  $ harvestline dlq retry position.snapshot --code SCHEMA_UNKNOWN --dry-run
  $ harvestline dlq retry position.snapshot --all

Exit codes: 0 all were put back (or would be), 1 at least one was refused.`,
    )
    .action(async (name: string, places: readonly Place[] | [], flags: RetryFlags) => {
      const topic = topicNamed(name, flags);
      const selection = selectionOf(places, flags);
      const dryRun = flags.dryRun === true;
      const json = jsonWanted(flags);
      await withLog(flags, dryRun ? 'read' : 'write', async (session) => {
        const lines = new LineWriter(process.stdout);
        const counts = await retryLetters(session, topic, selection, {
          dryRun,
          onOutcome: (outcome) => lines.write(json ? JSON.stringify(outcome) : outcomeLine(outcome)),
        });
        const { retried, refused } = counts;
        const summary = json
          ? JSON.stringify({ state: 'summary', dry_run: dryRun, retried, refused })
          : `${retried} ${dryRun ? 'would be put back' : 'put back'}, ${refused} refused`;
        await lines.write(summary);
        await lines.flush();
        if (refused > 0) process.exitCode = 1;
      });
    });
}

interface DiscardFlags extends LogOptions, JsonFlag {
  readonly id?: readonly string[];
  readonly code?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly dryRun?: true;
}

function discardCommand(): Command {
  return logOptions(new Command('discard'))
    .description('give up letters that nobody can mend: they raise no alert any more; who and why stay on record')
    .option('--id <id...>', 'letters, as `dlq list` and `dlq show` print them: TOPIC:PARTITION:OFFSET')
    .option('--code <code>', 'every letter that waits and was refused with this code, of all topics')
    .option('--name, --by <name>', 'who gives them up (needed)')
    .option('--reason <text>', 'why (needed)')
    .option('--dry-run', 'say what would be discarded, and change nothing')
    .option('--json', 'one letter a line as JSON, a summary as the last line (as in a pipe)')
    .addHelpText(
      'after',
      `
TOPIC is the dead-letter topic, or the topic that its records came from; PARTITION and OFFSET are those of the letter in the
dead-letter topic. The letters stay where they are: \`dlq show\` shows them, and \`dlq retry\` puts back one that is named. The record of
it is on letter.discarded.

Examples:
  $ harvestline dlq discard --code NOT_WIRE_FORMAT --by alice --reason "a test producer, stopped" --dry-run
  $ harvestline dlq discard --id position.snapshot.dlq:3:17 --by alice --reason "the producer is gone"

Exit codes: 0 none of them waits any more (or would), 1 there is no letter at one of the places, 2 wrong usage.`,
    )
    .action(async (flags: DiscardFlags) => {
      const selection = discardSelectionOf(flags);
      const { by, reason } = signed(flags);
      const dryRun = flags.dryRun === true;
      const json = jsonWanted(flags);
      // Read first: a folder without a log is an error, and writing would make one.
      if (!dryRun) await withLog(flags, 'read', () => Promise.resolve());
      await withLog(flags, dryRun ? 'read' : 'write', async (session) => {
        const now = new SystemClock().now();
        const outcomes = await discardLetters(session, selection, { by, reason, now, dryRun });
        const count = (...states: readonly DiscardOutcome['state'][]): number =>
          outcomes.filter(({ state }) => states.includes(state)).length;
        const discarded = count('discarded', 'would discard');
        const already = count('discarded before', 'put back before');
        const unknown = count('unknown');
        const summary = json
          ? JSON.stringify({ state: 'summary', dry_run: dryRun, discarded, already, unknown })
          : `${discarded} ${dryRun ? 'would be discarded' : 'discarded'}, ${already} no longer waited, ${unknown} unknown`;
        await writeLines([
          ...outcomes.map((outcome) => (json ? JSON.stringify(outcome) : discardLine(outcome))),
          summary,
        ]);
        if (unknown > 0) process.exitCode = 1;
      });
    });
}

/** Throws USAGE with every wrong id at once. */
function discardSelectionOf({ id: ids = [], code }: DiscardFlags): DiscardSelection {
  if (ids.length > 0 === (code !== undefined)) {
    throw new HarvestlineError('USAGE', 'name letters by --id, or all of one --code: one of the two');
  }
  if (code !== undefined) return { kind: 'code', code: knownCode(code) };
  const letters = new Map<string, LetterName>();
  const wrong: string[] = [];
  for (const id of ids) {
    const [, name = '', partition, offset] = /^(.+):(\d{1,9}):(\d{1,15})$/.exec(id) ?? [];
    const topic = sourceTopicNamed(name);
    if (topic === undefined) {
      wrong.push(name === '' ? `${id} is no TOPIC:PARTITION:OFFSET` : `${id}: there is no topic ${name}`);
      continue;
    }
    const letter = { topic, partition: Number(partition), offset: Number(offset) };
    letters.set(idOfLetter(topic.name, letter), letter);
  }
  if (wrong.length > 0) {
    throw new HarvestlineError(
      'USAGE',
      `${wrong.join('; ')}. \`${programName()} dlq list\` prints ids, for example position.snapshot.dlq:3:17`,
    );
  }
  return { kind: 'ids', letters: [...letters.values()] };
}

function signed({ by = '', reason = '' }: DiscardFlags): { readonly by: string; readonly reason: string } {
  const [name, why] = [by.trim(), reason.trim()];
  const missing = [name === '' ? '--by NAME' : '', why === '' ? '--reason TEXT' : ''].filter((one) => one !== '');
  if (missing.length === 0) return { by: name, reason: why };
  throw new HarvestlineError('USAGE', `what is given up needs a name and a reason: ${missing.join(' and ')} missing`);
}

/** A letter that is named twice is put back once. */
function parsePlaces(text: string, before: readonly Place[] = []): readonly Place[] {
  const place = parsePlace(text);
  const known = before.some(({ partition, offset }) => partition === place.partition && offset === place.offset);
  return known ? before : [...before, place];
}

function selectionOf(places: readonly Place[], { all, code }: RetryFlags): LetterSelection {
  const ways = [places.length > 0, all === true, code !== undefined].filter(Boolean).length;
  if (ways !== 1)
    throw new HarvestlineError('USAGE', 'name letters as PARTITION:OFFSET, or --all, or --code: one of the three');
  if (code === undefined) return all === true ? { kind: 'all' } : { kind: 'places', places };
  return { kind: 'code', code: knownCode(code) };
}

function knownCode(code: string): string {
  if (Object.hasOwn(ERROR_CODES, code)) return code;
  const named = didYouMean(code, Object.keys(ERROR_CODES));
  throw new HarvestlineError('USAGE', `no error code ${named}; \`${programName()} dlq list\` shows those that wait`);
}

function topicArgument(name: string): Argument {
  const names = Object.values(TOPICS).map((topic) => topic.name);
  return new Argument(name, `one of ${names.join(', ')}, or its dead-letter topic`);
}

function topicNamed(name: string, { desk }: LogOptions): Topic {
  const topic = sourceTopicNamed(new DeskNames(desk).inTable(name));
  if (topic !== undefined) return topic;
  const names = Object.values(TOPICS).map((known) => known.name);
  throw new HarvestlineError(
    'USAGE',
    `no topic ${didYouMean(name, names)}; there are ${nearestFirst(name, names).join(', ')}`,
  );
}
