/**
 * Alerts as records and messages: what an evaluation finds becomes changes on desk.alert, and each change a message to every target that
 * wants it. The same for `run watch` and for `dev`; they differ in who calls it, and by which clock (run-watch.ts, cli/dev/dev-watch.ts).
 *
 * NTF-14  A change is on record before it is sent, and a delivery after its target has answered. So a crash anywhere loses no message, and
 *         doubles one only where it came between the answer and the record.
 * NTF-15  A target that has failed with a message for a minute is an alert on the others, `notify_failed`, until it takes it.
 */
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { NotifySettings } from '../../ports/notify.ts';
import type { DeskAlert } from '../../schemas/generated/records.ts';
import { type Alert, alertKey, lookCloser } from '../alerts/alerts.ts';
import type { Write } from '../runtime/processor.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { AlertJournal } from './alert-journal.ts';
import { type DueMessage, dueMessages } from './due.ts';
import { Episodes, type EpisodeTerms } from './episodes.ts';
import { TargetSender } from './target-sender.ts';

/** NTF-15. A restart of a chat service is no alert. Unit: milliseconds. */
const FAILS_AFTER_MS = 60_000;

/** Unit: milliseconds. */
const RECORDED_WITHIN_MS = 2000;

export interface AlertWatchOptions extends EpisodeTerms {
  readonly topics: ReadableTopics;
  readonly settings: Pick<NotifySettings, 'targets' | 'quietHours' | 'remindAfterMs'>;
  readonly desk: string | null;
  /** Names the notify file in commands; null where there is none. */
  readonly notifyFile: string | null;
  /** Of records: the market's under `dev`. */
  readonly clock: Pick<Clock, 'now'>;
  /** Paces what is sent: the machine's. */
  readonly pacing: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Ends what is on its way. */
  readonly signal: AbortSignal;
}

export class AlertWatch {
  readonly journal: AlertJournal;
  readonly #options: AlertWatchOptions;
  readonly #episodes: Episodes;
  readonly #senders: readonly TargetSender[];
  /** What was found last, by key: reminders have its figures. */
  #found: ReadonlyMap<string, Alert> = new Map();

  constructor(options: AlertWatchOptions) {
    this.journal = new AlertJournal(options.topics);
    this.#options = options;
    this.#episodes = new Episodes(options);
    this.#senders = options.settings.targets.map(
      ({ target }) =>
        new TargetSender({ ...options, target, clock: options.pacing, onTaken: (one) => this.#taken(one) }),
    );
  }

  /** NTF-14: writes what has changed with `found`, by `write`, which refuses where another watch has taken over. */
  async record(found: readonly Alert[], write: Write): Promise<void> {
    const all = [...found, ...this.failures()];
    this.#found = new Map(all.map((alert) => [alertKey(alert), alert]));
    const at = this.#options.clock.now();
    await this.journal.change(this.#episodes.changes(this.journal.alerts, all, at), write);
  }

  /** Sends what is due, and returns at once. `only`: these alerts in place of those on record. */
  send(only?: ReadonlyMap<string, DeskAlert>): void {
    const { settings, clock, signal } = this.#options;
    const state = { alerts: only ?? this.journal.alerts, delivered: this.journal.delivered };
    const due = Map.groupBy(dueMessages(state, settings, clock.now()), ({ target }) => target);
    for (const sender of this.#senders)
      sender.offer(
        (due.get(sender.name) ?? []).map((one) => this.#current(one)),
        signal,
      );
  }

  /** The record of an alert that is raised now; nothing is written. */
  raised(alert: Alert): DeskAlert {
    return this.#episodes.raised(alert, this.journal.alerts.get(alertKey(alert)), this.#options.clock.now());
  }

  /** Nothing is due any more of what was given to `send` last. */
  get isDone(): boolean {
    return this.#senders.every(({ due }) => due === 0);
  }

  /** Resolves once nothing is on its way. */
  async idle(): Promise<void> {
    await Promise.all(this.#senders.map((sender) => sender.idle()));
  }

  /** NTF-15. */
  failures(): readonly Alert[] {
    const { pacing, clock, notifyFile } = this.#options;
    return this.#senders.flatMap((sender): readonly Alert[] => {
      const failing = sender.failing();
      if (failing === null || pacing.now() - failing.since < FAILS_AFTER_MS) return [];
      return [
        {
          name: 'notify_failed',
          scope: sender.name,
          since: clock.now(),
          evidence: `${sender.name} has taken no message for a minute: ${failing.why}. What is due to it waits.`,
          next: lookCloser('notify test', '--notify', notifyFile ?? 'notify.yaml'),
        },
      ];
    });
  }

  /** A reminder says how it is now. */
  #current(message: DueMessage): DueMessage {
    const { alert, reminder } = message;
    const now = reminder === 0 ? undefined : this.#found.get(alertKey(alert));
    return now === undefined ? message : { ...message, alert: { ...alert, evidence: now.evidence } };
  }

  /** NTF-14. */
  async #taken({ target, alert, reminder }: DueMessage): Promise<void> {
    const { alert_id, name, scope, state } = alert;
    const delivered_at: EpochMillis = this.#options.clock.now();
    this.journal.note({ target, name, scope, alert_id, state, reminder, delivered_at });
    // NTF-11: a log that hangs keeps no message back.
    const recorded = new AbortController();
    const recording = this.journal.recordNotes().finally(() => recorded.abort());
    recording.catch(() => {});
    await Promise.race([recording, this.#options.pacing.sleep(RECORDED_WITHIN_MS, recorded.signal)]);
  }
}
