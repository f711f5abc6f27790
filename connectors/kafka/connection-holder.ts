/** Something that is opened at its first use, and opened anew at the next one after it was dropped. */
export class ConnectionHolder<T extends { disconnect(): Promise<void> }> {
  readonly #open: () => Promise<T>;
  #opened: Promise<T> | null = null;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  get(): Promise<T> {
    if (this.#opened === null) {
      const opening = this.#open();
      this.#opened = opening;
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = null;
      });
    }
    return this.#opened;
  }

  /** Closes it, whatever state it is in. */
  async drop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    const connection = await opened?.catch(() => undefined);
    // It may be dropped because the other side is gone: nothing depends on a clean good-bye.
    await connection?.disconnect().catch(() => {});
  }
}
