/**
 * What is on record of alerts and of the messages about them: desk.alert and notify.delivered, folded to the latest record of each key.
 *
 * NTF-9   A delivery counts from the moment that it is noted, before its record is acknowledged, so nothing is sent twice while the log is
 *         slow. It stays noted until it is on record.
 * NTF-10  Reading and writing follow each other: what is read never lies behind what was written before.
 */
import type { Write } from '../runtime/processor.ts';
import type { DeskAlert, NotifyDelivered } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { alertKey } from '../alerts/alerts.ts';
import { type ReadableTopics, TopicCursor } from '../runtime/topic-cursor.ts';
import { type NotifyState, deliveredKeyOf } from './due.ts';

export class AlertJournal {
  readonly #writer: TopicWriter;
  readonly #append: Write;
  readonly #alerts = new Map<string, DeskAlert>();
  readonly #delivered = new Map<string, NotifyDelivered>();
  /** NTF-9: noted, and not acknowledged yet. */
  readonly #noted = new Map<string, NotifyDelivered>();
  readonly #cursors: readonly { readOn(): Promise<void> }[];
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ log, codec }: ReadableTopics) {
    this.#writer = new TopicWriter(TOPICS.deskAlert.writer, codec);
    this.#append = (records) => log.append(records);
    const topics = { log, codec };
    this.#cursors = [
      new TopicCursor(topics, TOPICS.deskAlert.name, (alert) => this.#alerts.set(alertKey(alert), alert), {
        onMadeAnew: () => this.#alerts.clear(),
      }),
      new TopicCursor(topics, TOPICS.notifyDelivered.name, (record) => this.#delivered.set(keyOf(record), record), {
        onMadeAnew: () => this.#delivered.clear(),
      }),
    ];
  }

  /** The latest record of each alert, by its key. */
  get alerts(): ReadonlyMap<string, DeskAlert> {
    return this.#alerts;
  }

  /** The latest message that each target has taken about each alert. */
  get delivered(): NotifyState['delivered'] {
    return this.#noted.size === 0 ? this.#delivered : new Map([...this.#delivered, ...this.#noted]);
  }

  /** Some deliveries are not on record yet. */
  get hasNotes(): boolean {
    return this.#noted.size > 0;
  }

  /** To the ends that stand now. */
  readOn(): Promise<void> {
    return this.#inTurn(async () => {
      for (const cursor of this.#cursors) await cursor.readOn();
    });
  }

  /** Writes changes of alerts by `write`, which refuses where another watch has taken over. */
  change(alerts: readonly DeskAlert[], write: Write): Promise<void> {
    return this.#inTurn(async () => {
      if (alerts.length === 0) return;
      await write(alerts.map((alert) => this.#writer.encode(TOPICS.deskAlert, alert, alert.at)));
      for (const alert of alerts) this.#alerts.set(alertKey(alert), alert);
    });
  }

  /** NTF-9. */
  note(record: NotifyDelivered): void {
    this.#noted.set(keyOf(record), record);
  }

  /** Writes what was noted. A delivery is a fact, whoever watches by now. */
  recordNotes(): Promise<void> {
    return this.#inTurn(async () => {
      const noted = [...this.#noted];
      if (noted.length === 0) return;
      const encoded = noted.map(([, record]) =>
        this.#writer.encode(TOPICS.notifyDelivered, record, record.delivered_at),
      );
      await this.#append(encoded);
      for (const [key, record] of noted) {
        this.#delivered.set(key, record);
        if (this.#noted.get(key) === record) this.#noted.delete(key);
      }
    });
  }

  /** NTF-10. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function keyOf(record: NotifyDelivered): string {
  return deliveredKeyOf(record.target, record);
}
