/** Everything of a board but its positions, put together from the projection and what was asked for. */
import { programName } from '../../errors/program-name.ts';
import type { Board, BoardAlert } from '../../ports/board.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { type Halt, type Stop, isUnknown } from '../../ports/kill-switch.ts';
import type { DeskAlert, DeskMode, DeskProcess } from '../../schemas/generated/records.ts';
import { type AlertName, bySeverity, severityOf } from '../alerts/alert-table.ts';
import { type Alert, nextCommand } from '../alerts/alerts.ts';
import { haltedAlert, killSwitchUnknownAlert } from '../desk/control-topic.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { headlineOf } from '../status/headline.ts';
import type { BoardRest } from './changes.ts';
import type { BoardProjection } from './projection.ts';
import { RecentRate } from './recent-rate.ts';

interface PictureOptions {
  readonly projection: BoardProjection;
  readonly desk: string | null;
  readonly logName: string;
  readonly logFlags: string;
  readonly version: string;
  /** Null: as desk.process says. */
  readonly mode: DeskMode | null;
  readonly liveNow: () => EpochMillis | null;
  readonly clock: Clock;
}

/** What the topics do not say by themselves. */
interface Seen extends Pick<Board, 'at' | 'lag' | 'dead_letters'> {
  /** By consumer group that has any: records of its lag that it should have committed by now. */
  readonly late: Readonly<Record<string, number>>;
  /** Unit: positions. */
  readonly open: number;
  readonly alerts: readonly Alert[];
  readonly stops: readonly Stop[];
}

/** Alerts that a board does not evaluate by itself: it shows them where a `run watch` has recorded them. */
const WATCH_ONLY: ReadonlySet<string> = new Set<AlertName>([
  'calibration_worse',
  'transaction_open',
  'processor_gone',
  'log_unavailable',
  'notify_failed',
]);

/** The gravest first. */
const MODES = ['LIVE', 'DEMO', 'PAPER'] as const satisfies readonly DeskMode[];

export class BoardPicture {
  readonly #options: PictureOptions;
  readonly #rate: RecentRate;
  #activityAt = -1;
  #figures: ReturnType<BoardProjection['activity']['figures']>;
  #outcomesAt = -1;
  #gate: Board['gate'];

  constructor(options: PictureOptions) {
    this.#options = options;
    this.#rate = new RecentRate(options.clock);
    this.#figures = options.projection.activity.figures();
    this.#gate = options.projection.outcomes.gate();
  }

  rest({ at, lag, late, dead_letters, open, stops, alerts: found }: Seen): BoardRest {
    const { projection, desk, logName: log, logFlags, version } = this.#options;
    const { activity, outcomes, positions, shadow } = projection;
    if (this.#activityAt !== activity.changes) this.#figures = activity.figures();
    this.#activityAt = activity.changes;
    if (this.#outcomesAt !== outcomes.changes) this.#gate = outcomes.gate();
    this.#outcomesAt = outcomes.changes;
    const halts = stops.filter((stop): stop is Halt => !isUnknown(stop));
    const standing = [...found, haltedAlert(halts), killSwitchUnknownAlert(stops.filter(isUnknown))];
    const alerts = standing.filter((alert) => alert !== null);
    const recorded = projection.recordedAlerts().filter(({ name }) => WATCH_ONLY.has(name));
    const working = this.#working();
    const { state, text: headline } = headlineOf({
      halted: halts,
      alerts: [...alerts, ...recorded],
      late,
      dead_letters: dead_letters.reduce((sum, { count }) => sum + count, 0),
      processes: working === null ? null : working.length,
      open_positions: open,
      gate: this.#gate,
    });
    return {
      at,
      desk,
      log,
      mode: this.#mode(working),
      version,
      program: programName(),
      log_flags: logFlags,
      policy: projection.policy,
      calibrations: positions.calibrations(),
      headline,
      ok: state === 'well',
      halted: halts.map(({ scope, by, reason }) => ({ scope, by, reason })),
      alerts: bySeverity([...boardAlerts(alerts, logFlags), ...recorded.map(recordedAlert)]),
      decisions: activity.decisions(),
      ...this.#figures,
      gate: this.#gate,
      lag,
      snapshots_per_second: this.#rate.of(activity.snapshots),
      dead_letters,
      shadow: at === null ? [] : shadow.figures(at),
    };
  }

  /** The processes that work an account; null where nobody can know. */
  #working(): readonly DeskProcess[] | null {
    const { projection, liveNow, clock } = this.#options;
    return liveNow() === null ? null : projection.processes.working(clock.now());
  }

  #mode(working: readonly DeskProcess[] | null): DeskMode | null {
    const modes = new Set((working ?? []).map(({ mode }) => mode));
    return this.#options.mode ?? MODES.find((one) => modes.has(one)) ?? null;
  }
}

function boardAlerts(alerts: readonly Alert[], logFlags: string): readonly BoardAlert[] {
  return alerts.map((alert) => {
    const { name, since, evidence, next } = alert;
    return { name, severity: severityOf(name), since, evidence, command: nextCommand(next, logFlags) };
  });
}

/** An alert as the watch has recorded it, with when: nobody clears it while no watch runs. */
function recordedAlert({ name, severity, since, at, evidence, command }: DeskAlert): BoardAlert {
  return { name, severity, since, evidence: `${evidence} (recorded by the watch at ${formatEventTime(at)})`, command };
}
