import { join } from 'node:path';
import type { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { messageOf } from '../../errors/harvestline-error.ts';
import type { ReadableTopics } from '../../pipelines/runtime/topic-cursor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { TestCluster } from '../tools/kafka/test-cluster.ts';
import type { ChaosServers } from './chaos-servers.ts';
import { restartNode } from './cluster/append-run.ts';
import { JavaWriter } from './cluster/writers.ts';
import { Fleet } from './fleet.ts';
import { Observation, flowOf } from './log-watch.ts';
import { SnapshotFeed } from './snapshot-feed.ts';

export interface ChaosOptions {
  readonly records: number;
  readonly kills: number;
  readonly brokerKill: boolean;
  /** How long the registry is down; null where it stays up. Unit: milliseconds. */
  readonly registryOutageMs: number | null;
  readonly seed: number;
}

interface ChaosWorld extends ReadableTopics {
  readonly log: KafkaLog;
  readonly broker: ChaosServers;
  /** Null with a single broker. */
  readonly cluster: TestCluster | null;
  readonly folder: string;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** Ends the run. */
  readonly interrupt: AbortSignal;
}

interface ChaosReport {
  readonly violations: readonly string[];
  /** Every observation of the log, the last one after all processes have ended. */
  readonly observations: readonly Observation[];
  readonly figures: Readonly<Record<string, number>>;
}

/** How often offsets are observed, and so how precisely kills hit their moment. Unit: milliseconds. */
const OBSERVE_MS = 200;

/** How often progress is reported. Unit: milliseconds. */
const SAY_MS = 5000;

/** Longer than a session, a rebalance, an outage of the registry and an unresolved order together. Unit: milliseconds. */
const STALL_BOUND_MS = 120_000;

/** Orders whose reply is lost have to be found at the venue. Other faults of a venue are tested elsewhere. */
const FAULTS = 'lost-reply=0.05';

const SCORING = flowOf('scoring', TOPICS.positionSnapshot.name);

/** Runs the chain through all its mishaps until every record is processed, or until there was no progress for too long. */
export async function runChaos(world: ChaosWorld, options: ChaosOptions): Promise<ChaosReport> {
  const { log, codec, broker, cluster, folder, clock, say, interrupt } = world;
  const random = new SeededRandom(options.seed);
  const args = ['run', '--data', join(folder, 'data'), '--brokers', broker.brokers, '--registry', broker.registryUrl];
  const settings = ['--http-port', '0', '--log-level', 'warn', '--seed', String(options.seed), '--faults', FAULTS];
  const begun = clock.now();
  const at = (): string => `${((clock.now() - begun) / 1000).toFixed(1).padStart(6)} s`;
  const fleet = new Fleet([...args, ...settings], clock, random.stream('chaos', 'victims'), (line) =>
    say(`${at()}  ${line}`),
  );
  const foreign = cluster === null ? null : new JavaWriter(cluster.brokers, TOPICS.positionSnapshot.name);
  try {
    const feed = new SnapshotFeed({ records: options.records, log: foreign ?? log, codec, clock, random });
    const rolling = cluster === null ? null : new Rolling(cluster, feed, world, (line) => say(`${at()}  ${line}`));
    const registryOutage = options.registryOutageMs !== null;
    const mishaps = [...mishapsOf({ ...options, registryOutage }, random)];
    const observations: Observation[] = [];
    const violations: string[] = [];
    const outages: Promise<void>[] = [];
    let moved = { movement: 0, at: clock.now() };
    let standstillMs = 0;
    let said = clock.now();
    for (;;) {
      await clock.sleep(OBSERVE_MS, interrupt);
      if (interrupt.aborted) throw new Error('interrupted');
      const observation = await Observation.at(log);
      if (observation !== null) {
        observations.push(observation);
        if (rolling === null) feed.offer(observation);
        else rolling.check();
        if (observation.movement() > moved.movement) {
          standstillMs = Math.max(standstillMs, clock.now() - moved.at);
          moved = { movement: observation.movement(), at: clock.now() };
        }
        const [next] = mishaps;
        if (next !== undefined && observation.done(SCORING) >= next.at * options.records) {
          mishaps.shift();
          say(`${at()}  ${next.kind} at ${observation.done(SCORING)} of ${options.records}`);
          const over = befall(next, fleet, broker, options);
          outages.push(over.catch((thrown: unknown) => void violations.push(`${next.kind}: ${messageOf(thrown)}`)));
        }
        const isOver = mishaps.length === 0 && feed.finished && (rolling?.finished ?? true);
        if (isOver && observation.isWorkedOff()) break;
        if (clock.now() - said > SAY_MS) {
          said = clock.now();
          say(`${at()}  ${observation.describe()}`);
        }
      }
      if (clock.now() - moved.at > STALL_BOUND_MS) {
        violations.push(
          `nothing has moved for ${STALL_BOUND_MS} ms: ${observations.at(-1)?.describe() ?? 'no broker'}`,
        );
        break;
      }
    }
    const tookMs = clock.now() - begun;
    await Promise.all(outages);
    say(`${at()}  worked off; stopping`);
    await fleet.stop();
    const last = await Observation.at(log);
    if (last !== null) observations.push(last);
    const figures = {
      processes: fleet.started,
      ...(rolling === null ? {} : { 'restarts of brokers by SIGTERM': rolling.stops, 'by kill -9': rolling.kills }),
      'run, ms': tookMs,
      'longest standstill, ms': standstillMs,
      'slowest drain, ms': fleet.slowestDrainMs,
    };
    return { violations: [...violations, ...fleet.violations], observations, figures };
  } finally {
    await fleet.abandon();
    await foreign?.close();
  }
}

/**
 * While a foreign producer writes the snapshots, one broker after the other goes and comes back: by SIGTERM in one round, by kill -9 in the
 * next, and at least once each.
 */
class Rolling {
  stops = 0;
  kills = 0;
  finished = false;
  #failure: unknown = null;

  constructor(cluster: TestCluster, feed: SnapshotFeed, world: ChaosWorld, say: (line: string) => void) {
    const fail = (thrown: unknown): void => {
      this.#failure ??= thrown;
    };
    feed.writeSteadily(world.interrupt).catch(fail);
    this.#roll(cluster, feed, world, say).catch(fail);
  }

  /** Throws the error with which writing or restarting has failed. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async #roll(
    cluster: TestCluster,
    feed: SnapshotFeed,
    { clock, interrupt }: ChaosWorld,
    say: (line: string) => void,
  ): Promise<void> {
    for (let restart = 0; restart < 2 * cluster.size || !feed.finished; restart++) {
      if (interrupt.aborted) return;
      const how = Math.floor(restart / cluster.size) % 2 === 0 ? 'stop' : 'kill';
      const node = restart % cluster.size;
      say(`${how === 'stop' ? 'SIGTERM' : 'kill -9'} for broker ${node + 1}`);
      await restartNode(cluster, node, how, TOPICS.harvestIntent.name, clock);
      if (how === 'stop') this.stops += 1;
      else this.kills += 1;
    }
    this.finished = true;
  }
}

/** Carries out a mishap and resolves when it is over. The run continues meanwhile. */
async function befall({ kind }: Mishap, fleet: Fleet, broker: ChaosServers, options: ChaosOptions): Promise<void> {
  switch (kind) {
    case 'kill':
      fleet.killOne();
      break;
    case 'join':
      fleet.join();
      break;
    case 'leave':
      fleet.leave();
      break;
    case 'broker-kill':
      await broker.restartBroker();
      break;
    case 'registry-outage':
      await broker.interruptRegistry(options.registryOutageMs ?? 0);
      break;
  }
}

/** A disturbance of the run, at the moment when scoring has committed this share of the snapshots. */
interface Mishap {
  readonly kind: 'kill' | 'join' | 'leave' | 'broker-kill' | 'registry-outage';
  /** From 0 to 1. */
  readonly at: number;
}

interface Plan {
  /** The number of kills of a member. */
  readonly kills: number;
  readonly brokerKill: boolean;
  readonly registryOutage: boolean;
}

/** Two members join and leave, and for a while both are there. */
const GUESTS: readonly Mishap[] = [
  { kind: 'join', at: 0.2 },
  { kind: 'join', at: 0.4 },
  { kind: 'leave', at: 0.55 },
  { kind: 'leave', at: 0.75 },
];

/** All kills are between these shares: after the first commit and before the last. */
const FIRST_KILL = 0.04;
const LAST_KILL = 0.95;

/** In the middle, when both guests are there. */
const OUTAGE_AT = 0.47;

/** The mishaps in the order of `at`. The time is divided into as many parts as there are kills, with one kill in each, placed by the seed. */
function mishapsOf({ kills, brokerKill, registryOutage }: Plan, random: Random): readonly Mishap[] {
  const stream = random.stream('chaos', 'kills');
  const stretch = (LAST_KILL - FIRST_KILL) / kills;
  const killed = Array.from({ length: kills }, (_, index): Mishap => ({
    kind: 'kill',
    at: FIRST_KILL + stretch * (index + stream.uniform()),
  }));
  const mishaps: Mishap[] = [...killed, ...GUESTS];
  if (brokerKill) mishaps.push({ kind: 'broker-kill', at: OUTAGE_AT });
  if (registryOutage) mishaps.push({ kind: 'registry-outage', at: OUTAGE_AT });
  return mishaps.toSorted((one, other) => one.at - other.at);
}
