import { isDeepStrictEqual } from 'node:util';
import { type ReadableTopics, visitTopic } from '../../pipelines/runtime/topic-cursor.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { intentOf } from '../../pipelines/scoring/scoring-processor.ts';
import type { HarvestIntent, IntentId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { defaultPolicy } from '../cli/compose/fresh-snapshots.ts';
import type { Effect } from './commit-audit.ts';
import { type Place, placeKey, placeOf } from './places.ts';

export interface IntentAudit {
  readonly violations: readonly string[];
  /** Snapshot records, and how many different ones. */
  readonly snapshots: number;
  readonly distinctSnapshots: number;
  /** Snapshot records that deserve an intent, and different intents that they deserve. */
  readonly deserving: number;
  readonly intents: ReadonlySet<IntentId>;
  /** Intent records: more than the deserving where a crash had a batch scored again. */
  readonly intentRecords: number;
  /** A snapshot and the intent it caused. */
  readonly effects: readonly Effect[];
}

interface Expected {
  readonly intent: HarvestIntent;
  readonly input: Place;
  output: Place | null;
}

/** Every snapshot on the topic that deserves an intent has it, exactly as `evaluate` says, and no other intent is there. */
export async function auditIntents(world: ReadableTopics): Promise<IntentAudit> {
  const policy = defaultPolicy();
  const violations: string[] = [];
  const expected = new Map<string, Expected>();
  const different = new Set<string>();
  let snapshots = 0;
  await visitTopic(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    snapshots += 1;
    different.add(`${snapshot.position_id} ${snapshot.observed_at}`);
    const intent = intentOf(snapshot, evaluate(snapshot, policy), at);
    const input = placeOf(at);
    if (intent !== null) expected.set(placeKey(input), { intent, input, output: null });
  });
  let intentRecords = 0;
  await visitTopic(world, TOPICS.harvestIntent.name, {}, (intent, at) => {
    intentRecords += 1;
    const wanted = expected.get(placeKey(intent.input));
    if (wanted === undefined) violations.push(`intent ${intent.intent_id} rests on a snapshot that deserves none`);
    else if (!isDeepStrictEqual(plain(intent), plain(wanted.intent)))
      violations.push(`intent ${intent.intent_id} is not what the policy says`);
    else wanted.output ??= placeOf(at);
  });
  const effects: Effect[] = [];
  for (const { intent, input, output } of expected.values()) {
    if (output === null) violations.push(`the snapshot at ${placeKey(input)} has no intent ${intent.intent_id}`);
    else effects.push({ input, output });
  }
  return {
    violations,
    snapshots,
    distinctSnapshots: different.size,
    deserving: expected.size,
    intents: new Set(Array.from(expected.values(), ({ intent }) => intent.intent_id)),
    intentRecords,
    effects,
  };
}

/** Decoded records are instances of classes that avsc makes; only their content counts. */
function plain(record: HarvestIntent): unknown {
  return JSON.parse(JSON.stringify(record));
}
