/** Runs many seeds in several processes, a few at a time in each, and adds up what they found. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FaultKind } from './faults.ts';
import type { PlanSize } from './plan.ts';
import type { Violation } from './world.ts';

/** What a job is asked. */
export interface SeedTask {
  readonly seed: number;
  readonly size: PlanSize;
  /** Run it twice, and compare the hashes. */
  readonly twice: boolean;
}

/** What a job answers, a plain object. */
export interface SeedAnswer {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  readonly positionDays: number;
  readonly orders: number;
  readonly planned: number;
  readonly struck: number;
  readonly hits: readonly (readonly [FaultKind, number])[];
  readonly violations: readonly Violation[];
}

/** One seed in so many runs twice. */
const TWICE_EVERY = 100;

export interface SeedsOptions {
  readonly from: number;
  readonly to: number;
  readonly size: PlanSize;
  readonly jobs: number;
  /** Asked before each seed: whether to go on. */
  readonly goesOn: () => boolean;
  readonly onAnswer: (answer: SeedAnswer) => void;
}

/** What an event makes is garbage once the next one runs. Unit: megabytes. */
const YOUNG_MB = 64;

const JOB = fileURLToPath(new URL('job.ts', import.meta.url));

/** Throws where a job dies. */
export async function runSeeds({ from, to, size, jobs, goesOn, onAnswer }: SeedsOptions): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    const job = fork(JOB, {
      execArgv: [`--max-semi-space-size=${YOUNG_MB}`],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const died = once(job, 'exit').then(([code, signal]): never => {
      throw new Error(`a job of the simulation ended with ${code ?? signal}`);
    });
    died.catch(() => {});
    try {
      while (next <= to && goesOn()) {
        const seed = next++;
        const answer = await Promise.race([ask(job, { seed, size, twice: seed % TWICE_EVERY === 0 }), died]);
        onAnswer(answer);
      }
    } finally {
      job.kill();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

async function ask(job: ChildProcess, task: SeedTask): Promise<SeedAnswer> {
  job.send(task);
  const [answer] = (await once(job, 'message')) as [SeedAnswer];
  return answer;
}
