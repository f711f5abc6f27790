/**
 * A desk with everything around it, and the run of one plan: an exchange, a log, models, people, and processes that are started again
 * whenever they end. Faults come as the plan says; then everything heals, and what has to be true is checked from outside (invariants/).
 */
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { LogSession } from '../../pipelines/runtime/log-session.ts';
import { HarvestlineError, isKind, messageOf } from '../../errors/harvestline-error.ts';
import { auditIntents } from '../../pipelines/replay/audit-intents.ts';
import { BUILT_IN_POLICIES } from '../../pipelines/scoring/policy.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { NotifySettings } from '../../ports/notify.ts';
import type { Random } from '../../ports/random.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';
import { type Stage, act, haltNow, haltWhileStanding } from './actions.ts';
import { SimulatedStream } from './exchange/simulated-stream.ts';
import { SimulatedVenue } from './exchange/simulated-venue.ts';
import { VenueAccount } from './exchange/venue-account.ts';
import { type Fault, FaultBoard, type FaultKind, specOf } from './faults.ts';
import { Host } from './host.ts';
import { Archive } from './archive.ts';
import { breachesOf } from './invariants/invariants.ts';
import { Evidence, type Strike } from './invariants/evidence.ts';
import { Kernel, type TraceLine } from './kernel.ts';
import { SimulatedBroker } from './log/broker.ts';
import { LogAtRest } from './log/log-at-rest.ts';
import { SimulatedLog } from './log/simulated-log.ts';
import { SimulatedRegistry } from './log/simulated-registry.ts';
import { MessageTarget } from './message-target.ts';
import { Openings } from './openings.ts';
import { People } from './people.ts';
import { HEAL_MS, HOUR_MS, type Plan, STRUCK_GROUPS, marketsOf } from './plan.ts';
import { Models, SIGNAL_EVERY_MS } from './producers.ts';
import { recordLine } from './record-line.ts';
import { rolesOf } from './roles.ts';
import { decodingOnce } from './shared-decoding.ts';
import { Spoken, giveSecrets } from './secrets.ts';
import { loadParts } from './simulated-process.ts';
import { Slips } from './slips.ts';
import { Supervisor } from './supervisor.ts';

/** Of every world. 2026-01-05T00:00:00Z, a Monday. */
const WORLD_START: EpochMillis = 1_767_571_200_000;

/** The processes of a desk are started within that. Unit: milliseconds. */
const STARTS_WITHIN_MS = 8000;

/** Written every few seconds, with times only. */
const QUIET_TOPICS: ReadonlySet<string> = new Set([TOPICS.deskProcess.name]);

const DAY_MS = 24 * HOUR_MS;
const WORLD = 'world';
const VENUE = 'binanceusdm';

/** A process that loses its account to a retirement stops within that. Unit: milliseconds. */
const STOPS_WITHIN_MS = 3 * 60_000;

/** What has to be true, and was not. */
export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

export interface RunResult {
  readonly plan: Plan;
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  /** Orders that arrived at the exchange. */
  readonly orders: number;
  /** Faults of the plan that struck at least once. */
  readonly struck: number;
  /** How often each kind struck. */
  readonly hits: ReadonlyMap<FaultKind, number>;
  readonly positionDays: number;
  readonly violations: readonly Violation[];
}

export class World {
  readonly #kernel: Kernel;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #faults: FaultBoard;
  readonly #struck = new Set<Fault>();
  readonly #strikes: Strike[] = [];
  readonly #broker: SimulatedBroker;
  readonly #account: VenueAccount;
  readonly #archive: Archive;
  readonly #target: MessageTarget;
  readonly #registry: MemoryRegistry;
  readonly #codec: RecordCodec;
  readonly #people: People;
  readonly #slips: Slips;
  readonly #supervisor: Supervisor;
  readonly #spoken = new Spoken();
  readonly #gaveUp: Violation[] = [];

  private constructor(plan: Plan, kernel: Kernel, registry: MemoryRegistry, codec: RecordCodec) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed);
    this.#registry = registry;
    this.#codec = codec;
    const note = (fault: Fault, struck: string): void => this.#note(fault, struck);
    this.#faults = new FaultBoard(plan.faults, kernel.now, () => kernel.now, note);
    this.#broker = new SimulatedBroker(kernel, this.#faults);
    this.#archive = new Archive(this.#broker, STRUCK_GROUPS);
    this.#broker.onRecreation((topic) => this.#archive.recreated(topic, kernel.now));
    const markets = marketsOf(plan.symbols);
    this.#account = new VenueAccount({ kernel, faults: this.#faults, markets, isHedged: plan.hedged });
    this.#target = new MessageTarget(this.#faults);
    const open = (host: Host): LogSession => this.#session(host);
    const append = (record: EncodedRecord): void => this.#broker.append([record]);
    this.#people = new People({ kernel, codec, venue: VENUE, sitDown: (name) => this.#machine(name), open, append });
    this.#slips = new Slips(this.#people, open);
    this.#supervisor = new Supervisor({
      kernel,
      faults: this.#faults,
      random: this.#random,
      grainMs: plan.grainMs,
      spoken: this.#spoken,
      terms: { venue: VENUE, order: plan.order, cycleMs: plan.cycleMs, maxClosesPerMinute: closesPerMinute(plan) },
      reach: (host) => ({
        log: new SimulatedLog(host, this.#broker),
        openCodec: () => this.#openCodec(host),
        exchange: new SimulatedVenue(host, this.#account),
        stream: new SimulatedStream(host, this.#account),
        notify: this.#notify(host),
      }),
      onGone: (host) => this.#broker.gone(host),
      onGaveUp: (host, thrown) => {
        if (this.#isExpected(thrown)) return;
        this.#gaveUp.push({ invariant: 'no_process_gives_up', detail: `${host.name}: ${messageOf(thrown)}` });
      },
    });
  }

  /** Runs a plan from its start until all has healed, and checks what it left. */
  static async run(plan: Plan, onTrace: ((line: TraceLine) => void) | null = null): Promise<RunResult> {
    await loadParts();
    giveSecrets();
    const registry = await MemoryRegistry.withOwnSchemas();
    const codec = decodingOnce(await RecordCodec.open(registry));
    return new World(plan, new Kernel(plan.seed, WORLD_START, onTrace), registry, codec).#run();
  }

  async #run(): Promise<RunResult> {
    const { hours, faults } = this.#plan;
    const kernel = this.#kernel;
    const endsAt = WORLD_START + hours * HOUR_MS + HEAL_MS;
    this.#broker.createTopics(allTopicSpecs());
    this.#broker.onAppend((record, writer) => {
      const { topic, value } = record;
      this.#archive.keep(record, kernel.now);
      if (value === null || QUIET_TOPICS.has(topic)) return;
      kernel.cover(value);
      kernel.explain(writer ?? WORLD, () => recordLine(this.#codec, topic, value));
      if (topic === TOPICS.executionReport.name && writer !== null) this.#reported(value, writer);
    });
    const openings = new Openings({
      kernel,
      account: this.#account,
      markets: marketsOf(this.#plan.symbols),
      random: this.#random,
      startsAt: WORLD_START,
      endsAt,
    });
    openings.look();
    this.#letModelsSpeak();
    const draw = this.#random.stream('starts');
    for (const role of rolesOf(this.#plan)) {
      kernel.after(draw.integer(0, STARTS_WITHIN_MS), WORLD, () => this.#supervisor.start(role));
    }
    for (const fault of faults) {
      if (specOf(fault.kind).form !== 'action') continue;
      kernel.at(WORLD_START + fault.at, WORLD, () => this.#act(fault));
    }
    await kernel.run(endsAt);
    this.#supervisor.end();
    const evidence = await this.#evidence(endsAt);
    return {
      plan: this.#plan,
      hash: kernel.hash,
      events: kernel.events,
      simulatedMs: endsAt - WORLD_START,
      orders: this.#account.ledger.received.length,
      struck: this.#struck.size,
      hits: this.#faults.hits,
      positionDays: openings.openMs / DAY_MS,
      violations: [...this.#gaveUp, ...breachesOf(evidence)],
    };
  }

  async #evidence(endedAt: EpochMillis): Promise<Evidence> {
    const topics = { log: new LogAtRest(this.#broker), codec: this.#codec };
    const everything = { window: { from: null, to: null }, policies: BUILT_IN_POLICIES };
    return new Evidence({
      plan: this.#plan,
      raw: this.#archive,
      codec: this.#codec,
      ledger: this.#account.ledger,
      halted: this.#people.halted,
      slips: this.#slips.refused,
      messages: this.#target.taken,
      secretsSpoken: this.#spoken.secrets,
      audit: await auditIntents(topics, everything),
      strikes: this.#strikes,
      lives: this.#supervisor.lives,
      startedAt: WORLD_START,
      endedAt,
    });
  }

  #act(fault: Fault): void {
    const struck = act(this.#stage(), fault);
    if (struck !== null) this.#faults.count(fault, struck);
  }

  #stage(): Stage {
    const stage = { kernel: this.#kernel, account: this.#account, broker: this.#broker };
    return { ...stage, supervisor: this.#supervisor, people: this.#people, slips: this.#slips };
  }

  /** An order was announced. */
  #reported(value: Uint8Array, writer: string): void {
    const { name } = TOPICS.executionReport;
    const { status, symbol } = this.#codec.decode(name, { value, headers: [] });
    const fault = status === 'SUBMITTED' ? this.#faults.strikes('halted_when_announced', symbol) : null;
    if (fault !== null) haltWhileStanding(this.#stage(), writer, fault);
  }

  #note(fault: Fault, struck: string): void {
    this.#strikes.push({ at: this.#kernel.now, fault, subject: struck });
    if (fault.kind === 'halted_in_flight') haltNow(this.#stage(), fault);
    if (this.#struck.has(fault)) return;
    this.#struck.add(fault);
    this.#kernel.tell(struck, specOf(fault.kind).means);
  }

  #letModelsSpeak(): void {
    const symbols = marketsOf(this.#plan.symbols).map(({ symbol }) => symbol);
    const models = new Models(symbols, this.#codec, this.#random, this.#kernel, this.#faults);
    const speak = (): void => {
      this.#broker.append(models.speak());
      this.#kernel.after(SIGNAL_EVERY_MS, WORLD, speak);
    };
    speak();
  }

  /** Loads the schemas through the registry, which may be away; what is compiled from them is shared. */
  async #openCodec(host: Host): Promise<RecordCodec> {
    await new SimulatedRegistry(host, this.#registry, this.#faults).versions('position.snapshot-value');
    return this.#codec;
  }

  /** A process may end so: whoever supervises starts it again. */
  #isExpected(thrown: unknown): boolean {
    // The log or the exchange was away at a start.
    if (isKind(thrown, 'transient')) return true;
    if (!(thrown instanceof HarvestlineError)) return false;
    // A write was not answered while it drained, or the log had no room for it.
    if (thrown.code === 'DRAIN_TIMED_OUT' || thrown.code === 'DISK_FULL') return true;
    const retired = this.#people.retiredAt.some((at) => this.#kernel.now - at < STOPS_WITHIN_MS);
    return thrown.code === 'ACCOUNT_TAKEN' && retired;
  }

  #notify(host: Host): NotifySettings {
    const targets = [{ target: this.#target.client(host), fromSeverity: 'INFO' as const }];
    return { targets, heartbeats: [], quietHours: null, remindAfterMs: 6 * HOUR_MS };
  }

  /** The log as a person has it. */
  #session(host: Host): LogSession {
    const log = new SimulatedLog(host, this.#broker);
    const registry = new SimulatedRegistry(host, this.#registry, this.#faults);
    return { log, registry, openCodec: () => this.#openCodec(host), close: () => log.close() };
  }

  /** A machine of a person's own, which never fails. */
  #machine(name: string): Host {
    const random = this.#random.stream('machine', name);
    const kernel = this.#kernel;
    return new Host({
      name,
      role: name,
      kernel,
      faults: this.#faults,
      random,
      skewMs: 0,
      grainMs: 1,
      onDeath: () => {},
    });
  }
}

/** The usual limit; that of a desk with more positions is one close each, since a cycle decides on all of them at once. */
function closesPerMinute({ symbols }: Plan): number {
  return Math.max(30, symbols);
}
