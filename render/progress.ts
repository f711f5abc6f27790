import { count } from './figures.ts';
import { replaceLine } from './terminal.ts';
import type { OutputStream } from './output.ts';

/** The time, in epoch milliseconds. */
interface Clock {
  now(): number;
}

/** Shown anew at most this often: faster cannot be read. Unit: milliseconds. */
const FRAME_MS = 100;

/** Wide enough to see progress, narrow enough for 80 columns with label and figures. Unit: columns. */
const BAR_WIDTH = 24;

/**
 * A progress line on a terminal: label, bar and share where the total is known, count and rate. Nothing in a pipe. The line is wiped at
 * the end.
 */
export class Progress {
  readonly #label: string;
  #total: number | null;
  readonly #stream: OutputStream;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #shownAt = -Infinity;
  #done = 0;

  /** `total` null: unknown. */
  constructor(label: string, total: number | null, stream: OutputStream, clock: Clock) {
    this.#label = label;
    this.#total = total;
    this.#stream = stream;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#show(this.#startedAt);
  }

  /** The total has become known. */
  expect(total: number): void {
    this.#total = total;
  }

  add(more: number): void {
    this.#done += more;
    if (this.#stream.isTTY !== true) return;
    const now = this.#clock.now();
    if (now - this.#shownAt >= FRAME_MS) this.#show(now);
  }

  /** Wipes the line. */
  done(): void {
    if (this.#stream.isTTY === true) replaceLine(this.#stream, '');
  }

  #show(now: number): void {
    this.#shownAt = now;
    if (this.#stream.isTTY !== true) return;
    replaceLine(this.#stream, this.#text(now));
  }

  #text(now: number): string {
    if (this.#done === 0) return this.#label;
    const seconds = Math.max(now - this.#startedAt, 1) / 1000;
    const figures = `${count(this.#done)} at ${count(Math.round(this.#done / seconds))}/s`;
    if (this.#total === null || this.#total === 0) return `${this.#label}  ${figures}`;
    const share = Math.min(1, this.#done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    return `${this.#label}  ${bar} ${String(Math.floor(100 * share)).padStart(3)} %  ${figures}`;
  }
}

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
