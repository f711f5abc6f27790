/**
 * `npm run bench -- watch`: what it costs to evaluate the alerts of stalls, as `run` does every half a minute, over a desk that works: a
 * tenth of its positions was observed since the evaluation before, one in ten is a winner, and of a winner something is closed twice an hour.
 */
import { defaultPolicy } from '../pipelines/scoring/policy.ts';
import { PositionGauges } from '../pipelines/watch/position-gauges.ts';
import { StallWatch } from '../pipelines/watch/stall-watch.ts';
import { NO_METRICS } from '../ports/metrics.ts';
import type { IntentId, PositionId, TradeId } from '../schemas/generated/records.ts';
import { clientOrderIdOf } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import { GOOD_RECORDS } from '../test/fixtures/good-records.ts';
import { type Figure, type Workload, rateOf } from './measure.ts';

const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];

const START = 1_770_003_600_000;
const EVALUATE_EVERY_MS = 30_000;
/** Evaluations until each position was observed once: five minutes. */
const CYCLE = 10;
const CYCLES_BETWEEN_CLOSES = 6;

export async function benchWatch(add: (figure: Figure) => void): Promise<void> {
  for (const positions of [500, 5000]) {
    const desk = new WatchedDesk(positions);
    const name = `alerts of ${positions} positions, a tenth observed since`;
    add({ name, unit: 'evaluations/s', value: await rateOf(evaluating(desk)) });
  }
}

function evaluating(desk: WatchedDesk): Workload {
  return {
    run: () => {
      for (let evaluation = 0; evaluation < CYCLE; evaluation++) desk.evaluate();
      return CYCLE;
    },
  };
}

export class WatchedDesk {
  readonly #watch = new StallWatch(defaultPolicy(), -Infinity);
  readonly #gauges = new PositionGauges(NO_METRICS);
  readonly #positions: number;
  #evaluations = 0;

  constructor(positions: number) {
    this.#positions = positions;
    // An hour of observations.
    for (let evaluation = 0; evaluation < 12 * CYCLE; evaluation++) this.#observe();
  }

  /** Half a minute later: what came since is read, and the alerts are evaluated. Returns the names of those that stand. */
  evaluate(): readonly string[] {
    this.#watch.clock(this.#now(), { readsLive: true });
    this.#observe();
    this.#watch.forget();
    const alerts = this.#watch.alerts();
    this.#gauges.become(this.#watch.observedOpen());
    return alerts.map(({ name }) => name);
  }

  #now(): number {
    return START + this.#evaluations * EVALUATE_EVERY_MS;
  }

  #observe(): void {
    const at = this.#now();
    const cycle = Math.floor(this.#evaluations / CYCLE);
    for (let position = this.#evaluations % CYCLE; position < this.#positions; position += CYCLE) {
      const isWinner = position % (CYCLE + 1) === 0;
      const ids = { position_id: `P${position}` as PositionId, account: SNAPSHOT.account, symbol: `S${position}USDT` };
      // With an entry of 100 and a stop of 98 the mark is 100 + 2 R.
      const mark_price = 100 + 2 * (isWinner ? 2.5 : (cycle + position) % 2);
      const confidence = 0.5 + (position % 7) / 20;
      this.#watch.snapshot({ ...SNAPSHOT, ...ids, observed_at: at, opened_at: START, mark_price, confidence }, at);
      if (isWinner && (cycle + position) % CYCLES_BETWEEN_CLOSES === 0) this.#close(ids, at);
    }
    this.#evaluations += 1;
  }

  /** A part of the position. */
  #close(
    ids: { readonly position_id: PositionId; readonly account: string; readonly symbol: string },
    at: number,
  ): void {
    const order = `${ids.position_id}-${at}`;
    const [intent_id, trade_id] = [order as IntentId, order as TradeId];
    const client_order_id = clientOrderIdOf(intent_id);
    const known = { ...ids, intent_id, client_order_id, remaining_quantity: 1 };
    this.#watch.intent({ ...INTENT, ...ids, intent_id }, at);
    this.#watch.report({ ...REPORT, ...known, status: 'FILLED', reason: 'FILLED' }, at);
    this.#watch.trade({ ...TRADE, ...known, trade_id, origin: 'HARVEST' }, at);
    this.#watch.outcome({ ...OUTCOME, ...ids, slices: [trade_id], status: 'ACCUMULATING' }, at);
  }
}
