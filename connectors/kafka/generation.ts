import { protocolType } from './broker-errors.ts';

/** The group has gone on without this member. */
const EXPELLED: ReadonlySet<string | null> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

/** The group is about to share its partitions anew, or has a new coordinator. */
const REBALANCING: ReadonlySet<string | null> = new Set(['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP']);

/** One assignment of partitions: from joining the group to the next rebalance. */
export class Generation {
  readonly #disturbed = Promise.withResolvers<void>();
  #ready = false;
  #disturbance: Error | null = null;
  #lost = false;

  /** The members are about to share the partitions anew; what is in hand may still be finished and committed. */
  get disturbance(): Error | null {
    return this.#disturbance;
  }

  /** The group has gone on: what is in hand belongs to a later assignment now, perhaps another member's. */
  get lost(): boolean {
    return this.#lost;
  }

  /** `onAssigned` is done. */
  get ready(): boolean {
    return this.#ready;
  }

  disturb(error: Error): void {
    this.#disturbance ??= error;
    this.#disturbed.resolve();
  }

  lose(error: Error): void {
    this.#lost = true;
    this.disturb(error);
  }

  /** What the coordinator says with an error. A connection that broke is kafkajs's to mend. */
  heed(thrown: unknown): void {
    const type = protocolType(thrown);
    if (!(thrown instanceof Error)) return;
    if (EXPELLED.has(type)) this.lose(thrown);
    else if (REBALANCING.has(type)) this.disturb(thrown);
  }

  markReady(): void {
    this.#ready = true;
  }

  /** Waits until it is ready or pointless to wait: `prepared` or `ended` without it, or disturbed. True when ready. */
  async whenReady(prepared: Promise<unknown>, ended: Promise<unknown>): Promise<boolean> {
    // Once ready, no race: each would stay in memory until the next rebalance.
    if (!this.#ready) await Promise.race([prepared, ended, this.#disturbed.promise]);
    return this.#ready;
  }
}
