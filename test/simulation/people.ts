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
  #resumes = 0;
  #came = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#calibrations = new TopicWriter(TOPICS.confidenceCalibration.writer, options.codec);
  }

  /** Halts the desk or its account, and resumes it once `forMs` have passed. */
  async halt({ forMs, much }: Fault): Promise<void> {
    const { kernel, sitDown } = this.#options;
    const host = sitDown(`person-${++this.#came}`);
    const scope = much < 0.5 ? WHOLE_DESK : MAIN_ACCOUNT;
    const resumes = this.#resumes;
    const given = await this.#give(host, 'HALT', scope);
    if (given.outcome === 'obeyed' && this.#resumes === resumes) {
      kernel.tell(host.name, 'knows that the halt is obeyed');
      this.halted.push({ from: kernel.now, until: null });
    }
    await host.clock.sleep(forMs);
    for (;;) {
      this.#resumes += 1;
      for (const halted of this.halted) halted.until ??= kernel.now;
      const { outcome } = await this.#give(host, 'RESUME', scope);
      if (outcome === 'obeyed' || outcome === 'idle') return host.end();
      await host.clock.sleep(AGAIN_MS);
    }
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
    const person = { by: 'desk', reason: 'simulated', process: `person-${++this.#came}` };
    kernel.tell(person.process, `retires ${MAIN_ACCOUNT}`);
    this.retiredAt.push(kernel.now);
    const writer = new TopicWriter(TOPICS.deskClaim.writer, codec);
    append(writer.encode(TOPICS.deskClaim, retirement(account, person, kernel.now), kernel.now));
  }

  /** Approves a new confidence map, or rolls the one in force back. */
  calibrate({ much }: Fault): void {
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
      decided_by: 'quant',
      reason: 'simulated',
      restores: back ? before : null,
      parent: back ? before : inForce,
      map: { x: [0.1, 0.9], y: [0.1 + much / 10, 0.6 + much / 10] },
    });
    kernel.tell('quant', `${record.status} ${version}`);
    append(this.#calibrations.encode(TOPICS.confidenceCalibration, record, now));
  }

  async #give(host: Host, command: 'HALT' | 'RESUME', scope: string): Promise<CommandResult> {
    const { kernel, open } = this.#options;
    kernel.tell(host.name, `${command} ${scope}`);
    const log = { open: () => Promise.resolve(open(host)), isDevWorking: () => false };
    const limit = new TimeLimit(host.clock, PATIENCE_S, 'the log', () => {});
    const given = await giveCommand(log, { scope, command, by: host.name, reason: 'simulated' }, limit, host.clock);
    kernel.tell(host.name, `${command} ${scope}: ${given.outcome}`);
    return given;
  }
}
