/**
 * Turns what an evaluation finds into changes: the records of desk.alert. Each episode of an alert, from when it is found until it is found
 * no longer, has one id and two records.
 *
 * NTF-6  A change is written once. While an episode stands it keeps the id and the beginning of its record, whatever the evaluation says now,
 *        so a restart and a beginning that moves make no second episode.
 * NTF-7  Two episodes have two ids, even where both began at the same time.
 * NTF-8  An alert is cleared once it has been away for `clearAfterMs`, so that one which comes and goes is one episode. After a start none is
 *        cleared for `settleMs`: some alerts need that long to be found again.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskAlert } from '../../schemas/generated/records.ts';
import { alertIdOf } from '../../schemas/ids.ts';
import { severityOf } from '../alerts/alert-table.ts';
import { type Alert, WHOLE_DESK_SCOPE, alertKey, nextCommand } from '../alerts/alerts.ts';

export interface EpisodeTerms {
  /** Unit: milliseconds. */
  readonly clearAfterMs: number;
  readonly settleMs: number;
  /** The flags that name the log in the commands of alerts (ALR-1). */
  readonly logFlags: string;
}

/** Bounds of the schema. Unit: UTF-16 code units. */
const LONGEST = { scope: 256, evidence: 8192, command: 2048 } as const;

export class Episodes {
  readonly #terms: EpisodeTerms;
  /** Since when an alert that stands on record has not been found. */
  readonly #awaySince = new Map<string, EpochMillis>();
  #startedAt: EpochMillis | null = null;

  constructor(terms: EpisodeTerms) {
    this.#terms = terms;
  }

  /** The records to write, for what was `found` at `at`. `recorded`: the latest record of each alert by its key. */
  changes(recorded: ReadonlyMap<string, DeskAlert>, found: readonly Alert[], at: EpochMillis): readonly DeskAlert[] {
    this.#startedAt ??= at;
    const now = new Map(found.map((alert): [string, Alert] => [keyOf(alert), alert]));
    const raised = [...now]
      .filter(([key]) => recorded.get(key)?.state !== 'RAISED')
      .map(([key, alert]) => this.raised(alert, recorded.get(key), at));
    const cleared = [...recorded]
      .filter(([key, { state }]) => state === 'RAISED' && this.#isOver(key, now, at))
      .map(([, alert]): DeskAlert => ({ ...alert, state: 'CLEARED', at }));
    return [...raised, ...cleared];
  }

  /** The first record of an episode. `before`: the latest record of the alert. An episode that stands has one. */
  raised(alert: Alert, before: DeskAlert | undefined, at: EpochMillis): DeskAlert {
    if (before?.state === 'RAISED') return before;
    const { name, evidence, next } = alert;
    const scope = scopeOf(alert);
    // NTF-7: it was over in between, so it cannot have begun as early as the episode before.
    const since = before === undefined || alert.since > before.since ? alert.since : Math.max(at, before.since + 1);
    return {
      alert_id: alertIdOf(scope, name, since),
      name,
      scope,
      severity: severityOf(name),
      state: 'RAISED',
      since,
      at,
      evidence: cut(evidence, LONGEST.evidence),
      command: cut(nextCommand(next, this.#terms.logFlags), LONGEST.command),
    };
  }

  /** NTF-8. */
  #isOver(key: string, now: ReadonlyMap<string, Alert>, at: EpochMillis): boolean {
    if (now.has(key)) {
      this.#awaySince.delete(key);
      return false;
    }
    const since = this.#awaySince.get(key) ?? at;
    this.#awaySince.set(key, since);
    const { clearAfterMs, settleMs } = this.#terms;
    const isOver = at - since >= clearAfterMs && at - (this.#startedAt ?? at) >= settleMs;
    if (isOver) this.#awaySince.delete(key);
    return isOver;
  }
}

function keyOf(alert: Alert): string {
  return alertKey({ name: alert.name, scope: scopeOf(alert) });
}

function scopeOf({ scope = WHOLE_DESK_SCOPE }: Alert): string {
  return scope.slice(0, LONGEST.scope);
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
