/**
 * Which messages are due: what stands and what was cleared (desk.alert), against what each target has been sent (notify.delivered). Pure, so
 * a watch that starts again after any crash knows what is left to send.
 *
 * NTF-1  Each target is sent one message per episode and state. What a target has taken is never due again.
 * NTF-2  A cleared alert is sent to whoever was sent that it was raised; to others unless it came and went within quiet hours, or before the
 *        target was there.
 * NTF-3  While an alert stands, a reminder is due `remindAfterMs` after the target took the message before it.
 * NTF-4  Within quiet hours nothing below their severity is due. What still stands at their end is due then.
 * NTF-13 That a target fails is never due to itself.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import { type NotifySettings, type NotifySeverity, type QuietHours, SEVERITIES } from '../../ports/notify.ts';
import type { AlertName } from '../alerts/alert-table.ts';
import type { DeskAlert, NotifyDelivered } from '../../schemas/generated/records.ts';

/** A message that is due: to whom, of what, and the how-manieth reminder (0: none). */
export interface DueMessage {
  readonly target: string;
  readonly alert: DeskAlert;
  readonly reminder: number;
}

/** The latest record of each key: `scope:name` of desk.alert, `target:scope:name` of notify.delivered. */
export interface NotifyState {
  readonly alerts: ReadonlyMap<string, DeskAlert>;
  readonly delivered: ReadonlyMap<string, NotifyDelivered>;
}

export function deliveredKeyOf(target: string, { scope, name }: Pick<DeskAlert, 'scope' | 'name'>): string {
  return `${target}:${scope}:${name}`;
}

/** A target that has taken nothing yet is new, or has failed so far: what was over for so long is not for a new one. Unit: milliseconds. */
const OVER_MS = 60 * 60 * 1000;

/** All messages that are due at `now`, most severe first, then oldest first. */
export function dueMessages(
  { alerts, delivered }: NotifyState,
  { targets, quietHours, remindAfterMs }: Pick<NotifySettings, 'targets' | 'quietHours' | 'remindAfterMs'>,
  now: EpochMillis,
): readonly DueMessage[] {
  const isQuiet = quietHours !== null && isWithin(quietHours, now);
  const thereSince = firstDeliveries(delivered);
  return [...alerts.values()]
    .filter(({ severity }) => !isQuiet || rankOf(severity) >= rankOf(quietHours.below))
    .toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity) || a.since - b.since)
    .flatMap((alert) =>
      targets.flatMap(({ target: { name: target }, fromSeverity }): readonly DueMessage[] => {
        if (rankOf(alert.severity) < rankOf(fromSeverity)) return [];
        // NTF-13.
        if (alert.name === ('notify_failed' satisfies AlertName) && alert.scope === target) return [];
        const last = delivered.get(deliveredKeyOf(target, alert)) ?? null;
        const since = thereSince.get(target) ?? now - OVER_MS;
        if (alert.state === 'CLEARED' && last?.alert_id !== alert.alert_id && alert.at < since) return [];
        const reminder = dueReminder(alert, last, quietHours, remindAfterMs, now);
        return reminder === null ? [] : [{ target, alert, reminder }];
      }),
    );
}

/** By target, the earliest delivery that is still on record: it was there by then. */
function firstDeliveries(delivered: NotifyState['delivered']): ReadonlyMap<string, EpochMillis> {
  const first = new Map<string, EpochMillis>();
  for (const { target, delivered_at: at } of delivered.values())
    first.set(target, Math.min(first.get(target) ?? at, at));
  return first;
}

/** 0 for the first message of the alert's state, the number of a reminder, or null where nothing is due. */
function dueReminder(
  alert: DeskAlert,
  last: NotifyDelivered | null,
  quietHours: QuietHours | null,
  remindAfterMs: number,
  now: EpochMillis,
): number | null {
  const isKnown = last !== null && last.alert_id === alert.alert_id;
  if (alert.state === 'CLEARED') {
    if (isKnown) return last.state === 'CLEARED' ? null : 0;
    return wentUnsaid(alert, quietHours) ? null : 0;
  }
  if (alert.state !== 'RAISED') return null;
  if (!isKnown) return 0;
  return now - last.delivered_at >= remindAfterMs ? last.reminder + 1 : null;
}

/** NTF-2: it was raised and cleared while nobody wanted to be told. */
function wentUnsaid({ severity, at }: DeskAlert, quietHours: QuietHours | null): boolean {
  return quietHours !== null && rankOf(severity) < rankOf(quietHours.below) && isWithin(quietHours, at);
}

/** UNRECOGNISED, a severity that this version does not know, counts as the highest. */
function rankOf(severity: DeskAlert['severity'] | NotifySeverity): number {
  const rank = SEVERITIES.findIndex((one) => one === severity);
  return rank < 0 ? SEVERITIES.length : rank;
}

/** Whether the clocks of the zone show a time from `from` up to, but not including, `to`. */
export function isWithin({ from, to, timeZone }: QuietHours, at: EpochMillis): boolean {
  const [hours = 0, minutes = 0] = new Date(at)
    .toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    .split(':')
    .map(Number);
  const time = 60 * hours + minutes;
  return from <= to ? time >= from && time < to : time >= from || time < to;
}
