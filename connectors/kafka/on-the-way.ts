/**
 * By partition, the batch that was worked last, until its outputs are acknowledged. The next fetch may begin meanwhile.
 *
 * OW1  What follows in a partition, be it a batch or an offset to be committed, follows only once that has ended.
 */
export class OnTheWay {
  readonly #last = new Map<string, Promise<unknown>>();

  async ended(topic: string, partition: number): Promise<void> {
    await this.#last.get(`${topic}/${partition}`);
  }

  /** `acknowledged` never rejects. */
  add(topic: string, partition: number, acknowledged: Promise<boolean>): void {
    this.#last.set(`${topic}/${partition}`, acknowledged);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
