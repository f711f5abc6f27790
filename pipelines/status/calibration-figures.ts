/** The figures behind the watch over calibrations (calibration-watch.ts), counted in the log before and after each came into force. */
import { calibrate } from '../scoring/confidence-map.ts';
import {
  CONFIDENCE_BINS,
  type CalibrationWatch,
  type WindowFigures,
  calibrationWatch,
  emptyFigures,
} from './calibration-watch.ts';
import type { ConfidenceCalibration, EpochMillis, OutcomeLabel } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ReadSession } from '../runtime/log-session.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import { readVersions } from '../calibration/decisions.ts';

type Topics = ReadableTopics & Pick<ReadSession, 'counts'>;

/** The least length of the time before, so that a map approved an hour ago is not compared with a single hour. Unit: milliseconds. */
const LEAST_BEFORE_MS = 7 * 24 * 60 * 60 * 1000;

/** A calibration in force. */
interface Watched {
  readonly approval: ConfidenceCalibration;
  /** Event time of the first intent that names the version. */
  since: EpochMillis | null;
  /** Start of the window before `since`. */
  from: EpochMillis;
  readonly before: Counted;
  readonly after: Counted;
}

/** The figures of one window. Positions by id, so that each counts with its latest record. */
interface Counted {
  snapshots: number;
  intents: number;
  /** Intents that name each factor. */
  readonly factors: Map<string, number>;
  /** By position, the offset of the latest snapshot with an intent: a batch that was scored twice repeats its intents. */
  readonly decidedTo: Map<string, number>;
  readonly confidences: Map<string, number>;
  readonly outcomes: Map<string, { readonly label: OutcomeLabel; readonly confidence: number }>;
}

/** One result for each version in force. Reads no other topic where none is in force. */
export async function watchCalibrations(world: Topics): Promise<readonly CalibrationWatch[]> {
  // A log that was made before the topic existed does not have it.
  if (world.counts(TOPICS.confidenceCalibration.name) === 0) return [];
  const inForce = (await readVersions(world)).allInForce();
  if (inForce.length === 0) return [];
  const watched = new Map(
    inForce.map((approval): [string, Watched] => [
      approval.model_id,
      { approval, since: null, from: Infinity, before: counted(), after: counted() },
    ]),
  );
  await findBoundaries(world, watched);
  await count(world, watched);
  return [...watched.values()].map(({ approval, since, before, after }) =>
    calibrationWatch(
      { model_id: approval.model_id, version: approval.version, since },
      figuresOf(before, approval),
      figuresOf(after, approval),
    ),
  );
}

async function findBoundaries(world: Topics, watched: ReadonlyMap<string, Watched>): Promise<void> {
  const byVersion = new Map([...watched.values()].map((one) => [one.approval.version, one]));
  let latest = -Infinity;
  await forEachRecord(world, TOPICS.harvestIntent.name, {}, ({ calibration_version: version }, { timestamp }) => {
    latest = Math.max(latest, timestamp);
    const one = version === null ? undefined : byVersion.get(version);
    if (one !== undefined) one.since = Math.min(one.since ?? timestamp, timestamp);
  });
  for (const one of watched.values())
    if (one.since !== null) one.from = one.since - Math.max(LEAST_BEFORE_MS, latest - one.since);
}

async function count(world: Topics, watched: ReadonlyMap<string, Watched>): Promise<void> {
  const start = Math.min(...Array.from(watched.values(), ({ from }) => from));
  if (start === Infinity) return;
  const windowOf = (model: string | null, at: EpochMillis): Counted | null => {
    const one = model === null ? undefined : watched.get(model);
    if (one === undefined || one.since === null || at < one.from) return null;
    return at < one.since ? one.before : one.after;
  };
  const rangeOf = async (topic: string) => ({ from: await world.log.offsetsAt(topic, start) });
  const snapshots = TOPICS.positionSnapshot.name;
  await forEachRecord(world, snapshots, await rangeOf(snapshots), (snapshot, { timestamp }) => {
    const window = windowOf(snapshot.model_id, timestamp);
    if (window === null) return;
    window.snapshots += 1;
    if (snapshot.confidence !== null) window.confidences.set(snapshot.position_id, snapshot.confidence);
  });
  const intents = TOPICS.harvestIntent.name;
  await forEachRecord(
    world,
    intents,
    await rangeOf(intents),
    ({ model_id, position_id: id, input, factors }, { timestamp }) => {
      const window = windowOf(model_id, timestamp);
      if (window === null || input.offset <= (window.decidedTo.get(id) ?? -1)) return;
      window.decidedTo.set(id, input.offset);
      window.intents += 1;
      for (const { name } of factors) window.factors.set(name, (window.factors.get(name) ?? 0) + 1);
    },
  );
  const outcomes = TOPICS.clmOutcome.name;
  // An outcome's record is never older than its closed_at, so the range holds the latest record of every position closed in it.
  await forEachRecord(world, outcomes, await rangeOf(outcomes), (outcome) => {
    const { position_id: id, label, closed_at: closedAt, confidence, model_id } = outcome;
    // The latest record counts alone: an outcome that counted before may now be excluded, or have lost its model.
    for (const { before, after } of watched.values()) {
      before.outcomes.delete(id);
      after.outcomes.delete(id);
    }
    if (label === null || closedAt === null || confidence === null || outcome.excluded_from_calibration !== null)
      return;
    windowOf(model_id, closedAt)?.outcomes.set(id, { label, confidence });
  });
}

function counted(): Counted {
  return {
    snapshots: 0,
    intents: 0,
    factors: new Map(),
    decidedTo: new Map(),
    confidences: new Map(),
    outcomes: new Map(),
  };
}

function figuresOf(
  { snapshots, intents, factors, confidences, outcomes }: Counted,
  { map, neutral }: ConfidenceCalibration,
): WindowFigures {
  const figures = { ...emptyFigures(), snapshots, intents, factors };
  for (const confidence of confidences.values()) {
    const bin = Math.min(CONFIDENCE_BINS - 1, Math.floor(confidence * CONFIDENCE_BINS));
    figures.confidences[bin] = (figures.confidences[bin] ?? 0) + 1;
  }
  for (const { label, confidence } of outcomes.values()) {
    if (label === 'NEUTRAL' && neutral !== 'LOSS') continue;
    if (label === 'WIN') figures.wins += 1;
    else if (label === 'LOSS') figures.losses += 1;
    else figures.neutralLosses += 1;
    figures.rawSum += confidence;
    figures.mappedSum += calibrate(map, confidence);
  }
  return figures;
}
