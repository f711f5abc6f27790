import type { BatchHandler, Subscription } from '../../ports/event-log.ts';
import { BackOff } from './back-off.ts';
import { logError } from './broker-errors.ts';
import { type GroupLog, GroupMember, type MemberOptions } from './group-member.ts';
import { kafkaClient } from './kafka-client.ts';
import type { KafkaLogOptions } from './kafka-log.ts';

/**
 * A subscription on Kafka: one membership after the other, each with a kafkajs consumer of its own. A broker that goes away
 * ends a membership; after a back-off the next one begins, for as long as it takes. Any other end is final.
 */
export class KafkaConsumer implements Subscription {
  readonly done: Promise<void>;
  readonly #log: GroupLog;
  readonly #logOptions: KafkaLogOptions;
  readonly #options: MemberOptions;
  readonly #handler: BatchHandler;
  readonly #stopping = new AbortController();
  readonly #onStopped: () => void;
  /** Topics that it has read, whatever memberships came between. */
  readonly #known = new Set<string>();
  #member: GroupMember | null = null;

  constructor(
    log: GroupLog,
    logOptions: KafkaLogOptions,
    options: MemberOptions,
    handler: BatchHandler,
    onStopped: () => void,
  ) {
    this.#log = log;
    this.#logOptions = logOptions;
    this.#options = options;
    this.#handler = handler;
    this.#onStopped = onStopped;
    this.done = this.#run();
    // The owner learns of a failure from `done`; without this the process would die of an unhandled rejection first.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#member?.stop();
    await this.done.catch(() => {});
    this.#onStopped();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#logOptions;
    const { signal } = this.#stopping;
    const backOff = new BackOff();
    while (!signal.aborted) {
      const context = { log: this.#log, clock, logger, known: this.#known };
      const member = new GroupMember(kafkaClient(this.#logOptions), this.#options, this.#handler, context);
      this.#member = member;
      const end = await member.run();
      if (end.kind === 'stopped') return;
      if (end.kind === 'failed') throw end.error;
      this.#options.onDropped?.();
      if (member.hasJoined) backOff.reset();
      const error = logError(end.error, 'consuming');
      await backOff.wait(clock, logger, error, { group: this.#options.group }, signal);
    }
  }
}
