/** What `doctor` prints: for people what failed first, with a remedy; for programs the results as they are. */
import stringWidth from 'string-width';
import { plural } from '../../render/figures.ts';
import { hanging } from '../../render/terminal-text.ts';
import { pc } from '../../render/terminal.ts';
import type { CheckResult, Examination } from './check.ts';

export function examinationJson({ ok, checks }: Examination): object {
  return {
    ok,
    checks: checks.map(({ name, state, detail, remedy }) => ({ name, ok: state === 'fine', detail, remedy })),
  };
}

const MARKS = {
  trouble: pc.red('✗'),
  'not-made': pc.yellow('?'),
  fine: pc.green('✓'),
} as const satisfies Readonly<Record<CheckResult['state'], string>>;

const ORDER: readonly CheckResult['state'][] = ['trouble', 'not-made', 'fine'];

/** Two columns and a verdict, wrapped at `width`. */
export function examinationLines({ ok, checks }: Examination, width: number): readonly string[] {
  const column = Math.max(...checks.map(({ name }) => stringWidth(name)));
  const sorted = ORDER.flatMap((state) => checks.filter((check) => check.state === state));
  return [verdict(ok, checks), ...sorted.flatMap((check) => checkLines(check, column, width))];
}

function verdict(ok: boolean, checks: readonly CheckResult[]): string {
  if (ok) return pc.green(`this desk can run: ${plural(checks.length, 'check')} passed`);
  const failed = checks.filter(({ state }) => state === 'trouble').length;
  const open = checks.filter(({ state }) => state === 'not-made').length;
  const rest = open === 0 ? '' : `, ${open} could not be made`;
  return pc.red(`this desk cannot run: ${failed} of ${plural(checks.length, 'check')} failed${rest}`);
}

function checkLines({ name, state, detail, remedy }: CheckResult, column: number, width: number): readonly string[] {
  // The colours are put around whole lines, after they are laid out: wrapping counts their codes.
  const indent = column + 4;
  const [first = '', ...rest] = hanging(' '.repeat(indent), detail, width);
  const head = `${MARKS[state]} ${name.padEnd(column)}  `;
  const paint = state === 'trouble' ? pc.red : state === 'not-made' ? pc.yellow : (line: string) => line;
  return [
    head + paint(first.slice(indent)),
    ...rest.map(paint),
    ...(remedy === null ? [] : hanging(' '.repeat(indent), `→ ${remedy}`, width, indent + 2)),
  ];
}
