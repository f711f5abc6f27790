/**
 * `npm run fuzz:codec [-- --records N --seed N]`: reads odd bytes and writes odd records with the codec and with avsc and the check that
 * explains, and ends with exit code 1 at the first difference. Prints how often each outcome came.
 */
import { parseArgs } from 'node:util';
import { fuzzCodec } from './codec-fuzz.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});

const [records, seed] = [Number(values.records), Number(values.seed)];
process.stdout.write(`${JSON.stringify({ records, seed, ...(await fuzzCodec(records, seed)) })}\n`);
