import { isKind } from '../../errors/harvestline-error.ts';
import type { ConfidenceMap } from '../../pipelines/calibration/confidence-map.ts';
import type { Flip, Flips } from '../../pipelines/calibration/report.ts';
import { calibrated } from '../../pipelines/scoring/calibrated.ts';
import { type Decision, evaluate } from '../../pipelines/scoring/evaluate.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { ModelId, PositionSnapshot } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../read-topic.ts';

/** More would not be read. */
const EXAMPLES = 20;

/** Unit: snapshots of the model. */
const PROGRESS_EVERY = 10_000;

const ACTIONS = ['HOLD', 'PARTIAL_CLOSE', 'CLOSE'] as const satisfies readonly Decision['action'][];

export interface ReplayOptions {
  readonly modelId: ModelId;
  /** The map in force; null: raw confidence. */
  readonly current: ConfidenceMap | null;
  readonly candidate: ConfidenceMap;
  readonly policy: Policy;
  /** Called now and then with the snapshots scored so far. */
  readonly onProgress?: (snapshots: number) => void;
}

/**
 * Scores every recorded snapshot of a model with the map in force and with the candidate: what would have been decided otherwise.
 * A flip is another action; another fraction is none. Null where the log has no snapshot of the model. Constant memory.
 */
export async function replayFlips(world: ReadableTopics, options: ReplayOptions): Promise<Flips | null> {
  const { modelId, current, candidate, policy, onProgress } = options;
  const tally = new Tally();
  await visitTopic(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    if (snapshot.model_id !== modelId) return;
    const mapped = calibrated(snapshot, candidate);
    const from = actionOn(current === null ? snapshot : calibrated(snapshot, current), policy);
    const to = actionOn(mapped, policy);
    if (from === null || to === null) return;
    tally.add(from, to, snapshot, mapped, at);
    if (tally.snapshots % PROGRESS_EVERY === 0) onProgress?.(tally.snapshots);
  });
  return tally.snapshots === 0 ? null : tally.result(policy);
}

/** Null for a snapshot too extreme to score: it is passed over like one that does not decode. */
function actionOn(snapshot: PositionSnapshot, policy: Policy): Decision['action'] | null {
  try {
    return evaluate(snapshot, policy).action;
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return null;
  }
}

class Tally {
  snapshots = 0;
  #flips = 0;
  readonly #matrix = Object.fromEntries(
    ACTIONS.map((from) => [from, Object.fromEntries(ACTIONS.map((to) => [to, 0]))]),
  ) as Record<Decision['action'], Record<Decision['action'], number>>;
  /** The latest first. */
  readonly #examples: Flip[] = [];

  add(
    from: Decision['action'],
    to: Decision['action'],
    snapshot: PositionSnapshot,
    mapped: PositionSnapshot,
    at: LogRecord,
  ): void {
    this.snapshots += 1;
    this.#matrix[from][to] += 1;
    if (from === to) return;
    this.#flips += 1;
    const oldest = this.#examples.at(-1);
    if (this.#examples.length === EXAMPLES && oldest !== undefined && snapshot.observed_at <= oldest.observed_at)
      return;
    this.#keep({
      position_id: snapshot.position_id,
      symbol: snapshot.symbol,
      observed_at: snapshot.observed_at,
      from,
      to,
      confidence: snapshot.confidence,
      calibrated: mapped.confidence,
      partition: at.partition,
      offset: at.offset,
    });
  }

  result({ id }: Policy): Flips {
    return {
      policy: id,
      snapshots: this.snapshots,
      flips: this.#flips,
      matrix: this.#matrix,
      examples: [...this.#examples],
    };
  }

  #keep(flip: Flip): void {
    const place = this.#examples.findIndex(({ observed_at: at }) => at < flip.observed_at);
    this.#examples.splice(place === -1 ? this.#examples.length : place, 0, flip);
    if (this.#examples.length > EXAMPLES) this.#examples.pop();
  }
}
