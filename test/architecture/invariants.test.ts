import { globSync, readFileSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { expect, it } from 'vitest';

/**
 * Invariants have labels. A definition is a label at the beginning of a comment's line, two spaces, and a sentence; whoever relies on the
 * invariant cites the label. A label is only of use where it names one thing, and an invariant only where a test holds it.
 */
const ROOT = join(import.meta.dirname, '..', '..');

const TESTS = `test${sep}`;

const NOT_OURS: ReadonlySet<string> = new Set(['node_modules', '.git', 'generated']);

const DEFINITION = /^\s*(?:\/\/|\/?\*+)\s+([A-Z]+-?\d+) {2}\S/;

/** A comment, the name of a test, or any other string that is a sentence: not a value that looks like a label. */
const WORDS =
  /\/\/.*|\/\*[\s\S]*?\*\/|\b(?:describe|it|test)\(\s*'[^']*'|(['"`])(?:\\.|(?!\1)[^\\\n])* (?:\\.|(?!\1)[^\\\n])*\1/g;

/** `E1`, or `E1 to E7`. */
const CITATION = /(?<![\w-])([A-Z]+-?)(\d+)(?: to \1(\d+))?(?![\w-])/g;

const sources = globSync('**/*.{ts,mjs,js}', { cwd: ROOT, exclude: (name) => NOT_OURS.has(basename(name)) }).map(
  (path) => ({
    path,
    lines: readFileSync(join(ROOT, path), 'utf8').split('\n'),
  }),
);

const definitions = sources.flatMap(({ path, lines }) =>
  lines.flatMap((line) => {
    const label = DEFINITION.exec(line)?.[1];
    return label === undefined ? [] : [{ label, path }];
  }),
);

const cited = new Set(
  sources
    .filter(({ path }) => path.startsWith(TESTS) && !path.startsWith(join('test', 'architecture')))
    .flatMap(({ lines }) => {
      // A definition cites nothing: least of all itself.
      const text = lines.filter((line) => !DEFINITION.test(line)).join('\n');
      return [...text.matchAll(WORDS)].flatMap(([words]) => [...words.matchAll(CITATION)].flatMap(labelsOf));
    }),
);

function labelsOf([, prefix = '', first = '', last = first]: readonly string[]): readonly string[] {
  const count = Math.max(1, Number(last) - Number(first) + 1);
  return Array.from({ length: count }, (_, index) => `${prefix}${Number(first) + index}`);
}

/** The definitions that offend, as `label file`. */
function offenders(offends: (label: string, path: string) => boolean): readonly string[] {
  return definitions.filter(({ label, path }) => offends(label, path)).map(({ label, path }) => `${label} ${path}`);
}

it('finds definitions and citations', () => {
  expect(definitions.length).toBeGreaterThan(100);
  expect(cited.size).toBeGreaterThan(100);
});

it('each label is defined once', () => {
  expect(offenders((label) => definitions.filter((other) => other.label === label).length > 1)).toEqual([]);
});

it('each label is cited by a test that holds the invariant', () => {
  // What test code defines is held by its use there: a run of chaos checks its own invariants.
  expect(offenders((label, path) => !path.startsWith(TESTS) && !cited.has(label))).toEqual([]);
});
