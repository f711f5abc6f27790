/** A subscription: memberships one after the other, as connectors/kafka/kafka-consumer.ts has them. */
import type { BatchHandler, SubscribeOptions, Subscription } from '../../../ports/event-log.ts';
import { Backoff } from '../../../ports/retry.ts';
import { isKind } from '../../../errors/harvestline-error.ts';
import { LONGEST_WAIT_MS } from './appender.ts';
import { away } from './log-requests.ts';
import { type MemberContext, SimulatedMember } from './member.ts';

export class SimulatedSubscription implements Subscription {
  readonly done: Promise<void>;
  readonly #context: MemberContext;
  readonly #options: SubscribeOptions;
  readonly #handler: BatchHandler;
  readonly #stopping = new AbortController();
  readonly #onStopped: () => void;
  #member: SimulatedMember | null = null;

  constructor(context: MemberContext, options: SubscribeOptions, handler: BatchHandler, onStopped: () => void) {
    this.#context = context;
    this.#options = options;
    this.#handler = handler;
    this.#onStopped = onStopped;
    this.done = this.#run();
    // The owner learns of a failure from `done`.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#member?.stop();
    await this.done.catch(() => {});
    this.#onStopped();
  }

  async #run(): Promise<void> {
    const { clock } = this.#context.requests.host;
    const { signal } = this.#stopping;
    const backoff = new Backoff({ clock, signal, longestMs: LONGEST_WAIT_MS, onWait: () => {} });
    while (!signal.aborted) {
      const member = new SimulatedMember(this.#context, this.#options, this.#handler);
      this.#member = member;
      const end = await member.run();
      if (end.kind === 'stopped') return;
      if (end.kind === 'failed') throw end.error;
      this.#options.onDropped?.();
      if (member.hasJoined) backoff.reset();
      await backoff.wait(isKind(end.error, 'transient') ? end.error : away('consuming'));
    }
  }
}
