import type { Random } from '../../ports/random.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { assess } from './assess.ts';
import { OUTCOME_TOPICS, type OutcomeRow, datasetHash, readDataset } from './dataset.ts';
import { type Method, fit } from './fit.ts';
import { type LabelRule, parseLabelRule } from './label-rule.ts';
import { samplesOf, selectRows } from './usable-rows.ts';

/** Machines may round the last digit of a logarithm differently, and a sum of a million of them in a few more. Unit: ratio. */
const REFIT_TOLERANCE = 1e-9;

interface Check {
  readonly name: 'export' | 'topic' | 'map' | 'metrics';
  readonly holds: boolean;
  readonly detail: string;
}

export interface Verification {
  readonly version: string;
  readonly verified: boolean;
  readonly checks: readonly Check[];
  /** Rows that were changed after the fit. Rows that retention or compaction removed are none: the export keeps them. */
  readonly differences: readonly (RowDifference & { readonly where: 'topic' | 'export' })[];
}

export interface ExportedRows {
  /** SHA-256 of the lines of the file. */
  readonly hash: string;
  readonly rows: readonly OutcomeRow[];
}

/** The file with the exported rows of a version. */
interface RowsExport {
  readonly file: string;
  /** Null where there is no such file. Throws ROWS_INVALID with the line. */
  readonly read: () => Promise<ExportedRows | null>;
}

/** Replays the offsets of a version, compares every row, fits again, and compares map and scores. */
export async function verify(
  topics: ReadableTopics,
  proposal: ConfidenceCalibration,
  /** The map that the version was compared with; null: raw confidence. */
  inForce: ConfidenceMap | null,
  rowsExport: RowsExport,
  random: Random,
  onStep: (step: string) => void,
): Promise<Verification> {
  const { evidence } = proposal;
  const rule = parseLabelRule(proposal.label ?? 'pnl');
  onStep('replay');
  const replayed = await replayedRows(topics, proposal);
  const exported = await rowsExport.read();
  const topicIntact = datasetHash(replayed, rule) === evidence.dataset_hash;
  const exportIntact = exported?.hash === evidence.dataset_hash;
  const known = exportIntact ? exported.rows : topicIntact ? replayed : null;
  const topicDifferences = topicIntact || known === null ? [] : compareRows(known, replayed);
  const gone =
    topicDifferences.length === 0 ? new Set<string>() : await removedByLog(topics, proposal, topicDifferences);
  const tampered = topicDifferences.filter(({ position_id }) => !gone.has(position_id));
  const exportDifferences =
    exported === null || exportIntact || known === null ? [] : compareRows(known, exported.rows);
  const checks: Check[] = [
    exportCheck(exported, exportIntact, rowsExport.file, exportDifferences.length),
    topicCheck(topicIntact, known !== null, tampered.length, gone.size),
  ];
  if (known !== null) {
    onStep('refit');
    checks.push(...refitChecks(proposal, known, rule, inForce, random));
  }
  return {
    version: proposal.version,
    verified: checks.every(({ holds }) => holds),
    checks,
    differences: [
      ...tampered.map((one) => ({ ...one, where: 'topic' as const })),
      ...exportDifferences.map((one) => ({ ...one, where: 'export' as const })),
    ],
  };
}

async function replayedRows(topics: ReadableTopics, { evidence, model_id }: ConfidenceCalibration) {
  const topic = OUTCOME_TOPICS.find((name) => name === evidence.topic) ?? TOPICS.clmOutcome.name;
  const { rows } = await readDataset(topics, topic, evidence.ranges);
  return rows.filter((row) => row.model_id === model_id);
}

/**
 * Positions whose row the log removed by its own rules: retention took their offset, or compaction did, since a later record of the position
 * lies beyond the range.
 */
async function removedByLog(
  topics: ReadableTopics,
  { evidence }: ConfidenceCalibration,
  differences: readonly RowDifference[],
): Promise<ReadonlySet<string>> {
  const topic = OUTCOME_TOPICS.find((name) => name === evidence.topic) ?? TOPICS.clmOutcome.name;
  const begins = new Map((await topics.log.offsets(topic)).map(({ partition, begin }) => [partition, begin]));
  const missing = differences.filter(({ kind }) => kind === 'missing');
  const gone = new Set<string>();
  for (const { position_id, partition, offset } of missing) {
    if (offset < (begins.get(partition) ?? 0)) gone.add(position_id);
  }
  if (topic !== TOPICS.clmOutcome.name || missing.length === gone.size) return gone;
  const sought = new Set<string>(missing.map(({ position_id }) => position_id));
  const from = new Map(evidence.ranges.map(({ partition, to }) => [partition, to]));
  await forEachRecord(topics, topic, { from, partitions: [...from.keys()] }, ({ position_id }) => {
    if (sought.has(position_id)) gone.add(position_id);
  });
  return gone;
}

function exportCheck(exported: ExportedRows | null, intact: boolean, file: string, changed: number): Check {
  if (exported === null)
    return { name: 'export', holds: true, detail: `${file} is not there: the topic alone has to prove it` };
  return {
    name: 'export',
    holds: intact,
    detail: intact
      ? `${exported.rows.length} rows, as they were hashed`
      : `${file} was changed after the fit${changed > 0 ? `; rows: ${changed}` : ''}`,
  };
}

function topicCheck(intact: boolean, known: boolean, tampered: number, gone: number): Check {
  const kept =
    gone === 0 ? '' : `; ${gone} are no longer in the range (retention or compaction), the export keeps them`;
  if (intact) return { name: 'topic', holds: true, detail: 'the replay gives the same rows' };
  if (!known)
    return {
      name: 'topic',
      holds: false,
      detail: 'the replay gives other rows, and no export is intact to say which: give its place with --rows',
    };
  return {
    name: 'topic',
    holds: tampered === 0,
    detail: tampered === 0 ? `the replay gives the same rows${kept}` : `rows that were changed: ${tampered}${kept}`,
  };
}

/**
 * Only the map is compared for versions without a label rule: they come from a program that did not purge folds and always compared with raw
 * confidence, so its scores were others.
 */
function refitChecks(
  proposal: ConfidenceCalibration,
  rows: readonly OutcomeRow[],
  rule: LabelRule,
  inForce: ConfidenceMap | null,
  random: Random,
): readonly Check[] {
  const samples = samplesOf(
    selectRows(rows, proposal.neutral === 'LOSS' ? 'loss' : 'exclude', rule),
    proposal.half_life_days ?? null,
  );
  const method = proposal.method.toLowerCase() as Method;
  if (proposal.label === null) return [mapCheck(proposal, fit(method, samples).map)];
  const again = assess(samples, method, random, { inForce });
  if (again.fit === null)
    return [{ name: 'map', holds: false, detail: 'the refit finds no usable relation: its best map falls' }];
  const found = { IN_SAMPLE: again.in_sample, OUT_OF_FOLD: again.out_of_fold };
  const unlike = proposal.metrics.filter(({ name, sample, before, after }) => {
    const score = found[sample].scores.find((one) => one.name === name);
    return score === undefined || !sameNumbers([before, after], [score.before, score.after]);
  });
  return [
    mapCheck(proposal, again.fit.map),
    {
      name: 'metrics',
      holds: unlike.length === 0,
      detail:
        unlike.length === 0
          ? 'the refit gives the same scores'
          : `other scores: ${unlike.map(({ name, sample }) => `${name} ${sample}`).join(', ')}`,
    },
  ];
}

function mapCheck({ map }: ConfidenceCalibration, again: ConfidenceMap): Check {
  const holds = sameNumbers(map.x, again.x) && sameNumbers(map.y, again.y);
  return { name: 'map', holds, detail: holds ? 'the refit gives the same map' : 'the refit gives another map' };
}

function sameNumbers(recorded: readonly number[], found: readonly number[]): boolean {
  return (
    recorded.length === found.length &&
    recorded.every((value, index) => {
      const other = found[index] ?? Number.NaN;
      return Math.abs(value - other) <= REFIT_TOLERANCE * Math.max(1, Math.abs(value));
    })
  );
}

/** A difference between the rows that a version was fitted from and those found now. */
interface RowDifference {
  readonly kind: 'changed' | 'missing' | 'added';
  readonly position_id: string;
  readonly partition: number;
  readonly offset: number;
  /** Of a changed row: what was fitted, and what was found now. */
  readonly fields: readonly { readonly field: string; readonly recorded: unknown; readonly found: unknown }[];
}

/** All differences, in the order of `then`, and then of `now`. */
function compareRows(then: readonly OutcomeRow[], now: readonly OutcomeRow[]): readonly RowDifference[] {
  const found = new Map<string, OutcomeRow>(now.map((row) => [row.position_id, row]));
  const differences: RowDifference[] = [];
  for (const row of then) {
    const other = found.get(row.position_id);
    found.delete(row.position_id);
    if (other === undefined) differences.push(difference('missing', row, []));
    else {
      const fields = changedFields(row, other);
      if (fields.length > 0) differences.push(difference('changed', row, fields));
    }
  }
  for (const row of found.values()) differences.push(difference('added', row, []));
  return differences;
}

function difference(kind: RowDifference['kind'], row: OutcomeRow, fields: RowDifference['fields']): RowDifference {
  const { position_id, partition, offset } = row;
  return { kind, position_id, partition, offset, fields };
}

function changedFields(then: OutcomeRow, now: OutcomeRow): RowDifference['fields'] {
  const fields: { field: string; recorded: unknown; found: unknown }[] = [];
  for (const field of Object.keys(then) as (keyof OutcomeRow)[]) {
    // CAL-3: an export by the recorded label has no results.
    if (field === 'results' && (then.results === undefined || now.results === undefined)) continue;
    if (JSON.stringify(then[field]) !== JSON.stringify(now[field]))
      fields.push({ field, recorded: then[field], found: now[field] });
  }
  return fields;
}
