import { Command, InvalidArgumentError } from 'commander';
import { pc } from '../../../connectors/system/terminal.ts';
import {
  type ModelSlices,
  SLICED_BY,
  type SlicedBy,
  sliceFigures,
} from '../../../pipelines/calibration/slice-figures.ts';
import { formatEventTime } from '../../../pipelines/watch/event-time.ts';
import type { ClmOutcome, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type WorldOptions, openReadOnlyWorld, worldOptions } from '../../open-world.ts';
import { jsonWanted, writeLines } from '../../output.ts';
import { plainTable } from '../../plain-table.ts';
import { visitTopic } from '../../read-topic.ts';

interface SlicesFlags extends WorldOptions {
  readonly by: readonly SlicedBy[];
  readonly model?: string;
  readonly json?: true;
}

export function slicesCommand(): Command {
  return worldOptions(new Command('slices'))
    .description("what each model's confidence is worth by symbol, side, regime, age and policy, and over time")
    .option('--by <list>', `${SLICED_BY.join(', ')}; several by commas`, slicedBy, ['symbol', 'side'])
    .option('--model <id>', 'only this model')
    .option('--json', 'NDJSON, one model a line, also on a terminal')
    .addHelpText(
      'after',
      `
Of the latest outcome of each position: FINAL, not excluded, WIN or LOSS. gap is the mean confidence minus the share that won: above 0
the model is over-confident. Its 95 % interval counts with days, since positions of one day are no independent draws; fewer than 10
days have none. Weeks begin on Monday, UTC. The last line says whether the gap has changed over time (CUSUM of the days).
Maps stay one a model: a part that differs is a reason to look, not to fit.

Examples:
  $ harvestline calibrate slices
  $ harvestline calibrate slices --by regime,age,policy --model ensemble-7
  $ harvestline calibrate slices --json | jq '.slices[] | select(.gap_low > 0)'`,
    )
    .action(async (flags: SlicesFlags) => {
      const world = await openReadOnlyWorld(flags);
      try {
        const latest = new Map<PositionId, ClmOutcome>();
        await visitTopic(world, TOPICS.clmOutcome.name, {}, (outcome) => latest.set(outcome.position_id, outcome));
        const models = sliceFigures(latest.values(), flags.by).filter(
          ({ model_id }) => flags.model === undefined || model_id === flags.model,
        );
        if (models.length === 0) process.stderr.write(`no outcomes to learn from yet${ofModel(flags)}\n`);
        await writeLines(jsonWanted(flags) ? models.map((model) => JSON.stringify(model)) : linesOf(models));
      } finally {
        await world.close();
      }
    });
}

function ofModel({ model }: SlicesFlags): string {
  return model === undefined ? '' : ` of model ${model}`;
}

function linesOf(models: readonly ModelSlices[]): readonly string[] {
  return models.flatMap(({ model_id, all, slices, weeks, cusum }, index) => [
    ...(index === 0 ? [] : ['']),
    pc.bold(model_id),
    ...plainTable(
      [
        { head: '' },
        { head: '' },
        ...['n', 'hit rate', 'confidence', 'gap', '95 %', 'Brier'].map((head) => ({ head, align: 'right' as const })),
      ],
      [all, ...slices, ...weeks].map((row) => [
        row.by,
        row.by === 'all' ? '' : row.name,
        String(row.n),
        row.hit_rate.toFixed(3),
        row.mean_confidence.toFixed(3),
        row.gap.toFixed(3),
        row.gap_low === null || row.gap_high === null ? '' : `${row.gap_low.toFixed(3)} to ${row.gap_high.toFixed(3)}`,
        row.brier.toFixed(4),
      ]),
    ),
    driftLine(cusum),
  ]);
}

function driftLine(cusum: ModelSlices['cusum']): string {
  if (cusum === null) return 'drift: fewer than 20 days cannot tell';
  const { statistic, threshold, day } = cusum;
  const figures = `CUSUM ${statistic.toFixed(2)}, ${threshold.toFixed(2)} at 5 %`;
  if (statistic <= threshold) return `drift: none seen (${figures})`;
  return pc.yellow(`drift: the gap differs before and after ${formatEventTime(day).slice(0, 10)} (${figures})`);
}

function slicedBy(text: string): readonly SlicedBy[] {
  return text.split(',').map((name) => {
    const by = SLICED_BY.find((one) => one === name.trim());
    if (by === undefined) throw new InvalidArgumentError(`Give some of ${SLICED_BY.join(', ')}.`);
    return by;
  });
}
