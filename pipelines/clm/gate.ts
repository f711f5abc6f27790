import type { ClmOutcome, EpochMillis, OutcomeLabel } from '../../schemas/generated/records.ts';

/** The fields of an outcome that the gate needs: all that has to be kept in memory for it. */
export type GateOutcome = Pick<
  ClmOutcome,
  'status' | 'label' | 'closed_at' | 'excluded_from_calibration' | 'model_id' | 'symbol' | 'confidence'
>;

/** How far the outcomes of one model are from calibration. Counts are in outcomes (one a position). */
export interface ModelGate {
  readonly model_id: string;
  readonly final: number;
  /** FINAL, WIN or LOSS, and not excluded: what calibration can learn from. */
  readonly usable: number;
  readonly needed: number;
  /** Every condition holds: `propose` with the recorded label would fit. */
  readonly open: boolean;
  /**
   * When `needed` usable outcomes are there if they go on coming at their pace so far. Null: they are there already, or no pace yet.
   * Formula, over the closed_at of the usable outcomes: latest + (needed - usable) * (latest - first) / (usable - 1).
   */
  readonly eta: EpochMillis | null;
  readonly unmet: readonly UnmetGate[];
}

/** How far the record of outcomes is from calibration. A map belongs to one model, so each has a gate of its own. */
export interface Gate {
  readonly final: number;
  readonly usable: number;
  readonly needed: number;
  /** The gate of at least one model is open. */
  readonly open: boolean;
  /** The earliest of the models' estimates; null where the gate is open, or there is none. */
  readonly eta: EpochMillis | null;
  /** FINAL outcomes by label. */
  readonly labels: Readonly<Record<OutcomeLabel, number>>;
  /** FINAL outcomes that calibration leaves out, by code (pipelines/clm/accumulate.ts). */
  readonly excluded: Readonly<Record<string, number>>;
  /** By usable outcomes, the most first. */
  readonly models: readonly ModelGate[];
}

/** The gate over the latest outcome of each position. */
export function gateOf(outcomes: Iterable<GateOutcome>): Gate {
  const tally = new GateTally();
  for (const outcome of outcomes) tally.add(outcome);
  return tally.gate(() => outcomes);
}

/**
 * The gate, kept up to date outcome by outcome, so that a batch costs what it changes and not what is known.
 * CLM-16  It says what a recount of all outcomes says.
 */
export class GateTally {
  readonly #labels: Record<OutcomeLabel, number> = { WIN: 0, LOSS: 0, NEUTRAL: 0 };
  readonly #excluded = new Map<string, number>();
  readonly #models = new Map<string, ModelTally>();
  #final = 0;
  #usable = 0;

  add(outcome: GateOutcome): void {
    this.#count(outcome, 1);
  }

  /** An outcome that another one of its position takes the place of. */
  remove(outcome: GateOutcome): void {
    this.#count(outcome, -1);
  }

  /** `all`: every outcome that was added and not removed; read only where an edge was taken out. */
  gate(all: () => Iterable<GateOutcome>): Gate {
    const models = [...this.#models]
      .filter(([, { final }]) => final > 0)
      .map(([model, tally]) => tally.gate(model, all))
      .toSorted((one, other) => other.usable - one.usable || (one.model_id < other.model_id ? -1 : 1));
    const open = models.some((model) => model.open);
    const etas = models.flatMap(({ eta }) => (eta === null ? [] : [eta]));
    return {
      final: this.#final,
      usable: this.#usable,
      needed: GATE_OUTCOMES,
      open,
      eta: open || etas.length === 0 ? null : Math.min(...etas),
      labels: { ...this.#labels },
      excluded: Object.fromEntries([...this.#excluded].filter(([, count]) => count > 0)),
      models,
    };
  }

  #count(outcome: GateOutcome, by: 1 | -1): void {
    const { label, closed_at: closedAt, excluded_from_calibration: code, model_id: model } = outcome;
    if (outcome.status !== 'FINAL' || label === null || closedAt === null) return;
    this.#final += by;
    this.#labels[label] += by;
    if (code !== null) this.#excluded.set(code, (this.#excluded.get(code) ?? 0) + by);
    else if (label !== 'NEUTRAL') this.#usable += by;
    if (model === null) return;
    let tally = this.#models.get(model);
    if (tally === undefined) this.#models.set(model, (tally = new ModelTally()));
    tally.count(outcome, by);
  }
}

/** The counts of one model. */
class ModelTally {
  readonly #evidence = new GateEvidence();
  final = 0;
  #first = Infinity;
  #latest = -Infinity;
  /** The first or the latest usable outcome was taken out: only a recount finds the one that is first or latest now. */
  #edgesLost = false;

  count(outcome: GateOutcome, by: 1 | -1): void {
    this.final += by;
    const closedAt = usableClosedAt(outcome);
    if (closedAt === null) return;
    this.#evidence.count({ won: outcome.label === 'WIN', symbol: outcome.symbol, confidence: outcome.confidence }, by);
    if (by === 1) this.#widen(closedAt);
    else if (closedAt === this.#first || closedAt === this.#latest) this.#edgesLost = true;
  }

  gate(model: string, all: () => Iterable<GateOutcome>): ModelGate {
    if (this.#edgesLost) this.#findEdges(model, all());
    const { usable } = this.#evidence;
    const unmet = this.#evidence.unmet();
    // Two outcomes at one moment, or fewer, have no pace.
    const paced = usable < GATE_OUTCOMES && this.#latest > this.#first;
    return {
      model_id: model,
      final: this.final,
      usable,
      needed: GATE_OUTCOMES,
      open: unmet.length === 0,
      eta: paced ? etaOf(usable, this.#first, this.#latest) : null,
      unmet,
    };
  }

  #widen(closedAt: EpochMillis): void {
    this.#first = Math.min(this.#first, closedAt);
    this.#latest = Math.max(this.#latest, closedAt);
  }

  #findEdges(model: string, outcomes: Iterable<GateOutcome>): void {
    this.#first = Infinity;
    this.#latest = -Infinity;
    for (const outcome of outcomes) {
      const closedAt = outcome.model_id === model ? usableClosedAt(outcome) : null;
      if (closedAt !== null) this.#widen(closedAt);
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

/** What the usable outcomes of one model must be before calibration can learn from them; status and propose judge by the same. */

/** Below 50 outcomes a fitted confidence map follows the noise, whatever the method; calibration refuses below it. Unit: outcomes. */
export const GATE_OUTCOMES = 50;

/** Fewer of either label and single outcomes decide the map. Unit: outcomes. */
const FEWEST_OF_A_LABEL = 10;

/** The outcomes of a single market describe the market more than the model. Unit: markets. */
const FEWEST_MARKETS = 2;

/** With fewer outcomes outside the most crowded stretch of confidence, those few decide the slope. Unit: outcomes. */
const FEWEST_APART = 10;

/** Confidences that are closer to each other count as one statement. Unit: probability. */
const ONE_STATEMENT = 0.02;

/** Confidences are counted in so many bins. Unit: bins of probability 0 to 1. */
const BINS = 10_000;

export type GateCondition =
  'usable_outcomes' | 'symbols' | 'wins' | 'losses' | 'distinct_confidences' | 'confidence_spread';

interface UnmetGate {
  readonly condition: GateCondition;
  readonly have: number;
  readonly need: number;
}

/** An outcome that calibration can learn from. */
interface UsableOutcome {
  readonly won: boolean;
  readonly symbol: string;
  readonly confidence: number | null;
}

/** The usable outcomes of one model, counted as the conditions need it; outcomes can be taken out again. */
export class GateEvidence {
  #wins = 0;
  #losses = 0;
  readonly #markets = new Map<string, number>();
  /** Outcomes by bin; sparse, as most models state few different confidences. */
  readonly #confidences = new Map<number, number>();

  get usable(): number {
    return this.#wins + this.#losses;
  }

  count({ won, symbol, confidence }: UsableOutcome, by: 1 | -1): void {
    if (won) this.#wins += by;
    else this.#losses += by;
    const market = marketOf(symbol);
    this.#markets.set(market, (this.#markets.get(market) ?? 0) + by);
    if (confidence === null) return;
    const bin = Math.round(confidence * BINS);
    const n = (this.#confidences.get(bin) ?? 0) + by;
    if (n === 0) this.#confidences.delete(bin);
    else this.#confidences.set(bin, n);
  }

  /** All conditions that do not hold, at once. */
  unmet(): readonly UnmetGate[] {
    const unmet: UnmetGate[] = [];
    const atLeast = (condition: GateCondition, have: number, need: number): void => {
      if (have < need) unmet.push({ condition, have, need });
    };
    // Counted to two: more makes no difference here.
    const distinct = Math.min(2, this.#confidences.size);
    atLeast('usable_outcomes', this.usable, GATE_OUTCOMES);
    atLeast('symbols', [...this.#markets.values()].filter((n) => n > 0).length, FEWEST_MARKETS);
    atLeast('wins', this.#wins, FEWEST_OF_A_LABEL);
    atLeast('losses', this.#losses, FEWEST_OF_A_LABEL);
    atLeast('distinct_confidences', distinct, 2);
    if (distinct === 2) atLeast('confidence_spread', this.#apart(), FEWEST_APART);
    return unmet;
  }

  /** Outcomes outside of the most crowded stretch of confidence that is one statement wide. */
  #apart(): number {
    const width = Math.round(ONE_STATEMENT * BINS);
    const ascending = [...this.#confidences].toSorted(([one], [other]) => one - other);
    let first = 0;
    let within = 0;
    let most = 0;
    let all = 0;
    for (const [bin, n] of ascending) {
      within += n;
      all += n;
      while ((ascending[first]?.[0] ?? bin) < bin - width) {
        within -= ascending[first]?.[1] ?? 0;
        first += 1;
      }
      most = Math.max(most, within);
    }
    return all - most;
  }
}

/** Dollars of any kind: a symbol in another of them is the same market. */
const DOLLARS = /(?<=.)(USDT|USDC|BUSD|FDUSD|TUSD|USD)$/;

/** What is traded, whatever the spelling: BTC for BTCUSDT, btc-usdt, BTC/USDT:USDT, BTCUSDC and BTC-USDT-SWAP. */
export function marketOf(symbol: string): string {
  const [pair = ''] = symbol.trim().toUpperCase().split(':');
  return pair
    .replace(/[-_ ]?(PERP|SWAP)$/, '')
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .replace(DOLLARS, '');
}
