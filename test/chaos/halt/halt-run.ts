/**
 * Runs `halt` again and again while orders are being sent, and compares its answers with what arrives at the local exchange.
 *
 * CHX-13  After `halt` has answered that it halted, no order arrives at the exchange.
 * CHX-14  The answer is true: as many processes obeyed as run; `unwritten` left no record, `written` and `silent` left one; without an
 *         executing process it is not halted.
 * CHX-15  It ends within its limit and a few seconds, whatever the broker does.
 * CHX-16  A suspended process is reported as silent, and sends nothing when it is resumed.
 * CHX-17  While the broker hangs, no order arrives more than a second after the hang began.
 */
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RandomStream } from '../../../ports/random.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { type RunningProgram, runProgram, startProgram } from '../../cli/program.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { VENUE, feedOrders } from './order-feed.ts';

/** A broker that can be suspended. */
interface HangingBroker {
  /** `host:port`. */
  readonly brokers: string;
  readonly registryUrl: string;
  /** SIGSTOP: connections stay open, and nothing answers. */
  pauseBroker(): void;
  /** SIGCONT. */
  resumeBroker(): void;
}

interface HaltRunOptions {
  readonly broker: HangingBroker;
  /** The program's data folder. */
  readonly folder: string;
  readonly tries: readonly HaltTry[];
  readonly seed: number;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

interface HaltTry {
  readonly processes: number;
  /** What happens meanwhile: nothing, the broker hangs, the control topic was recreated before, or a process is suspended. */
  readonly trouble: 'none' | 'hang' | 'anew' | 'stuck';
}

interface HaltRun {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

interface Answer {
  readonly halted: boolean;
  readonly outcome: string;
  readonly obeyed: readonly unknown[];
  readonly silent: readonly unknown[];
}

const WAIT_S = 10;

/** CHX-15: the time for start and end of a process on a busy machine. Unit: milliseconds. */
const SLACK_MS = 8000;

const HANG_MS = 20_000;

/** The longest delay of the hang, so that it begins before, during or after the write of `halt`. Unit: milliseconds. */
const MOST_BEFORE_HANG_MS = 8000;

const LATE_MS = 1000;

/** How long the exchange is watched for further orders. Unit: milliseconds. */
const WATCH_MS = 3000;
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** Tries of every kind, grouped by the number of processes, which take seconds to start. */
export function mixedTries(count: number): readonly HaltTry[] {
  const troubles = ['none', 'anew', 'none', 'hang', 'none', 'stuck'] as const;
  return Array.from({ length: count }, (_, index): HaltTry => {
    const processes = index < count * 0.5 ? 2 : index < count * 0.85 ? 1 : 0;
    const trouble = troubles[index % troubles.length] ?? 'none';
    return { processes, trouble: processes === 0 && trouble === 'stuck' ? 'none' : trouble };
  });
}

export async function runHalts(options: HaltRunOptions): Promise<HaltRun> {
  const { broker, clock } = options;
  const log = KafkaLog.open({ brokers: [broker.brokers], clock, logger: SILENT_LOGGER });
  const registry = new ConfluentRegistry({ url: broker.registryUrl });
  const server = await BinanceServer.start({ weightPerMinute: 1e9 });
  const ended = new AbortController();
  const desk = new TriedDesk(options, server, log);
  let feeding: Promise<void> = Promise.resolve();
  try {
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    feeding = feedOrders({ server, log, codec, clock }, ended.signal);
    for (const [index, one] of options.tries.entries()) await desk.attempt(index, one, codec);
    return { violations: desk.violations, figures: desk.figures() };
  } finally {
    ended.abort();
    await desk.stop();
    await log.close();
    await feeding.catch(() => {});
    await server.close();
  }
}

class TriedDesk {
  readonly violations: string[] = [];
  readonly #options: HaltRunOptions;
  readonly #server: BinanceServer;
  readonly #log: KafkaLog;
  readonly #random: RandomStream;
  #running: RunningProgram[] = [];
  readonly #outcomes: Record<string, number> = {};
  readonly #took: number[] = [];
  #ordersBefore = 0;
  #after = 0;

  constructor(options: HaltRunOptions, server: BinanceServer, log: KafkaLog) {
    this.#options = options;
    this.#server = server;
    this.#log = log;
    this.#random = new SeededRandom(options.seed).stream('halts');
  }

  async attempt(index: number, { processes, trouble }: HaltTry, codec: RecordCodec): Promise<void> {
    const { clock, broker, say } = this.#options;
    const name = `try ${index} (${processes} processes, ${trouble})`;
    await this.#scaleTo(processes);
    if (processes > 0) await this.#ordersFlow(name);
    await clock.sleep(this.#random.integer(0, 800));
    const by = `try-${index}`;
    const before = this.#server.attempts.length;
    if (trouble === 'anew') await this.#recreateTopic();
    const stuck = trouble === 'stuck' ? this.#running[0] : undefined;
    stuck?.process.kill('SIGSTOP');
    const halting = this.#halt(by);
    if (trouble === 'hang') {
      await clock.sleep(this.#random.integer(0, MOST_BEFORE_HANG_MS));
      const pausedAt = clock.now();
      broker.pauseBroker();
      const first = await halting;
      await clock.sleep(pausedAt + HANG_MS - clock.now());
      const resumedAt = clock.now();
      this.#noneArrives(name, 'while the broker hung', pausedAt + LATE_MS, resumedAt);
      // An answer given during the hang holds until its end; a confirmed halt holds on.
      broker.resumeBroker();
      this.#check(name, first, processes, await this.#isOnLog(codec, by));
      if (first.answer.halted) await this.#holds(name, first.at);
      else if (processes > 0) {
        const second = await this.#halt(`${by}-again`);
        this.#check(`${name}, again`, second, processes, true);
        await this.#holds(name, second.at);
      }
    } else if (stuck !== undefined) {
      const said = await halting;
      stuck.process.kill('SIGCONT');
      if (said.answer.halted || said.answer.silent.length !== 1)
        this.violations.push(`${name}: CHX-16: ${JSON.stringify(said.answer)}`);
      await this.#holds(name, said.at);
    } else {
      const said = await halting;
      this.#check(name, said, processes, await this.#isOnLog(codec, by));
      await this.#holds(name, said.at);
    }
    this.#ordersBefore += this.#server.attempts.length - before;
    const resumed = await runProgram(['resume', '--wait', '30', ...this.#words()]);
    if (resumed.code !== 0) this.violations.push(`${name}: resume ended with ${resumed.code}: ${resumed.stderr}`);
    say(`${name}: ${JSON.stringify(this.#outcomes)}, ${this.#server.attempts.length} orders so far`);
  }

  figures(): Readonly<Record<string, number>> {
    return {
      tries: this.#options.tries.length,
      ...this.#outcomes,
      orders: this.#server.attempts.length,
      'orders while a halt was given': this.#ordersBefore,
      'slowest halt (ms)': Math.max(...this.#took),
      'median halt (ms)': this.#took.toSorted((one, other) => one - other)[Math.floor(this.#took.length / 2)] ?? 0,
      'orders after "halted"': this.#after,
    };
  }

  async stop(): Promise<void> {
    await this.#scaleTo(0);
  }

  /** Starts or ends processes until there are that many. */
  async #scaleTo(count: number): Promise<void> {
    while (this.#running.length > count) {
      const program = this.#running.pop();
      program?.process.kill('SIGTERM');
      const end = await program?.ended;
      if (end !== 0) this.violations.push(`a process ended with ${String(end)}: …${program?.stderr().slice(-1000)}`);
    }
    while (this.#running.length < count) {
      const venue = ['--venue', VENUE, '--demo', '--venue-url', this.#server.url, '--max-closes-per-minute', '999999'];
      this.#running.push(startProgram(['run', 'execution', '--http-port', '0', ...venue, ...this.#words()]));
      await this.#until('processes are ready', () => this.#areReady());
    }
  }

  async #areReady(): Promise<boolean> {
    for (const program of this.#running) {
      const [line = '', ...rest] = program.stdout().split('\n');
      if (rest.length === 0) return false;
      const { http } = JSON.parse(line) as { readonly http: string };
      if (
        !(await fetch(`${http}/ready`).then(
          ({ ok }) => ok,
          () => false,
        ))
      )
        return false;
    }
    return true;
  }

  async #ordersFlow(name: string): Promise<void> {
    const before = this.#server.attempts.length;
    await this.#until(`${name}: orders flow`, () => Promise.resolve(this.#server.attempts.length > before + 2));
  }

  async #halt(by: string): Promise<{ readonly code: unknown; readonly answer: Answer; readonly at: number }> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const program = startProgram(['halt', '--by', by, '--wait', String(WAIT_S), ...this.#words()]);
    await program.lines(1);
    const at = clock.now();
    const code = await program.ended;
    this.#took.push(clock.now() - startedAt);
    if (clock.now() - startedAt > WAIT_S * 1000 + SLACK_MS)
      this.violations.push(`${by}: CHX-15: ${clock.now() - startedAt} ms`);
    if (program.stdout() === '') throw new Error(`halt said nothing: ${program.stderr()}`);
    const answer = JSON.parse(program.stdout()) as Answer;
    this.#outcomes[answer.outcome] = (this.#outcomes[answer.outcome] ?? 0) + 1;
    return { code, answer, at };
  }

  /** CHX-14. */
  #check(name: string, { code, answer }: { code: unknown; answer: Answer }, processes: number, isOnLog: boolean): void {
    const { halted, outcome, obeyed, silent } = answer;
    const claim = (holds: boolean, what: string): void => {
      if (!holds) this.violations.push(`${name}: CHX-14: ${what}: exit ${String(code)}, ${JSON.stringify(answer)}`);
    };
    claim(code === (halted ? 0 : 1), 'the code is not as it says');
    claim(halted === (outcome === 'obeyed'), 'halted and outcome differ');
    if (halted) claim(obeyed.length === processes && silent.length === 0, `${processes} processes run`);
    if (outcome === 'idle') claim(processes === 0, 'somebody executes');
    if (outcome === 'unwritten') claim(!isOnLog, 'it is on the log');
    if (['obeyed', 'idle', 'written', 'silent'].includes(outcome)) claim(isOnLog, 'it is not on the log');
  }

  /** CHX-13. */
  async #holds(name: string, from: number): Promise<void> {
    await this.#options.clock.sleep(WATCH_MS);
    this.#noneArrives(name, 'after "halted"', from, Infinity);
    this.#after += this.#server.attempts.filter(({ at }) => at > from).length;
  }

  #noneArrives(name: string, when: string, from: number, to: number): void {
    // A request of a suspended process is rejected for its age: -1021.
    const late = this.#server.attempts.filter(({ at, code }) => at > from && at <= to && code !== '-1021');
    for (const { at, symbol } of late)
      this.violations.push(`${name}: an order of ${symbol} arrived ${at - from} ms ${when}`);
  }

  async #isOnLog(codec: RecordCodec, by: string): Promise<boolean> {
    let found = false;
    await forEachRecord({ log: this.#log, codec }, TOPICS.deskControl.name, {}, (record) => {
      found ||= record.issued_by === by;
    });
    return found;
  }

  async #recreateTopic(): Promise<void> {
    const { broker, clock } = this.#options;
    const topic = TOPICS.deskControl;
    const admin = kafkaClient({ brokers: [broker.brokers], clock, logger: SILENT_LOGGER }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic.name] });
    await admin.disconnect();
    await this.#until('the topic is made anew', async () => {
      const [drift] = await this.#log.createTopics([topic]).catch((thrown: unknown) => {
        // It is still being deleted.
        if (thrown instanceof HarvestlineError) return [];
        throw thrown;
      });
      return drift?.state === 'created';
    });
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (clock.now() > deadline)
        throw new Error(`waited in vain: ${what}: ${this.#running.map((one) => one.stderr().slice(-1500)).join('\n')}`);
      await clock.sleep(POLL_MS);
    }
  }

  #words(): readonly string[] {
    const { broker, folder } = this.#options;
    return ['--brokers', broker.brokers, '--registry', broker.registryUrl, '--data', folder];
  }
}

/** The keys of the local exchange. */
export const EXCHANGE_KEYS = { HARVESTLINE_API_KEY: TEST_KEYS.key, HARVESTLINE_API_SECRET: TEST_KEYS.secret };
