/** Reads and writes desk.control, and reads what processes said on desk.process that they obey. */
import { partitionOf } from '../../ports/partitioner.ts';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import {
  KillSwitchState,
  type Remembered,
  type SwitchRecord,
  WHOLE_DESK,
  Witnesses,
  keptKey,
  scopeOfKey,
} from './kill-switch.ts';
import type { EventLog, LogRecord, OutgoingRecord, TopicAdmin } from '../../ports/event-log.ts';
import { type Halt, type UnknownSwitch, isUnknown } from '../../ports/kill-switch.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskControl } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, prepareBatch, visitTopic } from '../runtime/topic-cursor.ts';

const TOPIC = TOPICS.deskControl;

/**
 * The whole topic, from its oldest record to the end that stands now: it is small, and a topic that was made anew is never taken for
 * the rest of the old one. Throws the log's errors.
 */
export async function readKillSwitch(
  { log, codec }: ReadableTopics,
  remembered?: Remembered,
): Promise<KillSwitchState> {
  const state = new KillSwitchState(remembered);
  for await (const batch of log.read(TOPIC.name)) {
    await prepareBatch(codec, TOPIC.name, batch);
    for (const at of batch.records) state.apply(switchRecord(codec, at));
  }
  return state;
}

/** What every process obeyed when it was last seen. */
export async function readWitnesses(topics: ReadableTopics): Promise<Remembered> {
  const witnesses = new Witnesses();
  try {
    await visitTopic(topics, TOPICS.deskProcess.name, {}, (record) => witnesses.apply(record));
  } catch (thrown) {
    // A log of an earlier version has no such topic, and so no witness.
    if (!(thrown instanceof HarvestlineError) || thrown.code !== 'TOPIC_MISSING') throw thrown;
  }
  return witnesses.remembered();
}

/** A command as it goes to the log: both of its records, in one partition. */
export async function commandRecords(
  { log, codec }: ReadableTopics,
  command: DeskControl,
): Promise<readonly OutgoingRecord[]> {
  const encoded = new TopicWriter(TOPIC.writer, codec).encode(TOPIC, command, command.issued_at);
  const partition = partitionOf(encoded.key, (await log.offsets(TOPIC.name)).length);
  return [
    { ...encoded, partition },
    { ...encoded, key: Buffer.from(keptKey(command.scope)), partition },
  ];
}

/**
 * Why the topic can forget a command; null: it cannot. A missing topic is no answer: TOPIC_MISSING is thrown, as are the log's
 * transient errors.
 */
export async function whyItForgets(log: Pick<TopicAdmin, 'compareTopics'>): Promise<string | null> {
  const [found] = await log.compareTopics([TOPIC]);
  if (found?.state === 'missing') throw new HarvestlineError('TOPIC_MISSING', `the log has no ${TOPIC.name}`);
  const forgetting = (found?.differs ?? []).filter(({ setting }) => setting !== 'partitions');
  if (forgetting.length === 0) return null;
  const settings = forgetting.map(({ setting, is, wanted }) => `${setting} is ${is}, and must be ${wanted}`);
  return `it can forget a halt: ${settings.join('; ')}. ${mendingOf(found?.topic ?? TOPIC.name)}`;
}

/** Throws CONTROL_TOPIC_FORGETS, TOPIC_MISSING, and the log's transient errors. */
export async function refuseForgetting(log: EventLog & Pick<TopicAdmin, 'compareTopics'>): Promise<void> {
  const why = await whyItForgets(log);
  if (why !== null)
    throw new HarvestlineError('CONTROL_TOPIC_FORGETS', `${TOPIC.name}: ${why}`, { at: { topic: TOPIC.name } });
}

function mendingOf(topic: string): string {
  return (
    'Mend it: kafka-configs.sh --bootstrap-server HOST:PORT --alter --entity-type topics ' +
    `--entity-name ${topic} --add-config cleanup.policy=compact,retention.ms=-1`
  );
}

/** What stands on the log: what people have halted, and what nobody can tell. */
export async function standingStops(
  topics: ReadableTopics,
  admin: Pick<TopicAdmin, 'compareTopics'> | undefined,
  now: EpochMillis,
): Promise<{ readonly halted: readonly Halt[]; readonly unknown: readonly UnknownSwitch[] }> {
  const state = await readKillSwitch(topics, await readWitnesses(topics));
  const stops = state.stops();
  const why = admin === undefined ? null : await whyItForgets(admin);
  const forgets = why === null ? [] : [{ scope: WHOLE_DESK, why: `${TOPIC.name}: ${why}`, since: now }];
  return {
    halted: stops.filter((stop): stop is Halt => !isUnknown(stop)),
    unknown: [...forgets, ...stops.filter(isUnknown)],
  };
}

function switchRecord(codec: RecordCodec, written: LogRecord): SwitchRecord {
  const { topic, key, value, partition, offset, timestamp } = written;
  const named = scopeOfKey(key);
  const placed = { topic, key: Buffer.from(key ?? []).toString('base64'), partition, offset };
  if (value === null) return { ...placed, kind: 'tombstone', scope: named ?? WHOLE_DESK, at: timestamp };
  const bad = (scopes: readonly (string | null)[], why: string): SwitchRecord => {
    const told = new Set(scopes.flatMap((scope) => scope ?? []));
    return { ...placed, kind: 'bad', scopes: told.size === 0 ? [WHOLE_DESK] : [...told], at: timestamp, why };
  };
  try {
    const { record, problems } = codec.examine(TOPIC.name, written);
    const { scope, command, issued_at, issued_by, reason } = record;
    if (problems.length === 0 && (command === 'HALT' || command === 'RESUME')) {
      return { ...placed, kind: 'command', scope, command, at: issued_at, by: issued_by, reason };
    }
    const why = problems.map((problem) => `${problem.path} ${problem.why}`).join('; ');
    return bad([named, scopeOfKey(Buffer.from(scope))], `breaks a rule: ${why}`);
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    return bad([named], `does not decode (${thrown.code})`);
  }
}
