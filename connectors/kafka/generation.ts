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
