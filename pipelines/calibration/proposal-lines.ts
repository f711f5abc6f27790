import { count, percent, plain, plural } from '../../render/figures.ts';
import { terminalWidth } from '../../render/output.ts';
import { plainTable } from '../../render/tables.ts';
import { wrapped } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { Kept } from './proposal-json.ts';
import type { Proposal } from './propose.ts';
import {
  type Verdict,
  aucText,
  aucWords,
  candidatesText,
  coefficientAtBoundText,
  methodText,
  nextSteps,
  noRelationHeadline,
  verdictOf,
  winnerText,
} from './report-words.ts';
import type { CalibrationReport } from './report.ts';

type Refused = Extract<Proposal, { kind: 'refused' }>;

const TONES = { good: pc.green, caution: pc.yellow, bad: pc.red } as const satisfies Record<Verdict['tone'], unknown>;

/** Room for the longest label and a space. Unit: characters. */
const LABEL = 10;

/** The result for each model on a terminal. A proposal is summarised on one screen; its page has everything. */
export function proposalLines(
  proposals: readonly Proposal[],
  kept: Pick<Kept, 'dryRun' | 'folder'> & { readonly logWords?: string },
  width = terminalWidth(),
): readonly string[] {
  return proposals.flatMap((proposal, index) => {
    if (proposal.kind === 'refused') return refusalLines(proposal);
    if (proposal.kind === 'proposed')
      return [...(index === 0 ? [] : ['']), ...summaryLines(proposal.report, kept, width)];
    const { version } = proposal.proposal;
    if (proposal.inForce)
      return [`${printable(proposal.model)}: ${version} is in force, and this evidence gives the same map: gain 0`];
    return [`${printable(proposal.model)}: proposed before from the same evidence: ${version}, ${proposal.status} now`];
  });
}

function refusalLines({ model, unmet, tried }: Refused): readonly string[] {
  const subject = model === null ? 'no outcome names a model' : printable(model);
  const rows = unmet.map(({ condition, have, need, why }) => [
    condition,
    String(have),
    need === 0 ? 'none' : String(need),
    why,
  ]);
  return [
    ...(tried === undefined ? [] : [pc.red(pc.bold(noRelationHeadline(tried.candidates)))]),
    `${pc.red('refused')} ${subject}: ${unmet.length} ${unmet.length === 1 ? 'condition is' : 'conditions are'} not met`,
    ...plainTable(
      [{ head: 'condition' }, { head: 'have', align: 'right' }, { head: 'need', align: 'right' }, { head: 'why' }],
      rows,
    ),
    ...(tried === undefined ? [] : [candidatesText(tried.candidates)]),
  ];
}

/** The verdict, the evidence for it, the effect on decisions, and what to type next. */
function summaryLines(
  report: CalibrationReport,
  { dryRun, folder, logWords }: Pick<Kept, 'dryRun' | 'folder'> & { readonly logWords?: string },
  width: number,
): readonly string[] {
  const { tone, headline, sentence } = verdictOf(report);
  const { approve, reject } = nextSteps(report, logWords);
  const labelled = (label: string, text: string): readonly string[] =>
    wrapped(printable(text), width - LABEL).map(
      (line, index) => `${index === 0 ? pc.bold(label.padEnd(LABEL)) : ' '.repeat(LABEL)}${line}`,
    );
  const command = (label: string, text: string): string => `${pc.bold(label.padEnd(LABEL))}${text}`;
  const next = approve === null ? [command('next', reject)] : [command('next', approve), command('', reject)];
  const atBound = coefficientAtBoundText(report);
  return [
    ...wrapped(headline, width).map((line) => TONES[tone](pc.bold(line))),
    ...wrapped(printable(sentence), width),
    ...labelled('version', `${report.version}, ${methodText(report)}`),
    ...labelled('against', report.parent ?? 'raw confidence, since no version is in force'),
    ...labelled('methods', candidatesText(report.candidates)),
    ...labelled('winner', winnerText(report) ?? 'no other method has a rising map'),
    ...(atBound === null ? [] : labelled('', atBound)),
    ...labelled('AUC', `${aucText(report.auc)}: ${aucWords(report.auc)}`),
    ...labelled('outcomes', outcomesText(report)),
    ...labelled('label', labelText(report)),
    ...labelled('bounds', boundsText(report)),
    ...labelled('decisions', flipsText(report)),
    ...labelled('factors', factorsText(report)),
    ...(dryRun
      ? labelled(
          'next',
          'the same without --dry-run, which writes the page and the version; --json shows all of it now',
        )
      : [command('page', `${folder}/${report.version}/report.html`), ...next]),
  ];
}

function outcomesText({ counts, excluded, dependence }: CalibrationReport): string {
  const { final, usable, wins, losses } = counts;
  const leftOut = excluded.map(({ reason, n }) => `${reason} ${count(n)}`);
  return [
    `${count(usable)} usable of ${count(final)} final: ${count(wins)} won, ${count(losses)} lost`,
    `left out: ${leftOut.length === 0 ? 'none' : leftOut.join(', ')}`,
    `worth ${count(Math.round(dependence.effective))} independent ones`,
  ].join('; ');
}

/** P(WIN) beside P(WIN | decided), which is higher wherever NEUTRAL is left out. */
function labelText({ label_rates: [fitted], label }: CalibrationReport): string {
  if (fitted === undefined || fitted.win === null || fitted.neutral_share === null) return label;
  const decided = fitted.win_if_decided === null ? '–' : percent(fitted.win_if_decided);
  return `${fitted.rule}: P(WIN) ${percent(fitted.win)}, P(WIN | decided) ${decided}, NEUTRAL ${percent(fitted.neutral_share)}`;
}

function boundsText({ bounds }: CalibrationReport): string {
  const broken = bounds.filter(({ holds }) => !holds);
  if (broken.length === 0) return `all ${bounds.length} hold`;
  const named = broken.map(({ name, rule, value }) => `${name} ${plain(value)} (${rule})`);
  return `${bounds.length - broken.length} of ${bounds.length} hold; broken: ${named.join('; ')}`;
}

/** Flips by direction, for example `CLOSE → HOLD 12`. */
function flipsText({ flips }: CalibrationReport): string {
  if (flips === null) return 'no snapshot of this model to replay';
  const directions = Object.entries(flips.matrix).flatMap(([from, row]) =>
    Object.entries(row).flatMap(([to, n]) => (from === to || n === 0 ? [] : [`${from} → ${to} ${count(n)}`])),
  );
  const differ = `${count(flips.flips)} of ${plural(flips.snapshots, 'snapshot')} differ under ${flips.policy}`;
  return directions.length === 0 ? differ : `${differ}: ${directions.join(', ')}`;
}

/** How often factors hold before and after: those of confidence always, others where the map changes them. */
function factorsText({ flips }: CalibrationReport): string {
  if (flips === null) return 'no snapshot of this model to replay';
  const changed = Object.entries(flips.factors.before).flatMap(([name, before]) => {
    const after = flips.factors.after[name] ?? 0;
    return name.startsWith('confidence_') || before !== after ? [`${name} ${count(before)} → ${count(after)}`] : [];
  });
  return changed.length === 0 ? `no factor of ${flips.policy} changes` : changed.join(', ');
}
