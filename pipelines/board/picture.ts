/** Everything of a board but its positions, put together from the projection and what was asked for. */
import type { Board, BoardAlert } from '../../ports/board.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { type Halt, type Stop, isUnknown } from '../../ports/kill-switch.ts';
import type { DeskMode } from '../../schemas/generated/records.ts';
import { ALERTS } from '../alerts/alert-table.ts';
import { type Alert, printedAlert } from '../alerts/alerts.ts';
import { haltedAlert, killSwitchUnknownAlert } from '../desk/control-topic.ts';
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
  /** Unit: positions. */
  readonly open: number;
  readonly alerts: readonly Alert[];
  readonly stops: readonly Stop[];
}

/** The gravest first. */
const MODES = ['LIVE', 'DEMO', 'PAPER'] as const satisfies readonly DeskMode[];

const SEVERITIES = ['CRITICAL', 'WARNING', 'INFO'] as const;

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

  rest({ at, lag, dead_letters, open, stops, alerts: found }: Seen): BoardRest {
    const { projection, desk, logName: log, logFlags, version } = this.#options;
    const { activity, outcomes, positions, shadow } = projection;
    if (this.#activityAt !== activity.changes) this.#figures = activity.figures();
    this.#activityAt = activity.changes;
    if (this.#outcomesAt !== outcomes.changes) this.#gate = outcomes.gate();
    this.#outcomesAt = outcomes.changes;
    const halts = stops.filter((stop): stop is Halt => !isUnknown(stop));
    const standing = [...found, haltedAlert(halts), killSwitchUnknownAlert(stops.filter(isUnknown))];
    const alerts = boardAlerts(
      standing.filter((alert) => alert !== null),
      logFlags,
    );
    return {
      at,
      desk,
      log,
      mode: this.#mode(),
      version,
      policy: projection.policy,
      calibrations: positions.calibrations(),
      ...headlineOf(alerts, open, this.#gate),
      halted: halts.map(({ scope, by, reason }) => ({ scope, by, reason })),
      alerts,
      decisions: activity.decisions(),
      ...this.#figures,
      gate: this.#gate,
      lag,
      snapshots_per_second: this.#rate.of(activity.snapshots),
      dead_letters,
      shadow: at === null ? [] : shadow.figures(at),
    };
  }

  #mode(): DeskMode | null {
    const { mode, projection, liveNow } = this.#options;
    const now = liveNow();
    if (mode !== null || now === null) return mode;
    const modes = new Set(projection.processes.working(now).map((process) => process.mode));
    return MODES.find((one) => modes.has(one)) ?? null;
  }
}

/** The most severe first, then the oldest. */
function boardAlerts(alerts: readonly Alert[], logFlags: string): readonly BoardAlert[] {
  const gravity = (severity: BoardAlert['severity']): number => SEVERITIES.findIndex((one) => one === severity);
  return alerts
    .map((alert) => {
      const { name, since, evidence } = alert;
      return { name, severity: ALERTS[name].severity, since, evidence, command: printedAlert(alert, logFlags).command };
    })
    .toSorted((one, other) => gravity(one.severity) - gravity(other.severity) || one.since - other.since);
}

function headlineOf(alerts: readonly BoardAlert[], open: number, gate: Board['gate']): Pick<Board, 'headline' | 'ok'> {
  const usual = `${open} positions, gate ${gate.open ? 'open' : `${gate.usable} of ${gate.needed}`}`;
  const ok = alerts.length === 0;
  const headline = ok ? `all is well: ${usual}, no alerts` : `${alerts.map(({ name }) => name).join(', ')}; ${usual}`;
  return { headline, ok };
}
