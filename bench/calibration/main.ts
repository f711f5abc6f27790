/**
 * Tables of docs/calibration.md, from simulated desks.
 *
 *   node bench/calibration/main.ts coverage [--samples 400] [--seed 1]
 *   node bench/calibration/main.ts desks    [--desks 200] [--correlation 0] [--seed 1]
 *   node bench/calibration/main.ts window   [--desks 30] [--correlation 0] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { CORRELATIONS, DESKS, type DeskTally, WINDOW, coverageAt, proposeFor } from './desks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '400' },
    desks: { type: 'string' },
    correlation: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);
const line = (...cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
const share = (n: number, of: number): string => `${((100 * n) / of).toFixed(1)} %`;

if (positionals[0] === 'coverage') coverage();
else if (positionals[0] === 'desks') table(DESKS, Number(values.desks ?? 200));
else if (positionals[0] === 'window') table(WINDOW, Number(values.desks ?? 30));
else {
  process.stderr.write('coverage, desks or window: see the head of bench/calibration/main.ts\n');
  process.exitCode = 2;
}

function coverage(): void {
  line('correlation', 'coverage', 'worth, of 800');
  line('---', '---', '---');
  for (const correlation of CORRELATIONS) {
    const { covered, effective } = coverageAt(correlation, Number(values.samples), seed);
    line(String(correlation), covered.toFixed(3), effective.toFixed(0));
  }
}

function table(kinds: Readonly<Record<string, (u: number) => (confidence: number) => number>>, desks: number): void {
  line(
    'desks',
    'all bounds hold',
    'override needed',
    'refused',
    'bounds broken',
    'flips',
    'muted',
    'flips on calibrated',
    'muted on calibrated',
  );
  line(...Array.from({ length: 9 }, () => '---'));
  for (const [kind, truthOf] of Object.entries(kinds))
    row(kind, proposeFor(kind, truthOf, { desks, correlation: Number(values.correlation), seed }));
}

function row(kind: string, { desks, approvable, override, refused, broken, ...effect }: DeskTally): void {
  const causes = Object.entries(broken).map(([name, n]) => `${name} ${share(n, desks)}`);
  const of = Math.max(1, approvable);
  line(
    kind,
    share(approvable, desks),
    share(override, desks),
    share(refused, desks),
    causes.join(', ') || '–',
    share(effect.flips, of),
    String(effect.muted),
    share(effect.flipsOnCalibrated, of),
    String(effect.mutedOnCalibrated),
  );
}
