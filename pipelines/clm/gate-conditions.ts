/** What the usable outcomes of one model must be before calibration can learn from them; status and propose judge by the same. */

/** Below 50 outcomes a fitted confidence map follows the noise, whatever the method; calibration refuses below it. Unit: outcomes. */
export const GATE_OUTCOMES = 50;

/** Fewer of either label and single outcomes decide the map. Unit: outcomes. */
export const FEWEST_OF_A_LABEL = 10;

/** One market tells of that market, not of the model. Unit: markets. */
const FEWEST_MARKETS = 2;

/** Fewer outcomes away from the others, and these few decide the slope. Unit: outcomes. */
const FEWEST_APART = 10;

/** Confidences within so much of each other are one statement. Unit: probability. */
const ONE_STATEMENT = 0.02;

/** As fine as two confidences are told apart. Unit: bins of probability 0 to 1. */
const BINS = 10_000;

export type GateCondition =
  'usable_outcomes' | 'symbols' | 'wins' | 'losses' | 'distinct_confidences' | 'confidence_spread';

export interface UnmetGate {
  readonly condition: GateCondition;
  readonly have: number;
  readonly need: number;
}

/** An outcome that calibration can learn from. */
export interface UsableOutcome {
  readonly won: boolean;
  readonly symbol: string;
  readonly confidence: number | null;
}

/** The usable outcomes of one model, counted as the conditions need it; outcomes can be taken out again. */
export class GateEvidence {
  #wins = 0;
  #losses = 0;
  readonly #markets = new Map<string, number>();
  /** By bin: models are as many as others name, and most say few things. */
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
