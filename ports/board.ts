/**
 * What a desk looks like at one moment: everything that the page, `positions` and a live view show. Names and units are those of the
 * records; times are event time in epoch milliseconds. What is unknown is null.
 */
import type {
  AlertSeverity,
  DeskMode,
  EpochMillis,
  Action,
  PositionId,
  RestingOrder,
  Side,
} from '../schemas/generated/records.ts';

/** What a policy says of a position now, from its latest snapshot. Scores in points. */
export interface BoardDecision {
  readonly action: 'HOLD' | Action;
  /** 0 for HOLD. */
  readonly fraction: number;
  readonly reason: string;
  readonly hold_score: number;
  readonly exit_score: number;
  readonly policy: string;
}

/** One open position. */
export interface BoardPosition extends BoardDecision {
  readonly position_id: PositionId;
  readonly account: string;
  readonly venue: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: number;
  readonly entry_price: number;
  readonly mark_price: number;
  readonly stop_price: number | null;
  readonly take_profit_price: number | null;
  /** Not rounded. Unit: multiples of the initial risk. */
  readonly r: number;
  /** Over its life, evenly thinned to at most 41, oldest first, the current one last. Rounded to thousandths. Unit: R. */
  readonly r_history: readonly number[];
  readonly age_minutes: number;
  readonly confidence: number | null;
  /** After the map in force; null where confidence is unknown or no map is in force. */
  readonly calibrated_confidence: number | null;
  readonly regime: string | null;
  /** Null: the venue was not asked. */
  readonly resting: readonly RestingOrder[] | null;
  readonly last_snapshot_at: EpochMillis;
  /** Until then a partial close of it is suppressed; null where none is. */
  readonly cooldown_until: EpochMillis | null;
}

/** An alert that stands, with the command to type next. */
export interface BoardAlert {
  readonly name: string;
  readonly severity: AlertSeverity;
  readonly since: EpochMillis;
  readonly evidence: string;
  readonly command: string;
}

/** How far the outcomes are from calibration, and what confidence has been worth. Counts are in outcomes. */
export interface BoardGate {
  readonly final: number;
  readonly usable: number;
  readonly needed: number;
  readonly open: boolean;
  readonly eta: EpochMillis | null;
  readonly labels: Readonly<Record<string, number>>;
  /** By confidence at entry, raw: the mean confidence said and the share that won. Empty where there is none. */
  readonly reliability: readonly { readonly said: number; readonly won: number; readonly count: number }[];
}

/** Something that happened to a position, newest first. */
export interface BoardEvent {
  readonly at: EpochMillis;
  readonly symbol: string;
  readonly position_id: string;
  /** Such as FILLED, REJECTED, WIN. */
  readonly kind: string;
  readonly detail: string;
}

/** A candidate policy beside the one that decides. Counts are decisions of the latest day. */
export interface BoardShadow {
  readonly policy: string;
  readonly against: string;
  readonly decisions: number;
  readonly agreed: number;
  readonly resized: number;
  readonly flips: number;
}

/** A desk at one moment. */
export interface Board {
  /** The newest event time that was seen; null before any. */
  readonly at: EpochMillis | null;
  /** The desk that the topics belong to; null for the desk without a name. */
  readonly desk: string | null;
  /** Where the records lie, in words: `.harvestline`, or `Kafka at 127.0.0.1:9092`. */
  readonly log: string;
  /** The gravest of the modes in which its accounts are worked; null where no process works any. */
  readonly mode: DeskMode | null;
  /** Of this program. */
  readonly version: string;
  /** How a command of this program begins in the shell of whoever started it, such as `npx harvestline`. */
  readonly program: string;
  /** What a command needs besides to read the same log, each flag after a space. */
  readonly log_flags: string;
  /** The policy in force; null before any decision. */
  readonly policy: string | null;
  /** The confidence maps in force. */
  readonly calibrations: readonly { readonly model_id: string; readonly version: string }[];
  /** One line: whether all is well, and if not, what is the matter. */
  readonly headline: string;
  readonly ok: boolean;
  readonly halted: readonly { readonly scope: string; readonly by: string; readonly reason: string }[];
  /** The most severe first, then the oldest. */
  readonly alerts: readonly BoardAlert[];
  /** Best R first. */
  readonly positions: readonly BoardPosition[];
  /** Decisions by action since this process reads. */
  readonly decisions: Readonly<Record<'HOLD' | Action, number>>;
  /** Fills by order style: count, quote volume, mean slippage against the mark in basis points (null: unknown). */
  readonly fills: Readonly<
    Record<string, { readonly count: number; readonly quote: number; readonly slippage_bps: number | null }>
  >;
  /** SUPPRESSED reports by reason. */
  readonly suppressed: Readonly<Record<string, number>>;
  readonly unknown_reports: number;
  readonly gate: BoardGate;
  /** Group -> records that wait for it, over all its topics. */
  readonly lag: Readonly<Record<string, number>>;
  /** Snapshots a second over the last minute of this process's clock. */
  readonly snapshots_per_second: number;
  readonly dead_letters: readonly { readonly topic: string; readonly code: string | null; readonly count: number }[];
  readonly shadow: readonly BoardShadow[];
  readonly events: readonly BoardEvent[];
}

/** What changed of a board since the picture before: whole positions by id, and every other part that differs. */
export interface BoardChange {
  readonly positions: readonly BoardPosition[];
  readonly closed: readonly PositionId[];
  readonly rest: Partial<Omit<Board, 'positions'>>;
}

/** The life of one position, as `explain --json` prints it, with the prices that it went through. */
export interface PositionStory {
  /** As `explain --json`: decisions, runs, steps and the latest decision with its factors. */
  readonly explanation: object;
  /** Oldest first, one a snapshot; thinned to at most 2,000. Prices in quote currency. */
  readonly path: readonly {
    readonly at: EpochMillis;
    readonly mark_price: number;
    readonly stop_price: number | null;
    readonly r: number;
  }[];
}

/**
 * What a page reads from. Read only: nothing that is called here changes a record.
 *
 * A picture and the changes after it give the later picture. Whoever needs both begins to watch first: a change that is told before
 * `state()` answers is part of the answer, and does no harm when it is applied again, in order.
 */
export interface BoardSource {
  state(): Promise<Board>;
  /** Calls `onChange` with what changed, at most ten times a second, until `signal` aborts. Costs nothing while nobody watches. */
  watch(onChange: (change: BoardChange) => void, signal: AbortSignal): Promise<void>;
  /** Null where no snapshot of that position is kept. */
  story(position: string, signal: AbortSignal): Promise<PositionStory | null>;
}
