import { Claims, EVERY_OTHER_ACCOUNT } from './claims.ts';
import { DEV_PROCESS, Processes } from './processes.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { DeskProcess } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch, visitTopic } from '../runtime/read-topic.ts';

const TOPIC = TOPICS.deskProcess.name;

/** The processes that work accounts on a log, read once and then listened to. */
export class WorkingProcesses {
  readonly claims = new Claims();
  /** Those of which a record came after the opening. */
  readonly heard = new Set<string>();
  readonly #topics: ReadableTopics;
  readonly #isDevWorking: () => boolean;
  readonly #processes = new Processes();
  readonly #accounts = new Set<string>();
  readonly #next = new Map<number, number>();

  private constructor(topics: ReadableTopics, isDevWorking: () => boolean) {
    this.#topics = topics;
    this.#isDevWorking = isDevWorking;
  }

  static async open(topics: ReadableTopics, isDevWorking: () => boolean): Promise<WorkingProcesses> {
    const found = new WorkingProcesses(topics, isDevWorking);
    await visitTopic(topics, TOPICS.deskClaim.name, {}, (claim) => {
      found.claims.apply(claim);
      found.#accounts.add(claim.account);
    });
    await found.readOn();
    found.heard.clear();
    return found;
  }

  /** Reads what has come since. */
  async readOn(): Promise<void> {
    const { log, codec } = this.#topics;
    const offsets = await log.offsets(TOPIC);
    const grown = offsets.filter(({ partition, begin, end }) => end > (this.#next.get(partition) ?? begin));
    if (grown.length === 0) return;
    const partitions = grown.map(({ partition }) => partition);
    for await (const batch of log.read(TOPIC, { from: this.#next, partitions })) {
      await prepareBatch(codec, TOPIC, batch);
      for (const at of batch.records) {
        const record = decodedOrNull(codec, TOPIC, at);
        if (record === null) continue;
        this.#processes.apply(record);
        this.#accounts.add(record.account);
        this.heard.add(record.process);
      }
      this.#next.set(batch.partition, batch.nextOffset);
    }
    // What compaction removed at the end of a partition is not waited for.
    for (const { partition, end } of grown) this.#next.set(partition, Math.max(end, this.#next.get(partition) ?? 0));
  }

  /** Every account that a process or a claim names. */
  accounts(): readonly string[] {
    return [...this.#accounts].filter((account) => account !== EVERY_OTHER_ACCOUNT);
  }

  /** Those that have not ended; `dev` says by its lock whether it works, since its records bear the market's time. */
  unended(now: EpochMillis): readonly DeskProcess[] {
    const others = this.#processes.unended().filter(({ process }) => process !== DEV_PROCESS);
    if (!this.#isDevWorking()) return others;
    return [...others, { ...(this.#processes.of(DEV_PROCESS) ?? DEV), seen_at: now }];
  }
}

/** `dev` before it has said anything: it speaks up when there is something to obey. */
const DEV: DeskProcess = {
  process: DEV_PROCESS,
  part: 'EXECUTION',
  account: EVERY_OTHER_ACCOUNT,
  venue: 'paper',
  mode: 'PAPER',
  state: 'WORKING',
  by: DEV_PROCESS,
  started_at: 0,
  seen_at: 0,
  obeys: [],
};
