import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avsc from 'avsc';
import { DevChain } from '../cli/compose/dev-chain.ts';
import { comparePolicies } from '../pipelines/replay/compare-policies.ts';
import { EmbeddedLog } from '../connectors/embedded/embedded-log.ts';
import { DEFAULT_FAULTS } from '../connectors/exchange/paper/fill-plan.ts';
import { DeskFeed } from '../pipelines/snapshots/simulated/desk-feed.ts';
import { simulatedMarket } from '../pipelines/snapshots/simulated/simulated-market.ts';
import { PaperExchange } from '../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../connectors/system/seeded-random.ts';
import { SystemClock } from '../connectors/system/system-clock.ts';
import { evaluate, verdictOf } from '../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID, type Policy } from '../pipelines/scoring/policy.ts';
import { intentOf } from '../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../ports/clock.ts';
import type { LogRecord } from '../ports/event-log.ts';
import { SILENT_LOGGER } from '../ports/logger.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { loadSchema, TOPICS, allTopicSpecs } from '../schemas/topics.ts';
import { RecordCodec } from '../schemas/record-codec.ts';
import { registerSchemas } from '../schemas/registry.ts';
import { TopicWriter } from '../schemas/topic-writer.ts';
import type { Workload } from './measure.ts';

/** Snapshots of a simulated desk, as many as a second of heavy load brings. */
const SNAPSHOTS = 20_000;
const SEED = 1;
const CHAIN_CYCLES = 40;
const APPEND_BATCH = 500;

export function defaultPolicy(): Policy {
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new Error('no default policy');
  return policy;
}

/** Runs `work` in a temporary folder that is gone afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'harvestline-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Real-looking input: what the simulated desk would publish if nothing were ever closed. */
export function simulatedSnapshots(): readonly PositionSnapshot[] {
  const random = new SeededRandom(SEED);
  const book = new PaperExchange({ path: ':memory:', clock: new VirtualClock(0), random });
  const feed = new DeskFeed({ desk: 'desk', market: simulatedMarket(random), book, random });
  const snapshots: PositionSnapshot[] = [];
  for (let cycle = 0; snapshots.length < SNAPSHOTS; cycle++) snapshots.push(...(feed.run(cycle)?.snapshots ?? []));
  book.close();
  return snapshots.slice(0, SNAPSHOTS);
}

export async function openLog(folder: string): Promise<{ log: EmbeddedLog; codec: RecordCodec }> {
  const log = EmbeddedLog.open(folder, new SystemClock());
  await log.createTopics(allTopicSpecs());
  await registerSchemas(log.registry);
  return { log, codec: await RecordCodec.open(log.registry) };
}

export function evaluating(snapshots: readonly PositionSnapshot[]): Workload {
  const policy = defaultPolicy();
  return {
    run: () => {
      for (const snapshot of snapshots) evaluate(snapshot, policy);
      return snapshots.length;
    },
  };
}

/** As many snapshots, of which so many are worth an intent: of the simulated desk nearly all are, since it closes nothing here. */
export function withIntents(snapshots: readonly PositionSnapshot[], share: number): readonly PositionSnapshot[] {
  const policy = defaultPolicy();
  const { held = [], deserving = [] } = Object.groupBy(snapshots, (snapshot) =>
    verdictOf(snapshot, policy).action === 'HOLD' ? 'held' : 'deserving',
  );
  return snapshots.flatMap((_, index) => {
    const from = Math.floor(index * share) < Math.floor((index + 1) * share) ? deserving : held;
    return from[index % from.length] ?? [];
  });
}

export function judging(snapshots: readonly PositionSnapshot[]): Workload {
  const policy = defaultPolicy();
  return {
    run: () => {
      for (const snapshot of snapshots) verdictOf(snapshot, policy);
      return snapshots.length;
    },
  };
}

/** What the scoring processor does with each record, without a log. */
export function scoring(snapshots: readonly PositionSnapshot[], codec: RecordCodec): Workload {
  const policy = defaultPolicy();
  const writer = new TopicWriter('scoring', codec);
  const topic = TOPICS.positionSnapshot.name;
  const records = snapshots.map((snapshot, offset): LogRecord => {
    const value = codec.encode(topic, snapshot);
    return { topic, partition: 0, offset, timestamp: snapshot.observed_at, key: null, value, headers: [] };
  });
  return {
    run: () => {
      for (const at of records) {
        const snapshot = codec.decode(topic, at);
        if (verdictOf(snapshot, policy).action === 'HOLD') continue;
        const intent = intentOf(snapshot, evaluate(snapshot, policy), at);
        if (intent !== null) writer.encode(TOPICS.harvestIntent, intent, at.timestamp);
      }
      return snapshots.length;
    },
  };
}

/** Our encode, with every check, and avsc's own with a wire-format header in front. */
export function encoding(
  snapshots: readonly PositionSnapshot[],
  codec: RecordCodec,
): { strict: Workload; plain: Workload } {
  const topic = TOPICS.positionSnapshot.name;
  const type = plainType();
  const header = Buffer.alloc(5);
  return {
    strict: {
      run: () => {
        for (const snapshot of snapshots) codec.encode(topic, snapshot);
        return snapshots.length;
      },
    },
    plain: {
      run: () => {
        for (const snapshot of snapshots) Buffer.concat([header, type.toBuffer(snapshot)]);
        return snapshots.length;
      },
    },
  };
}

/** Our decode, with every check, and avsc's own. */
export function decoding(
  snapshots: readonly PositionSnapshot[],
  codec: RecordCodec,
): { strict: Workload; plain: Workload } {
  const topic = TOPICS.positionSnapshot.name;
  const type = plainType();
  const values = snapshots.map((snapshot) => Buffer.from(codec.encode(topic, snapshot)));
  return {
    strict: {
      run: () => {
        for (const value of values) codec.decode(topic, { value });
        return snapshots.length;
      },
    },
    plain: {
      run: () => {
        for (const value of values) type.fromBuffer(value.subarray(5));
        return snapshots.length;
      },
    },
  };
}

function plainType(): avsc.Type {
  return avsc.Type.forSchema(loadSchema(TOPICS.positionSnapshot) as avsc.Schema);
}

export function appending(snapshots: readonly PositionSnapshot[], log: EmbeddedLog, codec: RecordCodec): Workload {
  const writer = new TopicWriter('snapshots', codec);
  const records = snapshots.map((snapshot) => writer.encode(TOPICS.positionSnapshot, snapshot, snapshot.observed_at));
  return {
    run: async () => {
      for (let start = 0; start < records.length; start += APPEND_BATCH) {
        await log.append(records.slice(start, start + APPEND_BATCH));
      }
      return records.length;
    },
  };
}

export function reading(log: EmbeddedLog): Workload {
  const topic = TOPICS.positionSnapshot.name;
  return {
    run: async () => {
      let records = 0;
      for await (const batch of log.read(topic)) records += batch.records.length;
      return records;
    },
  };
}

/** `replay` of every snapshot on the log, with `legacy` against the default policy. */
export function replaying(log: EmbeddedLog, codec: RecordCodec): Workload {
  const candidate = BUILT_IN_POLICIES.get('legacy') ?? defaultPolicy();
  return {
    run: async () => {
      const { snapshots } = await comparePolicies(
        { log, codec },
        {
          current: defaultPolicy(),
          candidate,
          window: { from: null, to: null },
          raw: false,
          random: new SeededRandom(SEED),
          listed: 50,
        },
      );
      return snapshots;
    },
  };
}

/** The whole chain, from market to outcome, on a log that grows. */
export async function chain(folder: string): Promise<{ workload: Workload; close: () => Promise<void> }> {
  const random = new SeededRandom(SEED);
  const opened = await DevChain.open({
    dataDir: folder,
    desk: 'bench',
    market: simulatedMarket(random),
    random,
    policy: defaultPolicy(),
    faults: DEFAULT_FAULTS,
    logger: SILENT_LOGGER,
  });
  return {
    workload: {
      run: async () => {
        let snapshots = 0;
        for (let cycle = 0; cycle < CHAIN_CYCLES; cycle++) snapshots += (await opened.runCycle())?.scored.length ?? 0;
        return snapshots;
      },
    },
    close: () => opened.close(),
  };
}
