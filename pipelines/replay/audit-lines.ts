import { pc, printable } from '../../render/terminal.ts';
import { count, plural } from '../../render/figures.ts';
import { wrapped } from '../../render/terminal-text.ts';
import { plainTable } from '../../render/tables.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AuditResult } from './audit-intents.ts';

/** --json has the others. Unit: differences. */
const SHOWN = 20;

/** An audit for people: the verdict, then the differences, then what could not be verified. */
export function auditLines(result: AuditResult, width = 80): readonly string[] {
  const colour = !isProved(result) ? pc.red : result.audited > 0 ? pc.green : pc.yellow;
  return [
    ...wrapped(auditHeadline(result), width).map((line) => colour(pc.bold(line))),
    ...result.warnings.flatMap((warning) => wrapped(`warning: ${printable(warning)}`, width)).map(pc.yellow),
    ...differenceLines(result),
    ...unverifiableLines(result),
  ];
}

export function auditHeadline(result: AuditResult): string {
  const {
    audited,
    differing,
    unverifiable: { total, reasons },
  } = result;
  const removed = reasons.input_removed ?? 0;
  const unread = result.policies_unreadable;
  const lost = unmatchedIntents(result);
  const aside = [
    ...(removed > 0 ? [` The snapshots of ${plural(removed, 'intent')} are no longer kept.`] : []),
    ...(unread > 0
      ? [` ${plural(unread, 'record')} of ${TOPICS.policyApplied.name} cannot be read: nothing is proved.`]
      : []),
    ...(lost > 0 ? [` ${plural(lost, 'intent')} cannot be matched to any snapshot.`] : []),
  ].join('');
  if (audited === 0) return total === 0 ? 'No intent lies in that stretch.' : `No intent was verified.${aside}`;
  const verdict =
    differing === 0
      ? `All ${plural(audited, 'intent')} that could be recomputed are what their snapshots, policies and maps give again.`
      : `${count(differing)} of ${plural(audited, 'intent')} are not what their snapshots, policies and maps give again.`;
  return verdict + aside;
}

function differenceLines({ differences }: AuditResult): readonly string[] {
  if (differences.length === 0) return [];
  const columns = [
    { head: 'intent at' },
    { head: 'snapshot at' },
    { head: 'path' },
    { head: 'recorded' },
    { head: 'recomputed' },
  ];
  const rows = differences
    .slice(0, SHOWN)
    .map(({ partition, offset, input, path, recorded, recomputed }) => [
      `${partition}:${offset}`,
      `${input.partition}:${input.offset}`,
      printable(path),
      shown(recorded),
      shown(recomputed),
    ]);
  const more = differences.length - SHOWN;
  return ['', ...plainTable(columns, rows), ...(more > 0 ? [pc.dim(`and ${count(more)} more: --json has them`)] : [])];
}

function unverifiableLines({ unverifiable: { reasons, listed } }: AuditResult): readonly string[] {
  if (listed.length === 0) return [];
  const columns = [{ head: 'unverifiable' }, { head: 'intents', align: 'right' }, { head: 'the first' }] as const;
  const rows = Object.entries(reasons).map(([reason, n]) => {
    const first = listed.find((one) => one.reason === reason);
    return [
      reason,
      count(n),
      first === undefined ? '' : `${printable(first.what)} (intent ${first.partition}:${first.offset})`,
    ];
  });
  return ['', ...plainTable(columns, rows)];
}

function shown(value: unknown): string {
  const text = printable(JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Unverifiable intents whose snapshot was not simply removed by retention. A forged intent looks like that. */
function unmatchedIntents({ unverifiable: { total, reasons } }: AuditResult): number {
  return total - (reasons.input_removed ?? 0);
}

/** No difference, no unmatched intent, and all of policy.applied read. An audit that verified nothing proves nothing. */
export function isProved(result: AuditResult): boolean {
  const nothingVerified = result.audited === 0 && result.unverifiable.total > 0;
  return (
    result.differing === 0 && unmatchedIntents(result) === 0 && result.policies_unreadable === 0 && !nothingVerified
  );
}
