import type { Alert } from '../alerts/alerts.ts';
import type { Gate } from '../clm/gate.ts';
import type { ProducerAhead } from '../dlq/list-letters.ts';
import type { Halt, UnknownSwitch } from '../../ports/kill-switch.ts';
import type { EpochMillis, ExecutionStatus } from '../../schemas/generated/records.ts';
import type { ShadowFigures } from '../scoring/shadow-report.ts';
import type { CalibrationWatch } from './calibration-watch.ts';
import type { OrderCostsByStyle } from './execution-figures.ts';
import type { TopicStatus } from './topic-statuses.ts';
import type { Dust, LeftResting, StandingDifference } from './venue-figures.ts';

/** What `status` shows. Every figure derives from the log; times are event time, in epoch milliseconds. */
export interface StatusReport {
  readonly topics: Readonly<Record<string, TopicStatus>>;
  /** By consumer group that has any: records of all topics that it should have committed by now. */
  readonly late: Readonly<Record<string, number>>;
  /** Dead letters that nobody has retried or discarded. */
  readonly dead_letters: number;
  /** Processes that work an account; null on a log that is not written live. */
  readonly processes: number | null;
  /** Id of the policy by which R is computed: the one in force last. */
  readonly policy: string;
  /** The reader's clock where the log is written live, else the newest time of any account; null where there is none. */
  readonly as_of: EpochMillis | null;
  readonly gate: Gate;
  /** Positions with a snapshot within an hour before the watermark of their account, which nothing on record closed. */
  readonly open_positions: number;
  /** Execution reports by status, and the SUPPRESSED ones by reason. */
  readonly reports: Readonly<Record<ExecutionStatus, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** What fills cost against the mark price, by order style. */
  readonly orders: OrderCostsByStyle;
  /** UNKNOWN reports. The alert of that name counts only those without a trade of their order since. */
  readonly unknown_reports: number;
  /** Orders that were announced and have no end yet. */
  readonly open_orders: number;
  /** What people have halted. */
  readonly halted: readonly Halt[];
  /** Scopes that cannot be known to be halted or not: no order is sent for them either. */
  readonly kill_switch_unknown: readonly UnknownSwitch[];
  /** Where venue and record differ now. */
  readonly differences: readonly StandingDifference[];
  /** Orders that rest at a venue though the desk has closed their position. */
  readonly resting_left: readonly LeftResting[];
  /** Positions that are too small for any order. */
  readonly dust: readonly Dust[];
  /** Records that do not decode; `tail` shows them. */
  readonly undecodable: number;
  /** By producer, the waiting dead letters of code TIMESTAMP_AHEAD. */
  readonly times_ahead: readonly ProducerAhead[];
  /** Snapshots dated too far ahead to be believed: no other figure counts them. */
  readonly ahead: number;
  /** Every calibration in force, compared with the time before it. */
  readonly calibrations: readonly CalibrationWatch[];
  /** What candidate policies decided in the latest day; `shadow` counts all that is kept. */
  readonly shadow: readonly ShadowFigures[];
  readonly alerts: readonly Alert[];
}
