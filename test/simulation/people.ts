/** The people of a desk: they halt it and let it go on, and put confidence maps in force. Each uses the program's own commands. */
import { retirement } from '../../pipelines/desk/claim-book.ts';
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { type CommandResult, TimeLimit, giveCommand } from '../../pipelines/desk/give-command.ts';
import { WHOLE_DESK } from '../../pipelines/desk/kill-switch.ts';
import type { LogSession } from '../../pipelines/runtime/log-session.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { EncodedRecord } from '../../schemas/topic-writer.ts';
import type { ModelId } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { proposalOf } from '../fixtures/calibration-record.ts';
import type { Fault } from './faults.ts';
import type { Host } from './host.ts';
import type { Kernel } from './kernel.ts';

/** What a person waits for a command. Unit: seconds. */
const PATIENCE_S = 10;

/** Until a command that was not obeyed is given again. Unit: milliseconds. */
const AGAIN_MS = 15_000;

/** A time in which no order may arrive: the halt was acknowledged, and nobody has resumed. */
export interface Halted {
  readonly scope: string;
  readonly from: EpochMillis;
  /** Null: it stands. */
  until: EpochMillis | null;
}

export interface PeopleOptions {
  readonly kernel: Kernel;
  readonly codec: RecordCodec;
  readonly venue: string;
  /** A machine of their own. */
  readonly sitDown: (name: string) => Host;
  readonly open: (host: Host) => LogSession;
  readonly append: (record: EncodedRecord) => void;
}

export class People {
  readonly halted: Halted[] = [];
  /** When the account was retired. */
  readonly retiredAt: EpochMillis[] = [];
  readonly #options: PeopleOptions;
  readonly #calibrations: TopicWriter;
  readonly #approved: string[] = [];
  /** By scope: how often somebody has begun to resume it. */
  readonly #resumes = new Map<string, number>();
  /** By name: how many of it have come. */
  readonly #came = new Map<string, number>();

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#calibrations = new TopicWriter(TOPICS.confidenceCalibration.writer, options.codec);
  }

  /** Halts the desk or its account, and resumes it once `forMs` have passed. */
  async halt({ forMs, much }: Fault): Promise<void> {
    const host = this.sitDown('person');
    const scope = much < 0.5 ? WHOLE_DESK : MAIN_ACCOUNT;
    await this.give(host, 'HALT', scope);
    await host.clock.sleep(forMs);
    await this.resume(host, scope);
    host.end();
  }

  /** Somebody at a machine of their own. */
  sitDown(who: string): Host {
    return this.#options.sitDown(this.#nameOf(who));
  }

  /** Gives the command until it is obeyed. */
  async resume(host: Host, scope: string): Promise<void> {
    for (;;) {
      const { outcome } = await this.give(host, 'RESUME', scope);
      if (outcome === 'obeyed' || outcome === 'idle') return;
      await host.clock.sleep(AGAIN_MS);
    }
  }

  /** Gives a command, and notes which halts stand by it. Throws what the command refuses. */
  async give(host: Host, command: 'HALT' | 'RESUME', scope: string): Promise<CommandResult> {
    const { kernel, open } = this.#options;
    kernel.tell(host.name, `${command} ${scope}`);
    const resumes = this.#resumesOf(scope);
    if (command === 'RESUME') {
      this.#resumes.set(scope, resumes + 1);
      for (const halted of this.halted) if (halted.scope === scope) halted.until ??= kernel.now;
    }
    const log = { open: () => Promise.resolve(open(host)), isDevWorking: () => false };
    const limit = new TimeLimit(host.clock, PATIENCE_S, 'the log', () => {});
    const given = await giveCommand(log, { scope, command, by: host.name, reason: 'simulated' }, limit, host.clock);
    kernel.tell(host.name, `${command} ${scope}: ${given.outcome}`);
    if (command === 'HALT' && given.outcome === 'obeyed' && this.#resumesOf(scope) === resumes) {
      kernel.tell(host.name, 'knows that the halt is obeyed');
      this.halted.push({ scope, from: kernel.now, until: null });
    }
    return given;
  }

  /** Ends the claims of the account: its processes stop, and are started again. */
  retire(): void {
    const { kernel, append, venue, codec } = this.#options;
    const account = {
      account: MAIN_ACCOUNT,
      venue,
      mode: 'demo',
      processes: [],
      since: 0,
      parts: [],
      standing: false,
    } as const;
    const person = { by: 'desk', reason: 'simulated', process: this.#nameOf('person') };
    kernel.tell(person.process, `retires ${MAIN_ACCOUNT}`);
    this.retiredAt.push(kernel.now);
    const writer = new TopicWriter(TOPICS.deskClaim.writer, codec);
    append(writer.encode(TOPICS.deskClaim, retirement(account, person, kernel.now), kernel.now));
  }

  /** Approves a new confidence map, or rolls the one in force back. Several people may do the same at the same moment. */
  calibrate({ much }: Pick<Fault, 'much'>, deciders: readonly string[] = ['quant']): void {
    const { kernel, append } = this.#options;
    const { now } = kernel;
    const inForce = this.#approved.at(-1) ?? null;
    const back = inForce !== null && much < 0.4;
    const before = this.#approved.at(-2) ?? null;
    const version = back ? inForce : `cal-${String(this.#approved.length + 1).padStart(16, '0')}`;
    if (back) this.#approved.pop();
    else this.#approved.push(version);
    const record = proposalOf(version, {
      model_id: 'ensemble-1' as ModelId,
      status: back ? 'ROLLED_BACK' : 'APPROVED',
      decided_at: now,
      reason: 'simulated',
      restores: back ? before : null,
      parent: back ? before : inForce,
      map: { x: [0.1, 0.9], y: [0.1 + much / 10, 0.6 + much / 10] },
    });
    for (const decided_by of deciders) {
      kernel.tell(decided_by, `${record.status} ${version}`);
      append(this.#calibrations.encode(TOPICS.confidenceCalibration, { ...record, decided_by }, now));
    }
  }

  #nameOf(who: string): string {
    const count = (this.#came.get(who) ?? 0) + 1;
    this.#came.set(who, count);
    return `${who}-${count}`;
  }

  #resumesOf(scope: string): number {
    return this.#resumes.get(scope) ?? 0;
  }
}
