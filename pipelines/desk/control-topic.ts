/**
 * The kill switch on the log: reads and writes desk.control, reads on desk.process what processes last obeyed, and makes sure that the topic
 * cannot forget a command.
 */
import type { ReadSession } from '../runtime/log-session.ts';
import { partitionOf } from '../../ports/partitioner.ts';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import {
  KillSwitchState,
  type LastObeyed,
  type SwitchRecord,
  WHOLE_DESK,
  ObeyedByProcesses,
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
import { type Alert, earliestOf, lookCloser } from '../alerts/alerts.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';

const TOPIC = TOPICS.deskControl;

/**
 * Reads the whole topic, from its oldest record to the end that stands now: it is small, and a topic that was made anew is then never taken
 * for the rest of the old one. Throws the log's errors.
 */
export async function readKillSwitch({ log, codec }: ReadableTopics, lastObeyed: LastObeyed): Promise<KillSwitchState> {
  const state = new KillSwitchState(lastObeyed);
  for await (const batch of log.read(TOPIC.name)) {
    await codec.prepare(TOPIC.name, batch.records);
    for (const at of batch.records) state.apply(switchRecord(codec, at));
  }
  return state;
}

/** By scope, what processes obeyed when they were last seen. */
export async function readLastObeyed(topics: ReadableTopics): Promise<LastObeyed> {
  const obeyed = new ObeyedByProcesses();
  try {
    await forEachRecord(topics, TOPICS.deskProcess.name, {}, (record) => obeyed.apply(record));
  } catch (thrown) {
    // A log of an earlier version has no such topic.
    if (!(thrown instanceof HarvestlineError) || thrown.code !== 'TOPIC_MISSING') throw thrown;
  }
  return obeyed.lastObeyed();
}

/** The records of a command: one under each of its two keys (kill-switch.ts), in one partition. */
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

/** Why the topic can forget a command; null where it cannot. Throws TOPIC_MISSING, and the log's transient errors. */
export async function whyItForgets(log: Pick<TopicAdmin, 'compareTopics'>): Promise<string | null> {
  const [found] = await log.compareTopics([TOPIC]);
  if (found?.state === 'missing') throw new HarvestlineError('TOPIC_MISSING', `the log has no ${TOPIC.name}`);
  const forgetting = (found?.differs ?? []).filter(({ setting }) => setting !== 'partitions');
  if (forgetting.length === 0) return null;
  const settings = forgetting.map(({ setting, is, wanted }) => `${setting} is ${is}, and must be ${wanted}`);
  return `it can forget a halt: ${settings.join('; ')}. ${remedyFor(found?.topic ?? TOPIC.name)}`;
}

/** Throws CONTROL_TOPIC_FORGETS, TOPIC_MISSING, and the log's transient errors. */
export async function refuseForgetting(log: EventLog & Pick<TopicAdmin, 'compareTopics'>): Promise<void> {
  const why = await whyItForgets(log);
  if (why !== null)
    throw new HarvestlineError('CONTROL_TOPIC_FORGETS', `${TOPIC.name}: ${why}`, { at: { topic: TOPIC.name } });
}

function remedyFor(topic: string): string {
  return (
    'Mend it: kafka-configs.sh --bootstrap-server HOST:PORT --alter --entity-type topics ' +
    `--entity-name ${topic} --add-config cleanup.policy=compact,retention.ms=-1`
  );
}

/** What stops orders, as the log has it: what people have halted, and scopes that cannot be known. */
export async function standingStops(
  topics: Pick<ReadSession, 'log' | 'codec'>,
  now: EpochMillis,
  lastObeyed: LastObeyed,
): Promise<{ readonly halted: readonly Halt[]; readonly unknown: readonly UnknownSwitch[] }> {
  const stops = (await readKillSwitch(topics, lastObeyed)).stops();
  const why = await whyItForgets(topics.log);
  const forgets = why === null ? [] : [{ scope: WHOLE_DESK, why: `${TOPIC.name}: ${why}`, since: now }];
  return {
    halted: stops.filter((stop): stop is Halt => !isUnknown(stop)),
    unknown: [...forgets, ...stops.filter(isUnknown)],
  };
}

/** Orders are stopped, and positions stay open however much they win. */
export function haltedAlert(halts: readonly Halt[]): Alert | null {
  if (halts.length === 0) return null;
  const named = halts.map(({ scope, by, reason }) => `${scope} halted by ${by} (${reason})`);
  return {
    name: 'halted',
    since: earliestOf(halts),
    evidence: `Orders are stopped: ${named.join(', ')}.`,
    next: { purpose: 'Lift it', commands: halts.map(({ scope }) => ({ words: 'resume', args: ['--scope', scope] })) },
  };
}

/** Whether orders are stopped cannot be known, so none is sent. */
export function killSwitchUnknownAlert(unknown: readonly UnknownSwitch[]): Alert | null {
  if (unknown.length === 0) return null;
  const named = unknown.map(({ scope, why }) => `${scope} (${why})`);
  return {
    name: 'kill_switch_unknown',
    since: earliestOf(unknown),
    evidence:
      `No order is sent, because nobody can tell whether it is halted: ${named.join('; ')}. A later halt or resume of the scope settles ` +
      'what a record left open.',
    next: lookCloser('tail', TOPIC.name, '--from', 'beginning'),
  };
}

/** A record of the topic as the kill switch takes it: a command, a tombstone, or one that cannot be acted on. */
function switchRecord(codec: RecordCodec, written: LogRecord): SwitchRecord {
  const { topic, key, value, partition, offset, timestamp } = written;
  const named = scopeOfKey(key);
  const placed = { topic, key: Buffer.from(key ?? []).toString('base64'), partition, offset };
  if (value === null) return { ...placed, kind: 'tombstone', scope: named ?? WHOLE_DESK, at: timestamp };
  const bad = (scopes: readonly (string | null)[], why: string): SwitchRecord => {
    const known = new Set(scopes.flatMap((scope) => scope ?? []));
    return { ...placed, kind: 'bad', scopes: known.size === 0 ? [WHOLE_DESK] : [...known], at: timestamp, why };
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
