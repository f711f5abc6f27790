/** A part that is no consumer: it works until `signal` aborts, or until it has nothing more to do. */
export interface Source {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}
