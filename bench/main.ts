/**
 * `npm run bench [-- kafka | execution | replay | slippage | weight | external-close | watch] [-- --json]`: what the parts cost. Ratios are
 * measured pair by pair in one run and can be compared between machines; rates cannot.
 */
import { parseArgs } from 'node:util';
import { plainTable } from '../render/tables.ts';
import { benchExecution } from './execution.ts';
import { benchExternalClose } from './external-close.ts';
import { benchKafka } from './kafka.ts';
import { benchReplay } from './replay.ts';
import { benchWatch } from './watch.ts';
import { benchWeight } from './weight.ts';
import { type Figure, rateOf, ratioOf } from './measure.ts';
import { type Closing, STYLES, closing, summaryOf } from './slippage.ts';
import * as workloads from './workloads.ts';

/** Enough for some seconds of work on two cores. */
const RECORDS = '200000';

/** Orders take longer than records. */
const ORDERS = '2000';

/** Enough that the means of two runs over other seeds agree to a basis point. */
const SEEDS = '200';

const DAY_HOURS = '24';

/** One by one, in about seven minutes. */
const CLOSES = '100';
const USUAL_CYCLE_MS = '30000';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    records: { type: 'string' },
    seeds: { type: 'string' },
    hours: { type: 'string' },
    cycle: { type: 'string' },
  },
});

const measured: Figure[] = [];
const add = (figure: Figure): void => {
  measured.push(figure);
  process.stderr.write(`${figure.name}: ${text(figure.value.median)} ${figure.unit}\n`);
};

if (positionals[0] === 'kafka') await benchKafka(Number(values.records ?? RECORDS), add);
else if (positionals[0] === 'execution') await benchExecution(Number(values.records ?? ORDERS), add);
else if (positionals[0] === 'replay') await benchReplay(Number(values.records ?? RECORDS), add);
else if (positionals[0] === 'slippage') await showSlippage(Number(values.seeds ?? SEEDS));
else if (positionals[0] === 'weight') await benchWeight(Number(values.hours ?? DAY_HOURS), add);
else if (positionals[0] === 'watch') await benchWatch(add);
else if (positionals[0] === 'external-close') {
  const options = { closes: Number(values.records ?? CLOSES), cycleMs: Number(values.cycle ?? USUAL_CYCLE_MS) };
  await benchExternalClose(options, add);
} else await workloads.inTemporaryFolder(measureParts);

if (positionals[0] === 'slippage') {
  // Shown already: it has columns of its own.
} else if (values.json === true || !process.stdout.isTTY) {
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

async function showSlippage(seeds: number): Promise<void> {
  const closings: Closing[] = [];
  await workloads.inTemporaryFolder(async (folder) => {
    const { log, codec } = await workloads.openLog(folder);
    for (let seed = 1; seed <= seeds; seed++) {
      for (const style of STYLES) closings.push(await closing(codec, style, seed));
    }
    await log.close();
  });
  const summaries = STYLES.map((style) => summaryOf(style, closings));
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify(summaries)}\n`);
    return;
  }
  const heads = ['closed', 'slippage bps', 'worst', 'shortfall bps', 'intents', 'orders', 'seconds'];
  const rows = summaries.map((one) => [
    one.style,
    `${(one.closed * 100).toFixed(1)} %`,
    ...[one.slippage_bps, one.worst_slippage_bps, one.shortfall_bps].map((bps) => bps.toFixed(1)),
    ...[one.intents, one.orders, one.seconds].map((count) => count.toFixed(1)),
  ]);
  const columns = [{ head: 'orders' }, ...heads.map((head) => ({ head, align: 'right' as const }))];
  process.stdout.write(`${plainTable(columns, rows).join('\n')}\n`);
}

async function measureParts(folder: string): Promise<void> {
  const snapshots = workloads.simulatedSnapshots();
  const { log, codec } = await workloads.openLog(`${folder}/log`);
  add({ name: 'evaluate', unit: 'snapshots/s', value: await rateOf(workloads.evaluating(snapshots)) });
  add({ name: 'verdict alone', unit: 'snapshots/s', value: await rateOf(workloads.judging(snapshots)) });
  for (const share of [0, 0.1, 1]) {
    add({
      name: `decode, evaluate, encode: ${share * 100} % intents`,
      unit: 'snapshots/s',
      value: await rateOf(workloads.scoring(workloads.withIntents(snapshots, share), codec)),
    });
  }

  const encoding = workloads.encoding(snapshots, codec);
  const encoded = await ratioOf(encoding.strict, encoding.plain);
  add({ name: 'strict encode', unit: 'records/s', value: encoded.subject });
  add({ name: 'plain avsc encode', unit: 'records/s', value: encoded.baseline });
  add({ name: 'strict encode costs', unit: 'times plain', value: encoded.ratio });

  const decoding = workloads.decoding(snapshots, codec);
  const decoded = await ratioOf(decoding.strict, decoding.plain);
  add({ name: 'strict decode', unit: 'records/s', value: decoded.subject });
  add({ name: 'plain avsc decode', unit: 'records/s', value: decoded.baseline });
  add({ name: 'strict decode costs', unit: 'times plain', value: decoded.ratio });

  add({
    name: 'embedded append, 500 a batch',
    unit: 'records/s',
    value: await rateOf(workloads.appending(snapshots, log, codec)),
  });
  add({ name: 'embedded read', unit: 'records/s', value: await rateOf(workloads.reading(log)) });
  add({ name: 'replay, two policies', unit: 'snapshots/s', value: await rateOf(workloads.replaying(log, codec)) });
  await log.close();

  const { workload, close } = await workloads.chain(`${folder}/chain`);
  add({ name: 'whole chain', unit: 'snapshots/s', value: await rateOf(workload) });
  await close();
}

function text(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}
