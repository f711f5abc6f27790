/** What is measured, as data: the exposition, docs/metrics.md and the types of the port derive from this table. */

export interface MetricSpec {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/** From a batch that lies in memory to one that waited out a long back-off. Unit: seconds. */
const BATCH_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** From a venue nearby to the end of the waits for an order in doubt, about 10 s. Unit: seconds. */
const ORDER_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8];

export const METRICS = {
  buildInfo: {
    name: 'harvestline_build_info',
    type: 'gauge',
    help: '1, with the version of this program and of its Node.',
    labels: ['version', 'node'],
  },
  lag: {
    name: 'harvestline_lag',
    type: 'gauge',
    help: 'Records of a partition that the consumer group has not committed yet, as of the latest look; all that are kept where it never committed.',
    labels: ['group', 'topic', 'partition'],
  },
  heldBack: {
    name: 'harvestline_held_back',
    type: 'gauge',
    help: 'Offsets of a partition that wait for the end of a transaction, up to the high watermark, as of the latest look: no reader is given them yet, and they are no lag.',
    labels: ['topic', 'partition'],
  },
  logAnswered: {
    name: 'harvestline_log_answered',
    type: 'gauge',
    help: '1 when the log answered the latest look at the lag, 0 when it did not.',
    labels: [],
  },
  records: {
    name: 'harvestline_records_total',
    type: 'counter',
    help: 'Records that a processor has dealt with, redelivered ones each time.',
    labels: ['processor', 'topic'],
  },
  decisions: {
    name: 'harvestline_decisions_total',
    type: 'counter',
    help: 'Decisions of scoring by action (HOLD, PARTIAL_CLOSE, CLOSE).',
    labels: ['action'],
  },
  shadowDecisions: {
    name: 'harvestline_shadow_decisions_total',
    type: 'counter',
    help: 'Decisions of candidate policies by what came of them: written (to shadow.decision), both_hold (not written), failed (R is beyond 1e12).',
    labels: ['policy', 'result'],
  },
  intents: {
    name: 'harvestline_intents_total',
    type: 'counter',
    help: 'Intents that scoring handed over for writing.',
    labels: [],
  },
  reports: {
    name: 'harvestline_reports_total',
    type: 'counter',
    help: 'Execution reports that the log has acknowledged, by status.',
    labels: ['status'],
  },
  suppressed: {
    name: 'harvestline_suppressed_total',
    type: 'counter',
    help: 'SUPPRESSED execution reports that the log has acknowledged, by reason.',
    labels: ['reason'],
  },
  deadLetters: {
    name: 'harvestline_dead_letters_total',
    type: 'counter',
    help: 'Records set aside, by the topic they came from and the code of their error.',
    labels: ['topic', 'code'],
  },
  lettersWithoutBytes: {
    name: 'harvestline_letters_without_bytes_total',
    type: 'counter',
    help: 'Dead letters that the log refused for their size, by the topic they came from: written without what is large of them.',
    labels: ['topic'],
  },
  neverRead: {
    name: 'harvestline_records_never_read_total',
    type: 'counter',
    help: 'Records that retention removed before the consumer group came to them, counted by offsets; said once, when the group goes on behind them.',
    labels: ['group', 'topic'],
  },
  timesAhead: {
    name: 'harvestline_times_ahead_total',
    type: 'counter',
    help: 'Records set aside for a time ahead of their own timestamp or of the clock, by who wrote them; `other` from the hundredth producer on.',
    labels: ['topic', 'account', 'source'],
  },
  retries: {
    name: 'harvestline_retries_total',
    type: 'counter',
    help: 'Waits after a transient error, by its code.',
    labels: ['processor', 'code'],
  },
  backOff: {
    name: 'harvestline_back_off',
    type: 'gauge',
    help: 'Partitions of a processor that wait for a transient error to pass; restoring its state counts as one.',
    labels: ['processor'],
  },
  batchSeconds: {
    name: 'harvestline_batch_seconds',
    type: 'histogram',
    help: 'From the delivery of a batch to its outputs, waiting included, in seconds.',
    labels: ['processor'],
    buckets: BATCH_BUCKETS_S,
  },
  orderSeconds: {
    name: 'harvestline_order_seconds',
    type: 'histogram',
    help: 'From sending an order to its last fill, in seconds; orders that filled.',
    labels: [],
    buckets: ORDER_BUCKETS_S,
  },
  filledQuote: {
    name: 'harvestline_filled_quote_total',
    type: 'counter',
    help: 'Value of what orders have filled, in quote currency, by their style; reports that the log has acknowledged.',
    labels: ['order'],
  },
  slippageQuote: {
    name: 'harvestline_slippage_quote',
    type: 'gauge',
    help: 'What those fills cost against the mark at their decisions since the start, in quote currency; negative where they were better.',
    labels: ['order'],
  },
  halted: {
    name: 'harvestline_halted',
    type: 'gauge',
    help: '1 while the desk or one of its accounts is halted, as of the latest look: no older than the scrape before.',
    labels: [],
  },
  openPositions: {
    name: 'harvestline_open_positions',
    type: 'gauge',
    help: 'Positions that nothing on record closed, and that are still observed, as of the latest look at the topics (every 30 s).',
    labels: [],
  },
  positionR: {
    name: 'harvestline_position_r',
    type: 'gauge',
    help: 'R of each of those positions by its latest snapshot; of 500 at most, the largest gains and losses. A series ends with its position.',
    labels: ['account', 'symbol', 'side'],
  },
  pnlQuote: {
    name: 'harvestline_pnl_quote',
    type: 'gauge',
    help: 'P&L of all outcomes that this member of CLM knows, final or not, in quote currency: gross (before fees), net (of fees and funding, of outcomes where the exchange told both).',
    labels: ['kind'],
  },
  alert: {
    name: 'harvestline_alert',
    type: 'gauge',
    help: '1 while the alert of that name stands: stall alerts as of the latest look at the topics (every 30 s), kill_switch_unknown as of the latest look at the kill switch (every quarter of a second); `harvestline status` gives the evidence.',
    labels: ['name'],
  },
  alertsStanding: {
    name: 'harvestline_alerts_standing',
    type: 'gauge',
    help: 'Alerts that stand by severity, as of the latest evaluation of `run watch`.',
    labels: ['severity'],
  },
  evaluationAge: {
    name: 'harvestline_evaluation_age_seconds',
    type: 'gauge',
    help: 'Since `run watch` last evaluated the alerts, in seconds. The watch works in steps of seconds: minutes mean that it hangs.',
    labels: [],
  },
  notifyMessages: {
    name: 'harvestline_notify_messages_total',
    type: 'counter',
    help: 'Messages about alerts, and calls of monitors, by target and result: taken or failed.',
    labels: ['target', 'result'],
  },
  notifyWaiting: {
    name: 'harvestline_notify_waiting',
    type: 'gauge',
    help: 'Messages that are due to the target and not taken yet.',
    labels: ['target'],
  },
  observedPositions: {
    name: 'harvestline_observed_positions',
    type: 'gauge',
    help: 'Open positions that the latest look at the exchange gave a snapshot of.',
    labels: [],
  },
  missingAnswers: {
    name: 'harvestline_missing_answers',
    type: 'gauge',
    help: 'Questions about a symbol that the latest look at the exchange left without an answer.',
    labels: [],
  },
  streamTells: {
    name: 'harvestline_stream_tells',
    type: 'gauge',
    help: "1 while the exchange's stream tells of the account's changes, 0 while it does not or there is none: they are seen in cycles then.",
    labels: [],
  },
  streamChanges: {
    name: 'harvestline_stream_changes_total',
    type: 'counter',
    help: "What the exchange's stream told: account (a fill, or another change of a position), mark (a mark price), gap (the stream began anew).",
    labels: ['kind'],
  },
  streamMissed: {
    name: 'harvestline_stream_missed_total',
    type: 'counter',
    help: 'Times that a cycle found fills of a symbol of which the stream, though it was there, had not told.',
    labels: [],
  },
  extraLooks: {
    name: 'harvestline_extra_looks_total',
    type: 'counter',
    help: 'Looks at the exchange between cycles, because its stream told of a change.',
    labels: [],
  },
  clockSkew: {
    name: 'harvestline_clock_skew_milliseconds',
    type: 'gauge',
    help: "The exchange's clock less this machine's, as measured last and corrected for.",
    labels: [],
  },
  venueWeight: {
    name: 'harvestline_venue_weight_total',
    type: 'counter',
    help: 'Weight of the requests sent to the exchange, as ccxt counts it, by what they were for: cancel, place, look-up, positions, history.',
    labels: ['priority'],
  },
  venueAllowanceUsed: {
    name: 'harvestline_venue_allowance_used',
    type: 'gauge',
    help: "Share of the running minute's request allowance that is used by the exchange's own count, which other programs at the same address add to; 0 where it does not say.",
    labels: [],
  },
  gateFinal: {
    name: 'harvestline_gate_final',
    type: 'gauge',
    help: 'FINAL outcomes that this member of CLM knows: all that stood when it was assigned partitions last, and those of its own partitions since.',
    labels: [],
  },
  gateUsable: {
    name: 'harvestline_gate_usable',
    type: 'gauge',
    help: 'The FINAL outcomes among them that calibration can learn from.',
    labels: [],
  },
  gateNeeded: {
    name: 'harvestline_gate_needed',
    type: 'gauge',
    help: 'Usable outcomes at which the gate opens.',
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;

type Metric = keyof typeof METRICS;
type MetricOf<T extends MetricSpec['type']> = {
  [M in Metric]: (typeof METRICS)[M]['type'] extends T ? M : never;
}[Metric];

export type CounterName = MetricOf<'counter'>;
export type GaugeName = MetricOf<'gauge'>;
export type HistogramName = MetricOf<'histogram'>;

/** One value for every label of the metric. */
export type LabelsOf<M extends Metric> = Readonly<Record<(typeof METRICS)[M]['labels'][number], string>>;

/** One series of a counter. Adding costs an addition, so that it may be done for every record. */
export interface Counter {
  add(count: number): void;
}

/** One series of a gauge. */
export interface Gauge {
  set(value: number): void;
  /** Ends the series: it is exposed no more, until it is set again. */
  remove(): void;
}

/** One series of a histogram. */
export interface Histogram {
  observe(value: number): void;
}

/** Where a program's measurements go. A series shows as 0 from the moment it is asked for; the same labels give the same series. */
export interface Metrics {
  counter<M extends CounterName>(metric: M, labels: LabelsOf<M>): Counter;
  gauge<M extends GaugeName>(metric: M, labels: LabelsOf<M>): Gauge;
  histogram<M extends HistogramName>(metric: M, labels: LabelsOf<M>): Histogram;
  /** `update` sets gauges that are expensive to compute; called at each scrape. */
  onLook(update: () => void): void;
}

/** For a process whose measurements nobody can see. */
export const NO_METRICS: Metrics = {
  counter: () => ({ add: () => {} }),
  gauge: () => ({ set: () => {}, remove: () => {} }),
  histogram: () => ({ observe: () => {} }),
  onLook: () => {},
};
