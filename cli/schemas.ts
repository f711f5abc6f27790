import { Command, Option } from 'commander';
import { pc } from '../render/terminal.ts';
import { HarvestlineError, type Problem } from '../errors/harvestline-error.ts';
import { didYouMean, nearestFirst } from '../errors/nearest.ts';
import { type Finding, checkSchemas } from '../schemas/tooling/check-schemas.ts';
import { loadSchema, type Topic, TOPICS, findTopic } from '../schemas/topics.ts';
import { openLog } from './log-session/log-session.ts';
import { type LogOptions, logOptions } from './options/log-options.ts';
import { LineWriter, jsonWanted, terminalWidth, writeLines } from '../render/output.ts';
import { hanging } from '../render/terminal-text.ts';
import {
  type SchemaDiff,
  diffSchema,
  registerSchema,
  versionInFile,
  versionsInRegistry,
  versionsReleased,
  type Registration,
} from '../schemas/tooling/schema-versions.ts';
import type { DeployOrder } from '../schemas/tooling/describe-change.ts';

const CHECK_EXAMPLES = `
Examples:
  $ harvestline schemas check                    this program's schemas, for people
  $ harvestline schemas check --json             one finding a line as JSON, a summary as the last line (as in a pipe)
  $ harvestline schemas check --dir ../schemas   another folder of the same layout: <topic>.avsc, released/<topic>/v<N>.avsc

Exit codes: 0 no problem, 1 at least one problem. An info (an unreleased change) is no problem.`;

const REGISTER_EXAMPLES = `
What breaks the lint, a released version or a version in the registry is refused here, before the registry is asked.

Examples:
  $ harvestline schemas register --dry-run    what would be registered, and how it differs from the latest version
  $ harvestline schemas register              make this program's schemas versions of their subjects

Exit codes: 0 the registry holds every schema (or would), 1 at least one was refused.`;

const DIFF_EXAMPLES = `
Examples:
  $ harvestline schemas diff                                this program's schemas against the latest released versions
  $ harvestline schemas diff trade.closed --against registry
  $ harvestline schemas diff trade.closed --against ../main/schemas/trade.closed.avsc

Exit codes: 0 every change is compatible with every older version, 1 one is not.`;

/** `harvestline schemas`: what evolves the schemas. */
export function schemasCommand(): Command {
  return new Command('schemas')
    .description('check, compare and register the schemas of the topics')
    .addCommand(checkCommand())
    .addCommand(diffCommand())
    .addCommand(registerCommand());
}

function checkCommand(): Command {
  return new Command('check')
    .description('lint the schemas and compare them with every released version, offline')
    .option('--json', 'print NDJSON, as in a pipe')
    .option('--dir <folder>', "the folder of schemas to check; this program's own when left out")
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (options: { readonly json?: true; readonly dir?: string }) => {
      const findings = options.dir === undefined ? checkSchemas() : checkSchemas(options.dir);
      await writeLines(jsonWanted(options) ? findingsAsJson(findings) : findingsAsText(findings));
      process.exitCode = countOf(findings, 'problem') === 0 ? 0 : 1;
    });
}

function registerCommand(): Command {
  return logOptions(new Command('register'))
    .description("make this program's schemas versions of their subjects; nothing else ever registers one")
    .option('--dry-run', 'say what would be registered, and change nothing')
    .option('--json', 'one registration a line as JSON, as in a pipe')
    .addHelpText('after', REGISTER_EXAMPLES)
    .action(async (options: LogOptions & { readonly dryRun?: true; readonly json?: true }) => {
      const dryRun = options.dryRun === true;
      const session = openLog(options, dryRun ? 'read' : 'write');
      try {
        const lines = new LineWriter(process.stdout);
        for (const topic of Object.values(TOPICS)) {
          const registration = await registerSchema(session.registry, topic, { dryRun });
          if (registration.state === 'refused') process.exitCode = 1;
          const text = jsonWanted(options) ? [JSON.stringify(registration)] : registrationLines(registration);
          for (const line of text) await lines.write(line);
        }
        await lines.flush();
      } finally {
        await session.close();
      }
    });
}

function diffCommand(): Command {
  return logOptions(new Command('diff'))
    .description("tell this program's schemas from older ones in words, and which side of a change to deploy first")
    .argument(
      '[topic]',
      `one of ${Object.values(TOPICS)
        .map(({ name }) => name)
        .join(', ')}; all when left out`,
    )
    .addOption(
      new Option('--against <older>', 'released, registry, or a file that holds an Avro schema').default('released'),
    )
    .option('--json', 'one topic a line as JSON, as in a pipe')
    .addHelpText('after', DIFF_EXAMPLES)
    .action(async (name: string | undefined, options: DiffOptions) => {
      const diffs = await diffsOf(name === undefined ? Object.values(TOPICS) : [topicNamed(name)], options);
      await writeLines(jsonWanted(options) ? diffs.map((diff) => JSON.stringify(diff)) : diffs.flatMap(diffLines));
      process.exitCode = diffs.every(({ compatible }) => compatible) ? 0 : 1;
    });
}

interface DiffOptions extends LogOptions {
  readonly against: string;
  readonly json?: true;
}

async function diffsOf(topics: readonly Topic[], options: DiffOptions): Promise<readonly SchemaDiff[]> {
  if (options.against === 'released') {
    return topics.map((topic) => diffSchema(topic, loadSchema(topic), versionsReleased(topic)));
  }
  if (options.against !== 'registry') {
    const [topic, ...others] = topics;
    if (topic === undefined || others.length > 0) {
      throw new HarvestlineError('USAGE', `name the topic whose schema to compare with ${options.against}`);
    }
    return [diffSchema(topic, loadSchema(topic), versionInFile(options.against))];
  }
  const log = openLog(options, 'read');
  try {
    const diffs: SchemaDiff[] = [];
    for (const topic of topics) {
      diffs.push(diffSchema(topic, loadSchema(topic), await versionsInRegistry(topic, log.registry)));
    }
    return diffs;
  } finally {
    await log.close();
  }
}

function topicNamed(name: string): Topic {
  const topic = findTopic(name);
  if (topic !== undefined) return topic;
  const names = Object.values(TOPICS).map((known) => known.name);
  throw new HarvestlineError(
    'USAGE',
    `no topic ${didYouMean(name, names)}; there are ${nearestFirst(name, names).join(', ')}`,
  );
}

function findingsAsJson(findings: readonly Finding[]): readonly string[] {
  const summary = {
    level: 'summary',
    topics: Object.keys(TOPICS).length,
    problems: countOf(findings, 'problem'),
    infos: countOf(findings, 'info'),
  };
  return [...findings, summary].map((line) => JSON.stringify(line));
}

function findingsAsText(findings: readonly Finding[]): readonly string[] {
  const problems = countOf(findings, 'problem');
  const summary = `${Object.keys(TOPICS).length} topics checked, ${countText(problems, 'problem')}`;
  const [bounds, others] = [findings.filter(addsBounds), findings.filter((finding) => !addsBounds(finding))];
  return [
    ...(bounds.length > FOLDED_FROM ? foldedLines(bounds) : bounds.map(lineOf)),
    ...others.map(lineOf),
    problems === 0 ? pc.green(summary) : pc.red(summary),
  ];
}

/** More findings of one kind than this are one. Unit: findings. */
const FOLDED_FROM = 2;

function addsBounds({ level, rule }: Finding): boolean {
  return level === 'info' && rule === 'compatibility';
}

/** Allowed additions of bounds, which stay in the list for as long as the version without them is kept. */
function foldedLines(findings: readonly Finding[]): readonly string[] {
  const topics = [...new Set(findings.map(({ topic }) => topic))].join(', ');
  const text = `${countText(findings.length, 'topic')} had bounds added since an earlier version, beyond which no truthful record lies (--json has every path): ${topics}`;
  return hanging('info     ', text, terminalWidth()).map((line) => line.replace(/^info/, pc.dim('info')));
}

/** `trade.closed: quantity: the bound was tightened … (v1, new reader, old data) [compatibility]` */
function lineOf(finding: Finding): string {
  const level = finding.level === 'problem' ? pc.red('problem') : pc.dim('info   ');
  const where = [finding.version === undefined ? undefined : `v${finding.version}`, finding.direction];
  const coordinates = where.filter((part) => part !== undefined).join(', ');
  const suffix = coordinates === '' ? '' : ` (${coordinates})`;
  return `${level}  ${pc.bold(finding.topic)}: ${finding.path}: ${finding.why}${suffix} ${pc.dim(`[${finding.rule}]`)}`;
}

function countOf(findings: readonly Finding[], level: Finding['level']): number {
  return findings.filter((finding) => finding.level === level).length;
}

function countText(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? noun : `${noun}s`}`;
}

const DEPLOY_TEXT: Readonly<Record<DeployOrder, string>> = {
  either: 'compatible: deploy producers and consumers in either order',
  'consumers first':
    'compatible: deploy consumers first; an older consumer sets records with a new symbol aside as dead letters',
  neither: 'incompatible: deploy neither side',
};

/** A diff for people: a heading, a line a change, a line a problem, the verdict. */
function diffLines(diff: SchemaDiff): readonly string[] {
  const { topic, against, version, held_as: held, changes, compatible, deploy_first: order } = diff;
  if (version === null) return [`${pc.bold(topic)}: ${against} has no version of it`];
  if (held === version) return [`${pc.bold(topic)}: equal to ${against} v${version}`];
  const count = `${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`;
  const verdict = compatible ? pc.green(DEPLOY_TEXT[order]) : pc.red(DEPLOY_TEXT[order]);
  return [
    held === null
      ? `${pc.bold(topic)}: ${count} since ${against} v${version}`
      : `${pc.bold(topic)}: equal to ${against} v${held}; ${count} up to its v${version}`,
    ...changeLines(diff),
    ...problemLines(diff.problems),
    `  ${verdict}`,
  ];
}

/** A registration for people. */
export function registrationLines(registration: Registration): readonly string[] {
  const { subject, state, version, id, diff, problems } = registration;
  const where = version === null ? '' : ` as version ${version}, id ${id}`;
  const heading = `${pc.bold(subject)}: ${state === 'refused' ? pc.red(state) : state}${where}`;
  if (state === 'already there') return [heading];
  if (diff.version === null) return [`${heading}: the first version`, ...problemLines(problems)];
  const verdict = state === 'refused' ? [] : [`  ${DEPLOY_TEXT[diff.deploy_first]}`];
  return [`${heading}, since version ${diff.version}:`, ...changeLines(diff), ...problemLines(problems), ...verdict];
}

function changeLines({ changes }: SchemaDiff): readonly string[] {
  return changes.map(({ path, text }) => `  ${path}: ${text}`);
}

function problemLines(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ path, why }) => `  ${pc.red('problem')} ${path}: ${why}`);
}
