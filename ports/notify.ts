import type { DeskAlert } from '../schemas/generated/records.ts';

/** What a target is sent: a record of desk.alert, and what the reader of a message needs besides. */
export interface AlertNotice {
  readonly alert: DeskAlert;
  /** The desk that the topics belong to; null for the desk without a name. */
  readonly desk: string | null;
  /** 0 for the first message of this state; a reminder that the alert still stands counts from 1. */
  readonly reminder: number;
}

/**
 * A place where alerts are sent: a webhook, a chat, a mailbox.
 *
 * NOTIFY-1  `send` resolves only after the target has said that it took the notice. A timeout, a lost reply and a full server are transient
 *           (NOTIFY_UNAVAILABLE); a target that says no is not (NOTIFY_REFUSED).
 */
export interface NotifyTarget {
  /** Names the target in logs, alerts and consumer groups. Holds no secret. */
  readonly name: string;
  send(notice: AlertNotice, signal: AbortSignal): Promise<void>;
}

/** A secret as it is now: read at each use, so that one that was replaced is taken up. */
export type Secret = () => string;

/** How soon a person is needed, in rising order. */
export const SEVERITIES = ['INFO', 'WARNING', 'CRITICAL'] as const;

export type NotifySeverity = (typeof SEVERITIES)[number];

/** A target, and the least severity that is sent to it. */
export interface ConfiguredTarget {
  readonly target: NotifyTarget;
  readonly fromSeverity: NotifySeverity;
}

/** Hours in which nothing below a severity is sent, by the clocks of a time zone. From 22:00 to 07:00 spans midnight. */
export interface QuietHours {
  /** Unit: minutes after midnight. */
  readonly from: number;
  readonly to: number;
  /** An IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  readonly below: NotifySeverity;
}

/** A monitor elsewhere that expects to be called: it raises the alarm when the calls cease. */
export interface Heartbeat {
  readonly name: string;
  readonly url: Secret;
  /** Unit: milliseconds. */
  readonly everyMs: number;
}

export interface NotifySettings {
  readonly targets: readonly ConfiguredTarget[];
  readonly heartbeats: readonly Heartbeat[];
  readonly quietHours: QuietHours | null;
  /** How long an alert stands before it is sent once more. Unit: milliseconds. */
  readonly remindAfterMs: number;
}
