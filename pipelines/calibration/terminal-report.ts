import { pc, printable } from '../../render/terminal.ts';
import type { CalibrationReport } from './report.ts';
import { SLICED_BY } from './slice-figures.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { plainTable } from '../../render/tables.ts';
import {
  count,
  interval,
  percent,
  plain,
  plural,
  points,
  probability,
  score,
  signedScore,
} from '../../render/figures.ts';
import {
  formulaOf,
  mapReadings,
  driftText,
  slicedLines,
  SCORE_TERMS,
  aucWords,
  boundText,
  candidatesText,
  scoreOf,
  winnerText,
  type Verdict,
  aucText,
  boundsText,
  methodText,
  nextSteps,
  verdictOf,
} from './report-words.ts';
import { reliabilitySketch } from './reliability-sketch.ts';
import { type SliceGroup, sliceGroups } from './slice-groups.ts';
import { sideBySide, wrapped } from '../../render/terminal-text.ts';

const TONES = { good: pc.green, caution: pc.yellow, bad: pc.red } as const satisfies Record<Verdict['tone'], unknown>;

/** Unit: milliseconds. */
const HOUR_MS = 60 * 60 * 1000;

/** Room for the longest label and a space. Unit: characters. */
const LABEL = 12;

/** Slices of a kind that are shown; the page has more, and those by label and model, which are said above. */
const TOP = 5;

/** The report in about eighty lines of a terminal, the verdict first. */
export function terminalReport(foreign: CalibrationReport, width = 80): readonly string[] {
  const report = withPrintableTexts(foreign);
  const { tone, headline, sentence } = verdictOf(report);
  const { approve, reject, verify } = nextSteps(report);
  const labelled = (label: string, text: string): readonly string[] =>
    wrapped(text, width - LABEL).map(
      (line, index) => `${index === 0 ? pc.bold(label.padEnd(LABEL)) : ' '.repeat(LABEL)}${line}`,
    );
  const said = (label: string, text: string | null): readonly string[] => (text === null ? [] : labelled(label, text));
  return [
    `${pc.bold(report.version)}  ${report.model_id}  ${methodText(report)}  ${formatEventTime(report.proposed_at)}`,
    ...wrapped(headline, width).map((line) => TONES[tone](pc.bold(line))),
    ...wrapped(sentence, width),
    '',
    ...boundLines(report, width),
    '',
    ...scoreLines(report),
    '',
    ...sketchLines(report, width),
    pc.dim('● win rate, ░ its place in 95 % of samples if calibrated, · perfect, ▃ forecasts'),
    ...labelled('map', mapText(report)),
    ...labelled('methods', candidatesText(report.candidates)),
    ...said('winner', winnerText(report)),
    ...said('bound', boundText(report)),
    ...labelled('auc', `${aucText(report.auc)}: ${aucWords(report.auc)}`),
    ...labelled('outcomes', outcomesText(report)),
    ...labelled('labels', labelsText(report)),
    ...labelled('worth', dependenceText(report)),
    ...labelled('drift', driftText(report.sliced.cusum)),
    ...partLines(report),
    ...sliceGroups(report.slices, TOP)
      .filter(({ by }) => by !== 'label' && by !== 'model' && !report.sliced.slices.some((slice) => slice.by === by))
      .flatMap((group) => labelled(group.title.toLowerCase(), sliceText(group))),
    ...labelled('left out', leftOutText(report)),
    ...labelled('detectable', detectableText(report)),
    ...labelled('past', flipsText(report)),
    ...labelled('factors', factorsText(report)),
    ...report.risks.flatMap((risk, index) => labelled(index === 0 ? 'risks' : '', `- ${risk}`)),
    ...report.do_not_apply_if.flatMap((why, index) => labelled(index === 0 ? 'not if' : '', `- ${why}`)),
    ...labelled('evidence', evidenceText(report)),
    `${pc.bold('verify'.padEnd(LABEL))}${verify}`,
    `${pc.bold('next'.padEnd(LABEL))}${approve}`,
    `${' '.repeat(LABEL)}${reject}`,
  ];
}

/** The parts asked for and the latest weeks. */
function partLines({ sliced: { all, slices, weeks } }: CalibrationReport): readonly string[] {
  const parts = SLICED_BY.flatMap((by) => slices.filter((slice) => slice.by === by).slice(0, TOP));
  const more = slices.length - parts.length + Math.max(0, weeks.length - TOP);
  return [
    '',
    ...slicedLines([all, ...parts, ...weeks.slice(-TOP)]),
    ...(more === 0 ? [] : [pc.dim(`${plural(more, 'more row')}: --json has them`)]),
    '',
  ];
}

function boundLines(report: CalibrationReport, width: number): readonly string[] {
  const columns = [
    { head: 'bounds' },
    { head: boundsText(report) },
    { head: 'value', align: 'right' },
    { head: 'limit', align: 'right' },
  ] as const;
  const rows = report.bounds.map(({ rule, value, limit, holds }) => [
    holds ? pc.green('holds') : pc.red('broken'),
    wrapped(rule, width - 26).join('\n'),
    plain(value),
    plain(limit),
  ]);
  return plainTable(columns, rows);
}

function scoreLines({ out_of_fold: later, in_sample: fitted }: CalibrationReport): readonly string[] {
  const columns = [
    { head: 'out of fold' },
    { head: 'before', align: 'right' },
    { head: 'after', align: 'right' },
    { head: 'change', align: 'right' },
    { head: '95 % interval', align: 'right' },
    { head: 'in sample', align: 'right' },
  ] as const;
  const rows = later.scores.map(({ name, before, after, change, change_interval: range }) => {
    const flattering = scoreOf(fitted, name);
    const sample = flattering === undefined ? '' : `${score(flattering.before)} → ${score(flattering.after)}`;
    const term = SCORE_TERMS[name];
    const direction = term.better === null ? '' : term.better === 'lower' ? ' ↓' : ' ↑';
    return [
      `${term.name}${pc.dim(direction)}`,
      score(before),
      score(after),
      signedScore(change),
      interval(range, signedScore),
      sample,
    ];
  });
  return [
    ...plainTable(columns, rows),
    pc.dim('↓ lower, ↑ higher is better. Brier = MCB (how wrong the numbers are) − DSC (how'),
    pc.dim("well they part wins from losses) + UNC (the outcomes' own). ECE: 15 equal bins."),
  ];
}

function sketchLines(report: CalibrationReport, width: number): readonly string[] {
  const { before, after } = report.out_of_fold.reliability;
  const sketches = [
    reliabilitySketch('before: win rate', before, pc.yellow),
    reliabilitySketch('after (out of fold)', after, pc.cyan),
  ];
  const readings = mapReadings(report).map(({ raw, calibrated, observed }) => {
    const line = `${raw.toFixed(1)} → ${probability(calibrated)}  ${signedScore(calibrated - raw)}`;
    return observed ? line : pc.dim(`${line} *`);
  });
  const map = [pc.bold('raw → map  change'), ...readings, pc.dim('* not observed')];
  return sideBySide(width < 76 ? sketches : [...sketches, map], '  ');
}

function mapText(report: CalibrationReport): string {
  const { method, parameters, observed, largest_change: largest, parent } = report;
  const formula = formulaOf(method);
  const values = parameters.map(({ name, value }) => `${name} = ${score(value)}`).join(', ');
  return (
    `${formula === null ? method : `${formula}, ${values}`}; observed ${probability(observed.low)} to ${probability(observed.high)}${method === 'identity' ? '' : ', constant beyond'}; ` +
    `largest change ${probability(largest.from)} → ${probability(largest.to)}; replaces ${parent ?? 'raw confidence'}`
  );
}

function outcomesText({ counts, label_rule: rule }: CalibrationReport): string {
  return `${count(counts.usable)} usable of ${count(counts.final)} final: ${count(counts.wins)} won, ${count(counts.losses)} lost; ${rule}`;
}

function sliceText({ rows }: SliceGroup): string {
  const cells = rows.map(({ name, n, won }) => `${name} ${count(n)}${won === null ? '' : ` (${percent(won.rate)})`}`);
  return cells.join(', ');
}

function leftOutText({ excluded }: CalibrationReport): string {
  return excluded.length === 0 ? 'nothing' : excluded.map(({ reason, n }) => `${reason} ${count(n)}`).join(', ');
}

function detectableText({ detectable: { n, gap, found } }: CalibrationReport): string {
  return `a gap of ${points(gap)} with ${plural(n, 'outcome')}; found: ${points(found)}`;
}

function flipsText({ flips }: CalibrationReport): string {
  if (flips === null) return 'no snapshot of this model to replay';
  const changes = Object.entries(flips.matrix).flatMap(([from, row]) =>
    Object.entries(row).flatMap(([to, n]) => (from === to || n === 0 ? [] : [`${from} → ${to} ${count(n)}`])),
  );
  return (
    `${count(flips.flips)} of ${count(flips.snapshots)} snapshots decided otherwise under ${flips.policy}` +
    (changes.length === 0 ? '' : `: ${changes.join(', ')}`)
  );
}

/** The fitted rule first; rules that no outcome has figures for are named together. */
function labelsText({ label_rates: rates }: CalibrationReport): string {
  const missing = rates.filter(({ win }) => win === null).map(({ rule }) => rule);
  const texts = rates.flatMap(({ rule, n, win, win_if_decided: decided, neutral_share: neutral }, index) => {
    if (win === null || neutral === null) return [];
    const said = index === 0 ? `${rule} (fitted)` : `${rule} would give`;
    const share = decided === null ? '–' : percent(decided);
    return [`${said} P(WIN) ${percent(win)}, P(WIN | decided) ${share}, NEUTRAL ${percent(neutral)} of ${count(n)}`];
  });
  const rest = missing.length === 0 ? [] : [`no outcome has what ${missing.join(' or ')} needs`];
  return [...texts, ...rest].join('; ');
}

function dependenceText({ dependence: { n, effective, blocks, block_ms: length } }: CalibrationReport): string {
  const drawn =
    length === null ? plural(blocks, 'block') : `${plural(blocks, 'block')} of ${plain(length / HOUR_MS)} h`;
  return `${count(n)} outcomes are worth ${count(Math.round(effective))} independent ones; intervals draw ${drawn}`;
}

function factorsText({ flips }: CalibrationReport): string {
  if (flips === null) return 'no snapshot of this model to replay';
  const changed = Object.entries(flips.factors.before).flatMap(([name, before]) => {
    const after = flips.factors.after[name] ?? 0;
    const counted = name.startsWith('confidence_') || before !== after;
    return counted ? [`${name} ${count(before)} → ${count(after)}`] : [];
  });
  return changed.length === 0 ? `no factor of ${flips.policy} changes` : changed.join(', ');
}

function evidenceText({ evidence, program_version: program }: CalibrationReport): string {
  const { topic, ranges, rows, schema_ids: ids, dataset_hash: hash } = evidence;
  const read = ranges.filter(({ from, to }) => to > from);
  const offsets = read.reduce((sum, { from, to }) => sum + to - from, 0);
  return `${topic}, ${plural(read.length, 'partition')}, ${plural(offsets, 'offset')}, ${plural(rows, 'row')}, schema ids ${ids.join(', ')}, program ${program}, sha-256 ${hash}`;
}

/** Model ids, symbols and reasons are written by others. */
function withPrintableTexts<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => withPrintableTexts(one)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]: [string, unknown]) => [key, withPrintableTexts(one)]),
  ) as T;
}
