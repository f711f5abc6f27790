import { Command, InvalidArgumentError } from 'commander';
import { fixRanges, readDataset, rowsByModel } from '../../pipelines/calibration/dataset.ts';
import { driftText } from '../../pipelines/calibration/report-words.ts';
import {
  SLICED_BY,
  type SliceFigures,
  type SlicedBy,
  type SlicedOutcomes,
  sliceFigures,
} from '../../pipelines/calibration/slice-figures.ts';
import { selectRows } from '../../pipelines/calibration/usable-rows.ts';
import { jsonWanted, writeLines } from '../../render/output.ts';
import { plainTable } from '../../render/tables.ts';
import { pc } from '../../render/terminal.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openForReading } from '../log-session/log-session.ts';
import { type LogOptions, logOptions } from '../options/log-options.ts';

interface ModelSlices extends SlicedOutcomes {
  readonly model_id: string;
}

interface SlicesFlags extends LogOptions {
  readonly by: readonly SlicedBy[];
  readonly model?: string;
  readonly json?: true;
}

export function slicesCommand(): Command {
  return logOptions(new Command('slices'))
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
      const session = await openForReading(flags);
      try {
        const topic = TOPICS.clmOutcome.name;
        const { rows } = await readDataset(session, topic, await fixRanges(session, topic, {}));
        const models = [...rowsByModel(rows)].flatMap(([model, own]): readonly ModelSlices[] => {
          if (model === null || (flags.model !== undefined && model !== flags.model)) return [];
          const selection = selectRows(own, 'exclude');
          if (selection.usable.length === 0) return [];
          return [{ model_id: model, ...sliceFigures(model, selection, flags.by) }];
        });
        if (models.length === 0) process.stderr.write(`no outcomes to learn from yet${ofModel(flags)}\n`);
        await writeLines(jsonWanted(flags) ? models.map((model) => JSON.stringify(model)) : linesOf(models));
      } finally {
        await session.close();
      }
    });
}

function ofModel({ model }: SlicesFlags): string {
  return model === undefined ? '' : ` of model ${model}`;
}

function linesOf(models: readonly ModelSlices[]): readonly string[] {
  return models.flatMap(({ model_id, ...sliced }, index) => [
    ...(index === 0 ? [] : ['']),
    pc.bold(model_id),
    ...slicedLines([sliced.all, ...sliced.slices, ...sliced.weeks]),
    driftLine(sliced.cusum),
  ]);
}

function driftLine(cusum: SlicedOutcomes['cusum']): string {
  const text = `drift: ${driftText(cusum)}`;
  return cusum !== null && cusum.statistic > cusum.threshold ? pc.yellow(text) : text;
}

function slicedBy(text: string): readonly SlicedBy[] {
  return text.split(',').map((name) => {
    const by = SLICED_BY.find((one) => one === name.trim());
    if (by === undefined) throw new InvalidArgumentError(`Give some of ${SLICED_BY.join(', ')}.`);
    return by;
  });
}

/** Parts of the outcomes as a table for a terminal. */
function slicedLines(parts: readonly SliceFigures[]): readonly string[] {
  return plainTable(
    [
      { head: '' },
      { head: '' },
      ...['n', 'hit rate', 'confidence', 'gap', '95 %', 'Brier'].map((head) => ({ head, align: 'right' as const })),
    ],
    parts.map((row) => [
      row.by,
      row.by === 'all' ? '' : row.name,
      String(row.n),
      row.hit_rate.toFixed(3),
      row.mean_confidence.toFixed(3),
      row.gap.toFixed(3),
      row.gap_low === null || row.gap_high === null ? '' : `${row.gap_low.toFixed(3)} to ${row.gap_high.toFixed(3)}`,
      row.brier.toFixed(4),
    ]),
  );
}
