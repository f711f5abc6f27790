import { Command, InvalidArgumentError, Option } from 'commander';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { messageOf } from '../../errors/harvestline-error.ts';
import { didYouMean, nearest } from '../../errors/nearest.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { OUTCOME_TOPICS, type OutcomeTopic, fixRanges, readDataset } from '../../pipelines/calibration/dataset.ts';
import { readVersions } from '../../pipelines/calibration/decisions.ts';
import { METHODS, type Method } from '../../pipelines/calibration/fit.ts';
import { type LabelRule, RECORDED_LABEL, parseLabelRule } from '../../pipelines/calibration/label-rule.ts';
import { proposalJsonLines, proposalRecord } from '../../pipelines/calibration/proposal-json.ts';
import { proposalLines } from '../../pipelines/calibration/proposal-lines.ts';
import { type Proposal, proposeAll } from '../../pipelines/calibration/propose.ts';
import { SLICED_BY, type SlicedBy } from '../../pipelines/calibration/slice-figures.ts';
import type { NeutralRule } from '../../pipelines/calibration/usable-rows.ts';
import { policyInForce } from '../../pipelines/scoring/policy-history.ts';
import { BUILT_IN_POLICIES } from '../../pipelines/scoring/policy.ts';
import { jsonWanted, writeLines } from '../../render/output.ts';
import { StepProgress } from '../../render/progress.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { appendDecision, calibrationsFolder, withLog } from '../log-session/log-session.ts';
import { type LogOptions, logOptions, logWords } from '../options/log-options.ts';
import { days, integer, offsets } from '../options/parsers.ts';
import { loadPolicy } from '../options/policy-options.ts';
import { writeProposalFiles } from './proposal-files.ts';

/** The value of `--by`. */
interface By {
  readonly parts: readonly SlicedBy[];
  /** The proposer; null: not named by `--by`. */
  readonly name: string | null;
}

const DEFAULT_BY: By = { parts: ['symbol', 'side'], name: null };

interface ProposeFlags extends LogOptions {
  readonly topic: OutcomeTopic;
  readonly model?: string;
  readonly method?: Method;
  readonly neutral: NeutralRule;
  readonly label: LabelRule;
  readonly halfLife?: number;
  readonly from?: ReadonlyMap<number, number>;
  readonly to?: ReadonlyMap<number, number>;
  readonly policy?: string;
  readonly by: By;
  readonly name?: string;
  readonly out?: string;
  readonly seed: number;
  readonly dryRun?: true;
  readonly json?: true;
}

export function proposeCommand(): Command {
  return logOptions(new Command('propose'))
    .description('replay the outcomes, refuse or fit, report, and write a PROPOSED version for each model')
    .addOption(
      new Option('--topic <topic>', 'where the outcomes are read')
        .choices([...OUTCOME_TOPICS])
        .default(TOPICS.clmOutcome.name),
    )
    .option('--model <id>', 'only this model; every model of the outcomes when left out')
    .addOption(
      new Option('--method <method>', 'fit this one; cross-validation chooses when left out').choices([...METHODS]),
    )
    .addOption(
      new Option('--neutral <rule>', 'what a NEUTRAL outcome counts as')
        .choices(['exclude', 'loss'])
        .default('exclude'),
    )
    .option(
      '--label <rule>',
      'what counts as a win: pnl (as recorded), r:X (more than X times the initial risk either way), net (money after costs)',
      parseLabel,
      RECORDED_LABEL,
    )
    .option('--from <offsets>', 'first offsets, PARTITION:OFFSET[,…]', offsets)
    .option('--to <offsets>', 'offsets to stop before, PARTITION:OFFSET[,…]', offsets)
    .option(
      '--policy <id-or-file>',
      `what past snapshots are scored with, to find decisions that would change: ${[...BUILT_IN_POLICIES.keys()].join(', ')}, or a file (default: the one in force, as the log tells)`,
    )
    .option(
      '--half-life <days>',
      'in the fit an outcome so much older than the latest one weighs half as much (default: all weigh alike)',
      days,
    )
    .option(
      '--by <list>',
      `what the figures of parts are parted by: ${SLICED_BY.join(', ')}; several by commas`,
      parseBy,
      DEFAULT_BY,
    )
    .option('--name <name>', 'who proposes')
    .option('--out <dir>', 'folder for the report and the exported rows (default: calibrations in --data)')
    .option('--seed <n>', 'seed of the bootstrap', integer, 1)
    .option('--dry-run', 'judge and show, but write neither files nor a version')
    .option('--json', 'one JSON object a model, as in a pipe')
    .addHelpText(
      'after',
      `
The offsets to read are fixed at the start. A model is refused with every unmet condition at once. A proposal changes nothing
until a person approves it.

Examples:
  $ harvestline calibrate propose
  $ harvestline calibrate propose --model ensemble-7 --method sigmoid --dry-run
  $ harvestline calibrate propose --topic trade.closed --neutral loss --json | jq .metrics
  $ harvestline calibrate propose --label r:0.5 --dry-run
  $ harvestline calibrate propose --half-life 30 --by symbol,regime,policy --dry-run

Exit codes: 0 proposed (or known already), 1 every model was refused, 2 wrong usage.`,
    )
    .action(propose);
}

async function propose(flags: ProposeFlags): Promise<void> {
  const clock = new SystemClock();
  const given = flags.policy === undefined ? null : loadPolicy(flags.policy);
  const progress = new StepProgress(process.stderr, clock);
  let proposals: readonly Proposal[];
  try {
    proposals = await withLog(flags, 'read', async (topics) => {
      const versions = await readVersions(topics);
      const policy = given ?? (await policyInForce(topics)).policy;
      const ranges = await fixRanges(topics, flags.topic, flags);
      const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
      const dataset = await readDataset(topics, flags.topic, ranges, progress.counter('outcomes', total));
      return proposeAll(topics, dataset, versions, {
        model: flags.model ?? null,
        method: flags.method ?? null,
        neutral: flags.neutral,
        label: flags.label,
        by: flags.by.parts,
        halfLifeDays: flags.halfLife ?? null,
        policy,
        random: new SeededRandom(flags.seed),
        now: clock.now(),
        programVersion: packageJson.version,
        onStep: (step) => progress.step(step),
      });
    });
    if (flags.dryRun !== true) await keep(proposals, flags, (step) => progress.step(step));
  } finally {
    progress.done();
  }
  const kept = {
    dryRun: flags.dryRun === true,
    folder: folderOf(flags),
    neutral: flags.neutral,
    by: proposerOf(flags),
  };
  await writeLines(
    jsonWanted(flags)
      ? proposalJsonLines(proposals, kept)
      : proposalLines(proposals, { ...kept, logWords: logWords(flags) }),
  );
  if (proposals.every(({ kind }) => kind === 'refused')) process.exitCode = 1;
}

/** Writes the files and then the record (CLC-1). */
async function keep(
  proposals: readonly Proposal[],
  flags: ProposeFlags,
  onStep: (step: string) => void,
): Promise<void> {
  const fresh = proposals.filter((proposal) => proposal.kind === 'proposed');
  if (fresh.length === 0) return;
  for (const { report, rows } of fresh) {
    onStep(`${report.model_id}: report and rows`);
    await writeProposalFiles(folderOf(flags), report, rows);
  }
  await withLog(flags, 'write', async (topics) => {
    for (const { report } of fresh) {
      await appendDecision(topics, proposalRecord(report, flags.neutral, proposerOf(flags)));
    }
  });
}

function proposerOf({ name, by }: ProposeFlags): string | null {
  return name ?? by.name;
}

function folderOf(flags: ProposeFlags): string {
  return flags.out ?? calibrationsFolder(flags);
}

function parseLabel(text: string): LabelRule {
  try {
    return parseLabelRule(text);
  } catch (cause) {
    throw new InvalidArgumentError(messageOf(cause));
  }
}

/** A value that resembles no part is the name of the proposer, which `--by` used to be. */
function parseBy(text: string): By {
  const names = text.split(',').map((name) => name.trim());
  const parts = names.flatMap((name) => SLICED_BY.find((one) => one === name) ?? []);
  if (parts.length === names.length) return { parts, name: null };
  const [wrong = text] = names.filter((name) => !SLICED_BY.some((one) => one === name));
  if (parts.length > 0 || names.length > 1 || nearest(wrong, SLICED_BY).length > 0)
    throw new InvalidArgumentError(`Give some of ${SLICED_BY.join(', ')}, not ${didYouMean(wrong, SLICED_BY)}.`);
  return { ...DEFAULT_BY, name: text };
}
