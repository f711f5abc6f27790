import type { Clock } from '../../ports/clock.ts';
import type { OutputStream } from '../../render/output.ts';
import { Progress } from '../../render/progress.ts';

/** The steps of a long fit on standard error, the one at work last; nothing in a pipe. */
export class StepProgress {
  readonly #stream: OutputStream;
  readonly #clock: Clock;
  #current: Progress | null = null;

  constructor(stream: OutputStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  /** Begins a step whose length is not known. */
  step(label: string): void {
    this.#begin(label, null);
  }

  /** Begins a step of `total` records. Call what it returns for each. */
  counter(label: string, total: number): () => void {
    const progress = this.#begin(label, total);
    return () => progress.add(1);
  }

  done(): void {
    this.#current?.done();
    this.#current = null;
  }

  #begin(label: string, total: number | null): Progress {
    this.#current?.done();
    this.#current = new Progress(label, total, this.#stream, this.#clock);
    return this.#current;
  }
}
