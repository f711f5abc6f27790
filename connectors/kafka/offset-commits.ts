import type { Offsets } from 'kafkajs';

/**
 * Offsets that may be committed and are not yet. Only what was acknowledged gets in here, so a commit is never ahead (L3);
 * one that fails is tried again with the next.
 */
export class OffsetCommits {
  #pending = new Map<string, Map<number, number>>();
  #sending: Promise<unknown> = Promise.resolve();

  add(topic: string, partition: number, offset: number): void {
    let partitions = this.#pending.get(topic);
    if (partitions === undefined) this.#pending.set(topic, (partitions = new Map()));
    partitions.set(partition, offset);
  }

  /** The partitions may belong to another member now, who may be further. */
  forget(): void {
    this.#pending = new Map();
  }

  /** Commits all that is pending. One at a time, so that an older offset never comes after a newer one. */
  commit(send: (offsets: Offsets) => Promise<void>): Promise<void> {
    const sent = this.#sending.then(() => this.#send(send));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #send(send: (offsets: Offsets) => Promise<void>): Promise<void> {
    const sending = this.#pending;
    if (sending.size === 0) return;
    const sent = new Map(Array.from(sending, ([topic, partitions]) => [topic, new Map(partitions)]));
    await send({ topics: Array.from(sent, ([topic, partitions]) => ({ topic, partitions: listed(partitions) })) });
    // What was acknowledged meanwhile stays pending, and so does all when sending failed.
    for (const [topic, partitions] of sent) {
      const left = sending.get(topic);
      for (const [partition, offset] of partitions) if (left?.get(partition) === offset) left.delete(partition);
      if (left?.size === 0) sending.delete(topic);
    }
  }
}

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

function listed(partitions: ReadonlyMap<number, number>): { partition: number; offset: string }[] {
  return Array.from(partitions, ([partition, offset]) => ({ partition, offset: String(offset) }));
}
