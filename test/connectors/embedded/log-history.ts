/** What happens to an embedded log, drawn from a seed, and what must be on it once each step is acknowledged. */
import type { EmbeddedLog } from '../../../connectors/embedded/embedded-log.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Headers, OutgoingRecord } from '../../../ports/event-log.ts';
import type { RandomStream } from '../../../ports/random.ts';

type Written = Required<Omit<OutgoingRecord, 'ifRefused'>>;

/** One call, which the log acknowledges or refuses. */
export type Step =
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'schema'; readonly field: string }
  | { readonly kind: 'append'; readonly records: readonly Written[] }
  /** A group's batch: its outputs, and its offset at the end of the partition. */
  | { readonly kind: 'commit'; readonly records: readonly Written[]; readonly group: string; readonly from: Place };

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Everything that a log holds, by what its readers are given. */
export interface World {
  /** The records of each partition, in order. A topic that does not exist has none. */
  readonly records: Readonly<Record<string, readonly string[]>>;
  /** The next offset of each group in each partition. */
  readonly offsets: Readonly<Record<string, number>>;
  readonly schemas: readonly string[];
}

const TOPICS = ['in', 'out', 'late'] as const;
const AFTER = 'after';
const PARTITIONS = 2;
const GROUPS = ['scoring', 'execution'] as const;
const SUBJECT = 'in-value';

/** From nothing to values that take several pages. Unit: bytes. */
const SIZES = [0, 1, 40, 300, 5000] as const;

export function plannedSteps(random: RandomStream, count: number): readonly Step[] {
  const steps: Step[] = [
    { kind: 'topic', topic: 'in' },
    { kind: 'topic', topic: 'out' },
  ];
  const late = random.integer(3, count - 1);
  while (steps.length < count) steps.push(steps.length === late ? { kind: 'topic', topic: 'late' } : stepOf(random));
  return steps;
}

function stepOf(random: RandomStream): Step {
  const topic = oneOf(TOPICS.slice(0, 2), random);
  const records = Array.from({ length: random.integer(1, 4) }, () => recordOf(oneOf(['in', 'out'], random), random));
  const fate = random.integer(0, 9);
  if (fate === 0) return { kind: 'schema', field: `field_${random.integer(0, 1_000_000)}` };
  if (fate < 5) return { kind: 'append', records };
  const from = { topic, partition: random.integer(0, PARTITIONS - 1) };
  return { kind: 'commit', records: records.slice(1), group: oneOf(GROUPS, random), from };
}

function recordOf(topic: string, random: RandomStream): Written {
  const partition = random.integer(0, PARTITIONS - 1);
  const headers: Headers = [['trace', random.integer(0, 1) === 0 ? null : bytesOf(3, random)]];
  const key = random.integer(0, 3) === 0 ? null : bytesOf(random.integer(0, 20), random);
  const value = random.integer(0, 9) === 0 ? null : bytesOf(oneOf(SIZES, random), random);
  const isBare = random.integer(0, 1) === 0;
  return { topic, partition, key, value, timestamp: random.integer(0, 1_000_000), headers: isBare ? [] : headers };
}

function bytesOf(length: number, random: RandomStream): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(0, 255)));
}

function oneOf<T>(choices: readonly T[], random: RandomStream): T {
  const chosen = choices[random.integer(0, choices.length - 1)];
  if (chosen === undefined) throw new TypeError('nothing to choose from');
  return chosen;
}

/** Does the step, and returns what must be on the log now that it is acknowledged. */
export async function performStep(log: EmbeddedLog, step: Step, before: World): Promise<World> {
  if (step.kind === 'topic') {
    const { topic: name } = step;
    await log.createTopics([
      { name, key: 'as received', partitions: PARTITIONS, cleanup: 'delete', retentionMs: null },
    ]);
    const empty = Array.from({ length: PARTITIONS }, (_, partition) => [placeName({ topic: name, partition }), []]);
    return { ...before, records: { ...Object.fromEntries(empty), ...before.records } };
  }
  if (step.kind === 'schema') {
    const schema = schemaWith(step.field);
    await log.registry.register(SUBJECT, schema);
    return before.schemas.includes(schema) ? before : { ...before, schemas: [...before.schemas, schema] };
  }
  const records = withRecords(before.records, step.records);
  if (step.kind === 'append') {
    await log.append(step.records);
    return { ...before, records };
  }
  const { group, from } = step;
  const offset = before.records[placeName(from)]?.length ?? 0;
  log.appendAndCommit(step.records, [{ group, ...from, offset }]);
  return { ...before, records, offsets: { ...before.offsets, [`${group} ${placeName(from)}`]: offset } };
}

function withRecords(before: World['records'], written: readonly Written[]): World['records'] {
  const records: Record<string, readonly string[]> = { ...before };
  for (const record of written) {
    const place = placeName(record);
    records[place] = [...(records[place] ?? []), lineOf(record)];
  }
  return records;
}

/** What readers find. Throws where an offset points past the records, or offsets are not consecutive from 0. */
export async function stateOf(log: EmbeddedLog): Promise<World> {
  const records: Record<string, string[]> = {};
  const offsets: Record<string, number> = {};
  for (const topic of [...TOPICS, AFTER]) {
    try {
      for (const { partition } of await log.offsets(topic)) records[placeName({ topic, partition })] = [];
    } catch (thrown) {
      if (thrown instanceof HarvestlineError && thrown.code === 'TOPIC_MISSING') continue;
      throw thrown;
    }
    for await (const batch of log.read(topic)) {
      const found = records[placeName(batch)];
      for (const record of batch.records) {
        if (record.offset !== found?.length) throw new Error(`${placeName(batch)} has an offset ${record.offset}`);
        found.push(lineOf(record));
      }
    }
    for (const group of GROUPS) {
      for (const [partition, offset] of await log.committed(group, topic)) {
        const place = placeName({ topic, partition });
        if (offset > (records[place]?.length ?? 0)) throw new Error(`${group} is past the end of ${place}`);
        offsets[`${group} ${place}`] = offset;
      }
    }
  }
  const schemas = (await log.registry.versions(SUBJECT)).map(({ schema }) => schema);
  return { records, offsets, schemas };
}

function placeName({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

function lineOf({ key, value, timestamp, headers }: Omit<Written, 'topic' | 'partition'>): string {
  const text = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : Buffer.from(bytes).toString('base64'));
  return [timestamp, text(key), text(value), ...headers.map(([name, bytes]) => `${name}=${text(bytes)}`)].join(' ');
}

/** Any two of them are compatible. It takes a page. */
function schemaWith(field: string): string {
  const fields = [{ name: field, type: ['null', 'string'], default: null, doc: field.repeat(300) }];
  return JSON.stringify({ type: 'record', name: 'In', fields });
}
