import type { Jars } from '../../../tools/kafka/jars.ts';

/** What the files of a run need to start brokers. */
export interface KafkaTools {
  /** The run's own temporary folder: every broker lives in a folder of it. */
  readonly folder: string;
  readonly java: string;
  readonly jars: Jars;
}

/** Why there is no broker; standard error has said it already. */
export interface Skipped {
  readonly skipped: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaTools | Skipped;
  }
}
