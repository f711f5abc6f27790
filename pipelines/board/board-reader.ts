/**
 * Reads what a board shows beyond what the stall watch of the process reads: versions of policy and map, shadow decisions, processes, and
 * figures that have to be asked for (lag, dead letters, halts).
 *
 * reads      policy.applied, confidence.calibration, desk.alert: all; shadow.decision: of the latest day; desk.process: of the last minutes where the log
 *            is written live; desk.claim, position.reconciled, letter.discarded and dead letters anew where they have grown;
 *            committed offsets
 * writes     nothing
 */
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import type { Board } from '../../ports/board.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { TOPICS, deadLetterTopicOf } from '../../schemas/topics.ts';
import { Claims } from '../desk/claims.ts';
import { groupsOf } from '../desk/consumer-groups.ts';
import { GONE_MS } from '../desk/presence.ts';
import type { Alert } from '../alerts/alerts.ts';
import { deadLettersAlert } from '../dlq/letter-alerts.ts';
import { listLetters } from '../dlq/list-letters.ts';
import { readDiscarded } from '../dlq/read-letters.ts';
import { type ReadableTopics, TopicCursor, forEachRecord } from '../runtime/topic-cursor.ts';
import { Kept } from '../status/status-reader.ts';
import { standingDifferences, venueDiffersAlert } from '../status/venue-figures.ts';
import { lagOf } from '../watch/lag-watch.ts';
import type { BoardProjection } from './projection.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Unit: records of all topics of the group. */
export interface GroupLag {
  readonly lag: Readonly<Record<string, number>>;
  readonly late: Readonly<Record<string, number>>;
}

interface Cursor {
  readOn(signal: AbortSignal): Promise<void>;
}

/** Letters that wait, and the alert of them. */
export interface WaitingDeadLetters {
  readonly dead_letters: Board['dead_letters'];
  readonly alerts: readonly Alert[];
}

export class BoardTopics {
  readonly #topics: ReadableTopics;
  readonly #projection: BoardProjection;
  readonly #claims: Kept<Claims>;
  readonly #differences: Kept<Awaited<ReturnType<typeof standingDifferences>>>;
  #cursors: readonly Cursor[] | null = null;
  #lettersEnd = '';
  #letters: WaitingDeadLetters = { dead_letters: [], alerts: [] };

  constructor(topics: ReadableTopics, projection: BoardProjection) {
    this.#topics = topics;
    this.#projection = projection;
    this.#claims = new Kept(topics.log, [TOPICS.deskClaim.name], async () => {
      const claims = new Claims();
      await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => claims.apply(claim));
      return claims;
    });
    this.#differences = new Kept(topics.log, [TOPICS.positionReconciled.name], () => standingDifferences(topics));
  }

  /** To the ends that stand now. `newest` is the newest event time; `now` is this machine's clock where the log is written live, else null. */
  async readOn(newest: EpochMillis | null, now: EpochMillis | null, signal: AbortSignal): Promise<void> {
    this.#cursors ??= this.#open(newest, now);
    for (const cursor of this.#cursors) await emptyWhereMissing(() => cursor.readOn(signal));
  }

  /** Records that wait, by consumer group; those of them that came before `lateBefore`, by the groups that have any. */
  async lag(lateBefore: EpochMillis): Promise<GroupLag> {
    const { log } = this.#topics;
    let claims = new Claims();
    await emptyWhereMissing(async () => {
      claims = await this.#claims.get();
    });
    const lag: Record<string, number> = {};
    const late: Record<string, number> = {};
    for (const { name } of Object.values(TOPICS)) {
      const groups = groupsOf(name, claims.all());
      if (groups.length === 0) continue;
      const offsets = await log.offsets(name);
      for (const group of groups) {
        const committed = await this.#committed(group, name);
        if (committed === null) continue;
        const waits = offsets.reduce((sum, one) => sum + lagOf(one, committed.get(one.partition)), 0);
        lag[group] = (lag[group] ?? 0) + waits;
        if (waits === 0) continue;
        const due = await log.offsetsAt(name, lateBefore);
        const overdue = offsets.reduce((sum, { partition, begin, end }) => {
          const dueEnd = Math.min(end, due.get(partition) ?? begin);
          return sum + lagOf({ begin, end: dueEnd }, committed.get(partition));
        }, 0);
        if (overdue > 0) late[group] = (late[group] ?? 0) + overdue;
      }
    }
    return { lag, late };
  }

  /** Null where this user may not ask about that group: its lag is left out. */
  async #committed(group: string, topic: string): Promise<ReadonlyMap<number, number> | null> {
    try {
      return await this.#topics.log.committed(group, topic);
    } catch (thrown) {
      if (isKind(thrown, 'transient')) throw thrown;
      return null;
    }
  }

  /** Where venue and record differ. */
  async venueAlerts(): Promise<readonly Alert[]> {
    let alert: Alert | null = null;
    await emptyWhereMissing(async () => {
      alert = venueDiffersAlert((await this.#differences.get()).differences);
    });
    return alert === null ? [] : [alert];
  }

  /** Letters that wait, by topic and code. Read anew only where one was written, put back or discarded since. */
  async deadLetters(): Promise<WaitingDeadLetters> {
    const { log, codec } = this.#topics;
    const topics = Object.values(TOPICS);
    const read = [...topics.map(({ name }) => deadLetterTopicOf(name)), TOPICS.letterDiscarded.name];
    const ends = JSON.stringify(await Promise.all(read.map((topic) => log.offsets(topic))));
    if (ends === this.#lettersEnd) return this.#letters;
    const discarded = await readDiscarded(log, () => Promise.resolve(codec));
    const groups = await listLetters(log, topics, discarded);
    const waiting = groups.filter(({ count }) => count > 0);
    const named = waiting.map(({ topic, ...letters }) => ({ ...letters, topic: deadLetterTopicOf(topic) }));
    const alert = deadLettersAlert(
      named.map(({ topic, count: records, set_aside: { first: since } }) => ({ topic, records, since })),
    );
    this.#letters = {
      dead_letters: named.map(({ topic, code, count }) => ({ topic, code, count })),
      alerts: alert === null ? [] : [alert],
    };
    this.#lettersEnd = ends;
    return this.#letters;
  }

  #open(newest: EpochMillis | null, now: EpochMillis | null): readonly Cursor[] {
    const { observer } = this.#projection;
    const { policyApplied, confidenceCalibration, deskAlert, shadowDecision, deskProcess } = TOPICS;
    return [
      new TopicCursor(this.#topics, policyApplied.name, observer[policyApplied.name]),
      new TopicCursor(this.#topics, confidenceCalibration.name, observer[confidenceCalibration.name]),
      new TopicCursor(this.#topics, deskAlert.name, observer[deskAlert.name]),
      new TopicCursor(this.#topics, shadowDecision.name, observer[shadowDecision.name], {
        since: newest === null ? -Infinity : newest - DAY_MS,
      }),
      // Who wrote nothing since then is gone.
      new TopicCursor(this.#topics, deskProcess.name, observer[deskProcess.name], {
        since: now === null ? -Infinity : now - 2 * GONE_MS,
      }),
    ];
  }
}

/** A log of an earlier version lacks some topics. */
async function emptyWhereMissing(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError) || thrown.code !== 'TOPIC_MISSING') throw thrown;
  }
}
