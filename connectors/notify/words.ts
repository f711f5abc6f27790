import type { AlertNotice } from '../../ports/notify.ts';

/** One line that says what is the matter and where: the subject of a mail. */
export function headline({ alert, desk, reminder }: AlertNotice): string {
  const { name, severity, state, scope } = alert;
  const what = state === 'CLEARED' ? 'cleared' : reminder === 0 ? 'raised' : 'still stands';
  return `[${desk === null ? '' : `${desk} `}${severity}] ${name} ${what}${scope === 'desk' ? '' : ` (${scope})`}`;
}

/** The message for people: what, since when, what was seen, what to type. Times in UTC, so that two readers read the same. */
export function plainText(notice: AlertNotice): string {
  const { since, at, evidence, command, state, alert_id } = notice.alert;
  return [
    headline(notice),
    `since ${utc(since)}${state === 'CLEARED' ? `, until ${utc(at)}` : ''}`,
    '',
    evidence,
    ...(state === 'CLEARED' ? [] : ['', command]),
    '',
    `id ${alert_id}`,
  ].join('\n');
}

function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
