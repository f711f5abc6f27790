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
  const tally = new GateTally();
  for (const outcome of outcomes) tally.add(outcome);
  return tally.gate(() => outcomes);
}

/**
 * The gate, kept up to date outcome by outcome, so that a batch costs what it changes and not what is known.
 * G1  It says what a recount of all outcomes says.
 */
export class GateTally {
  readonly #labels: Record<OutcomeLabel, number> = { WIN: 0, LOSS: 0, NEUTRAL: 0 };
  readonly #excluded = new Map<string, number>();
  #final = 0;
  #usable = 0;
  #first = Infinity;
  #latest = -Infinity;
  /** The first or the latest usable outcome was taken out: only a recount knows the next one. */
  #edgesLost = false;

  add(outcome: GateOutcome): void {
    this.#count(outcome, 1);
    const closedAt = usableClosedAt(outcome);
    if (closedAt === null) return;
    this.#first = Math.min(this.#first, closedAt);
    this.#latest = Math.max(this.#latest, closedAt);
  }

  /** An outcome that another one of its position takes the place of. */
  remove(outcome: GateOutcome): void {
    this.#count(outcome, -1);
    const closedAt = usableClosedAt(outcome);
    if (closedAt === this.#first || closedAt === this.#latest) this.#edgesLost = true;
  }

  /** `all`: every outcome that was added and not removed; asked for only where nothing else tells. */
  gate(all: () => Iterable<GateOutcome>): Gate {
    if (this.#edgesLost) this.#findEdges(all());
    const open = this.#usable >= GATE_OUTCOMES;
    return {
      final: this.#final,
      usable: this.#usable,
      needed: GATE_OUTCOMES,
      open,
      // Two outcomes at one moment, or fewer, have no pace.
      eta: open || !(this.#latest > this.#first) ? null : etaOf(this.#usable, this.#first, this.#latest),
      labels: { ...this.#labels },
      excluded: Object.fromEntries([...this.#excluded].filter(([, count]) => count > 0)),
    };
  }

  #count(outcome: GateOutcome, by: 1 | -1): void {
    const { label, closed_at: closedAt, excluded_from_calibration: code } = outcome;
    if (outcome.status !== 'FINAL' || label === null || closedAt === null) return;
    this.#final += by;
    this.#labels[label] += by;
    if (code !== null) this.#excluded.set(code, (this.#excluded.get(code) ?? 0) + by);
    else if (label !== 'NEUTRAL') this.#usable += by;
  }

  #findEdges(outcomes: Iterable<GateOutcome>): void {
    this.#first = Infinity;
    this.#latest = -Infinity;
    for (const outcome of outcomes) {
      const closedAt = usableClosedAt(outcome);
      if (closedAt === null) continue;
      this.#first = Math.min(this.#first, closedAt);
      this.#latest = Math.max(this.#latest, closedAt);
    }
    this.#edgesLost = false;
  }
}

/** When a usable outcome closed; null for any other. */
function usableClosedAt(outcome: GateOutcome): EpochMillis | null {
  const { status, label, closed_at: closedAt, excluded_from_calibration: code } = outcome;
  return status === 'FINAL' && label !== null && label !== 'NEUTRAL' && code === null ? closedAt : null;
}

function etaOf(usable: number, first: EpochMillis, latest: EpochMillis): EpochMillis {
  return Math.round(latest + ((GATE_OUTCOMES - usable) * (latest - first)) / (usable - 1));
}
