/**
 * `npm run bench [-- --json]`: what the parts cost. Ratios are measured pair by pair in one run and can be compared
 * between machines; rates cannot.
 */
import { parseArgs } from 'node:util';
import { plainTable } from '../app/plain-table.ts';
import { type Rate, rateOf, ratioOf } from './measure.ts';
import * as workloads from './workloads.ts';

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: Rate;
}

const { values } = parseArgs({ options: { json: { type: 'boolean' } } });

const measured = await workloads.inTemporaryFolder(measureAll);

if (values.json === true || !process.stdout.isTTY) {
  process.stdout.write(`${JSON.stringify({ node: process.version, figures: measured })}\n`);
} else {
  const columns = [
    { head: 'what' },
    ...['median', 'min', 'max'].map((head) => ({ head, align: 'right' as const })),
    { head: 'unit' },
  ];
  const rows = measured.map(({ name, unit, value }) => [
    name,
    text(value.median),
    text(value.min),
    text(value.max),
    unit,
  ]);
  process.stdout.write(`${plainTable(columns, rows).join('\n')}\n`);
}

async function measureAll(folder: string): Promise<readonly Figure[]> {
  const snapshots = workloads.simulatedSnapshots();
  const { log, codec } = await workloads.openLog(`${folder}/log`);
  const figures: Figure[] = [];
  const add = (name: string, unit: string, value: Rate): void => {
    figures.push({ name, unit, value });
    process.stderr.write(`${name}: ${text(value.median)} ${unit}\n`);
  };
  add('evaluate', 'snapshots/s', await rateOf(workloads.evaluating(snapshots)));
  add('decode, evaluate, encode', 'snapshots/s', await rateOf(workloads.scoring(snapshots, codec)));

  const encoding = workloads.encoding(snapshots, codec);
  const encoded = await ratioOf(encoding.strict, encoding.plain);
  add('strict encode', 'records/s', encoded.subject);
  add('plain avsc encode', 'records/s', encoded.baseline);
  add('strict encode costs', 'times plain', encoded.ratio);

  const decoding = workloads.decoding(snapshots, codec);
  const decoded = await ratioOf(decoding.strict, decoding.plain);
  add('strict decode', 'records/s', decoded.subject);
  add('plain avsc decode', 'records/s', decoded.baseline);
  add('strict decode costs', 'times plain', decoded.ratio);

  add('embedded append, 500 a batch', 'records/s', await rateOf(workloads.appending(snapshots, log, codec)));
  add('embedded read', 'records/s', await rateOf(workloads.reading(log)));
  await log.close();

  const { workload, close } = await workloads.chain(`${folder}/chain`);
  add('whole chain', 'snapshots/s', await rateOf(workload));
  await close();
  return figures;
}

function text(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}
