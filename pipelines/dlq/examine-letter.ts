import type { LogSession } from '../runtime/log-session.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { HarvestlineError, type Problem, isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { avroTypeOf } from '../../schemas/avro-type.ts';
import type { LetterDiscarded, LetterId } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { refuseTimesAhead } from '../../schemas/time-bound.ts';
import { type Topic, type TopicName, deadLetterTopicOf, subjectOf } from '../../schemas/topics.ts';
import { schemaReferenceOf, type WrittenRecord } from '../../schemas/wire-format.ts';
import { deadLetterFrom, idOfLetter, type LeftOut, type Place, textOf, markedOffset } from './dead-letter.ts';
import { readDiscarded, recordAt, RetriedLetters, originalOf } from './read-letters.ts';

/** The log of the letters, and the registry of its schemas. */
export type LetterTopics = ReadableTopics & Pick<LogSession, 'registry'>;

/** The outcome of the consumers' check, made now. */
export interface CheckOutcome {
  readonly passes: boolean;
  readonly code: string | null;
  readonly message: string | null;
  readonly problems: readonly Problem[];
}

/** How far decoding gets; null for a step that was not reached. */
export interface DecodeAttempt {
  /** The schema id of the record; null where it has a GUID, or no id that can be read. */
  readonly schema_id: number | null;
  readonly schema_guid: string | null;
  /** Where the id is: in the header `__value_schema_id`, or in front of the value. */
  readonly schema_id_in: 'header' | 'prefix' | null;
  readonly schema_known: boolean | null;
  /** The writer's record type, and its version in this topic's subject; null where it is no version of it. */
  readonly schema_name: string | null;
  readonly schema_version: number | null;
  /** The record, decoded with the writer's schema and not checked. */
  readonly record: unknown;
  /** Why it does not decode with the writer's schema. */
  readonly decode_error: string | null;
  readonly check: CheckOutcome;
}

/** One dead letter, as `dlq show --json` prints it. */
export interface LetterReport extends Place {
  /** What `dlq discard --id` takes. */
  readonly id: LetterId;
  /** When the record was dead-lettered. */
  readonly timestamp: number;
  /** The record's own timestamp. */
  readonly recorded_at: number;
  readonly key: string | null;
  readonly source: Place | null;
  readonly retries: number;
  /** It was put back, and is not offered again. */
  readonly retried: boolean;
  /** Who discarded it, and why; null where nobody did. */
  readonly discarded: Pick<LetterDiscarded, 'by' | 'reason' | 'discarded_at'> | null;
  /** Why it was refused at the time. */
  readonly refused: Omit<CheckOutcome, 'passes'> & { readonly problems_total: number };
  /** The parts of the record that the letter does not hold, and where they were found; null where it holds all. */
  readonly left_out:
    (LeftOut & { readonly found: 'on the source topic' | 'nowhere'; readonly why: string | null }) | null;
  readonly headers: readonly (readonly [name: string, text: string | null])[];
  /** The value of the record, from the letter or from the source topic. */
  readonly value: { readonly bytes: number; readonly hex: string; readonly base64: string } | null;
  readonly attempt: DecodeAttempt;
}

/** Returns null where there is no letter at that place. Throws REGISTRY_AWAY. */
export async function examineLetter(
  world: LetterTopics,
  topic: Topic,
  place: { readonly partition: number; readonly offset: number },
): Promise<LetterReport | null> {
  const name = deadLetterTopicOf(topic.name);
  const at = await recordAt(world.log, name, place);
  if (at === null || markedOffset(at) !== null) return null;
  const letter = deadLetterFrom(at);
  const { source, retries, code, message, problems, problemsTotal, leftOut } = letter;
  const original = await originalOf(world.log, topic, letter);
  const { key, value } = original.kind === 'gone' ? { key: at.key, value: null } : original.record;
  const bytes = value === null ? null : Buffer.from(value);
  const id = idOfLetter(topic.name, place);
  const discarded = (await readDiscarded(world.log, () => Promise.resolve(world.codec))).get(id);
  return {
    id,
    topic: name,
    ...place,
    timestamp: at.timestamp,
    recorded_at: letter.recordedAt,
    key: textOf(key),
    source,
    retries,
    retried: (await RetriedLetters.read(world.log, name)).has(at),
    discarded:
      discarded === undefined
        ? null
        : { by: discarded.by, reason: discarded.reason, discarded_at: discarded.discarded_at },
    refused: { code, message, problems, problems_total: problemsTotal },
    left_out: leftOut && {
      ...leftOut,
      found: original.kind === 'gone' ? 'nowhere' : 'on the source topic',
      why: original.kind === 'gone' ? original.why : null,
    },
    headers: at.headers.map(([header, text]) => [header, textOf(text)]),
    value: bytes && { bytes: bytes.length, hex: bytes.toString('hex'), base64: bytes.toString('base64') },
    attempt:
      original.kind === 'gone'
        ? notTried(original.why)
        : await attempt(world, topic, original.record, letter.recordedAt),
  };
}

/** For a record without its bytes, of which nothing can be decoded. */
const notTried = (why: string): DecodeAttempt => ({
  schema_id: null,
  schema_guid: null,
  schema_id_in: null,
  schema_known: null,
  schema_name: null,
  schema_version: null,
  record: null,
  decode_error: why,
  check: { passes: false, code: null, message: why, problems: [] },
});

async function attempt(
  world: LetterTopics,
  topic: Topic,
  letter: LogRecord,
  recordedAt: EpochMillis,
): Promise<DecodeAttempt> {
  const { codec, registry } = world;
  await codec.prepare(topic.name, [letter]);
  const check = checkLetter(codec, topic, letter, recordedAt);
  const unread = { schema_known: null, schema_name: null, schema_version: null, record: null, decode_error: null };
  const reference = schemaReferenceOf(letter);
  if (letter.value === null || reference instanceof HarvestlineError)
    return { schema_id: null, schema_guid: null, schema_id_in: null, ...unread, check };
  const { id, isIn: schema_id_in } = reference;
  const named =
    typeof id === 'number'
      ? { schema_id: id, schema_guid: null, schema_id_in }
      : { schema_id: null, schema_guid: id, schema_id_in };
  const text = await registry.schemaOf(id);
  if (text === null) return { ...named, ...unread, schema_known: false, check };
  const versions = await registry.versions(subjectOf(topic));
  return {
    ...named,
    schema_known: true,
    schema_version: versions.find((version) => version.id === id)?.version ?? null,
    ...decodeAsWritten(text, letter.value.subarray(reference.start)),
    check,
  };
}

function decodeAsWritten(schema: string, avro: Uint8Array) {
  let name: string | null = null;
  try {
    const type = avroTypeOf(JSON.parse(schema));
    name = type.name ?? null;
    const record: unknown = type.fromBuffer(Buffer.from(avro));
    return { schema_name: name, record, decode_error: null };
  } catch (thrown) {
    return { schema_name: name, record: null, decode_error: messageOf(thrown) };
  }
}

/**
 * Makes the check of the topic's consumers, but for their clock: a time that was ahead of it may not be any more. `recordedAt` is the
 * record's own timestamp. Call `codec.prepare` first.
 */
export function checkLetter(
  codec: RecordCodec,
  topic: Topic,
  letter: WrittenRecord,
  recordedAt: EpochMillis,
): CheckOutcome {
  try {
    refuseTimesAhead<TopicName>(topic.name, codec.decode<TopicName>(topic.name, letter), recordedAt, null);
    return { passes: true, code: null, message: null, problems: [] };
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return { passes: false, ...outcomeOf(thrown) };
  }
}

/** The code, message and failing paths of a refusal. */
export function outcomeOf({ code, message, problems }: HarvestlineError): Omit<CheckOutcome, 'passes'> {
  return { code, message, problems };
}
