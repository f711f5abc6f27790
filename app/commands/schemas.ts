import { Command } from 'commander';
import pc from 'picocolors';
import { type Finding, checkSchemas } from '../../schemas/check-schemas.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { LineWriter, jsonWanted } from '../output.ts';

const EXAMPLES = `
Examples:
  $ harvestline schemas check                    this program's schemas, for people
  $ harvestline schemas check --json             one finding a line as JSON, a summary as the last line (as in a pipe)
  $ harvestline schemas check --dir ../schemas   another folder of the same layout: <topic>.avsc, released/<topic>/v<N>.avsc

Exit codes: 0 no problem, 1 at least one problem. An info (an unreleased change) is no problem.`;

interface CheckOptions {
  readonly json?: true;
  readonly dir?: string;
}

/** `harvestline schemas`: what evolves the schemas. */
export function schemasCommand(): Command {
  const command = new Command('schemas').description('check the schemas of the topics');
  command
    .command('check')
    .description('lint the schemas and compare them with every released version, offline')
    .option('--json', 'print NDJSON, as in a pipe')
    .option('--dir <folder>', "the folder of schemas to check; this program's own when left out")
    .addHelpText('after', EXAMPLES)
    .action(async (options: CheckOptions) => {
      const findings = options.dir === undefined ? checkSchemas() : checkSchemas(options.dir);
      const output = new LineWriter(process.stdout);
      for (const line of jsonWanted(options) ? toJsonLines(findings) : toText(findings)) await output.write(line);
      await output.flush();
      process.exitCode = countOf(findings, 'problem') === 0 ? 0 : 1;
    });
  return command;
}

function toJsonLines(findings: readonly Finding[]): readonly string[] {
  const summary = {
    level: 'summary',
    topics: Object.keys(TOPICS).length,
    problems: countOf(findings, 'problem'),
    infos: countOf(findings, 'info'),
  };
  return [...findings, summary].map((line) => JSON.stringify(line));
}

function toText(findings: readonly Finding[]): readonly string[] {
  const problems = countOf(findings, 'problem');
  const summary = `${Object.keys(TOPICS).length} topics checked, ${countText(problems, 'problem')}`;
  return [...findings.map(lineOf), problems === 0 ? pc.green(summary) : pc.red(summary)];
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
