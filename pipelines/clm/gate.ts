import type { ClmOutcome, EpochMillis, OutcomeLabel } from '../../schemas/generated/records.ts';

/** Below 50 outcomes a fitted confidence map follows the noise, whatever the method; calibration refuses below it. Unit: outcomes. */
export const GATE_OUTCOMES = 50;

/** What the gate looks at in an outcome; the least that has to be kept in memory for it. */
export type GateOutcome = Pick<ClmOutcome, 'status' | 'label' | 'closed_at' | 'excluded_from_calibration'>;

/** How far the record of outcomes is from calibration. Counts are in outcomes (one a position). */
export interface Gate {
  readonly final: number;
  /** FINAL, WIN or LOSS, and not excluded: what calibration can learn from. */
  readonly usable: number;
  readonly needed: number;
  /** usable >= needed. */
  readonly open: boolean;
  /**
   * When the gate opens if usable outcomes go on coming at their pace so far. Null: open already, or no pace yet.
   * Formula, over the closed_at of the usable outcomes: latest + (needed - usable) * (latest - first) / (usable - 1).
   */
  readonly eta: EpochMillis | null;
  /** FINAL outcomes by label. */
  readonly labels: Readonly<Record<OutcomeLabel, number>>;
  /** FINAL outcomes that calibration leaves out, by code (pipelines/clm/exclusions.ts). */
  readonly excluded: Readonly<Record<string, number>>;
}

/** The gate over the latest outcome of each position. */
export function gateOf(outcomes: Iterable<GateOutcome>): Gate {
  const labels: Record<OutcomeLabel, number> = { WIN: 0, LOSS: 0, NEUTRAL: 0 };
  const excluded = new Map<string, number>();
  let final = 0;
  let usable = 0;
  let first = Infinity;
  let latest = -Infinity;
  for (const outcome of outcomes) {
    const { label, closed_at: closedAt, excluded_from_calibration: code } = outcome;
    if (outcome.status !== 'FINAL' || label === null || closedAt === null) continue;
    final += 1;
    labels[label] += 1;
    if (code !== null) excluded.set(code, (excluded.get(code) ?? 0) + 1);
    else if (label !== 'NEUTRAL') {
      usable += 1;
      first = Math.min(first, closedAt);
      latest = Math.max(latest, closedAt);
    }
  }
  const open = usable >= GATE_OUTCOMES;
  return {
    final,
    usable,
    needed: GATE_OUTCOMES,
    open,
    // Two outcomes at one moment, or fewer, have no pace.
    eta: open || !(latest > first) ? null : etaOf(usable, first, latest),
    labels,
    excluded: Object.fromEntries(excluded),
  };
}

function etaOf(usable: number, first: EpochMillis, latest: EpochMillis): EpochMillis {
  return Math.round(latest + ((GATE_OUTCOMES - usable) * (latest - first)) / (usable - 1));
}
