import type { Clock } from '../../ports/clock.ts';
import type { RandomStream } from '../../ports/random.ts';
import { type RunningProgram, startProgram } from '../cli/program.ts';

interface Member {
  readonly name: string;
  readonly program: RunningProgram;
  /** What it was told to do. An end that it was not told is a violation. */
  told: 'work' | 'die' | 'leave';
}

/** The number of staying members, so that one is left when the other is killed. */
const STAYING = 2;

/** How often readiness of a guest is checked. Unit: milliseconds. */
const POLL_MS = 200;

/** After that time a guest leaves even if it is not ready. Longer than a group waits for a killed member, and than an outage of the registry. Unit: milliseconds. */
const READY_BOUND_MS = 60_000;

/** How much of the end of a member's output a violation quotes. Unit: characters. */
const LAST_WORDS = 2000;

/**
 * The processes that run the chain: two that stay, and are killed and replaced, and guests that join and leave. All but the killed ones have
 * to end with exit code 0.
 */
export class Fleet {
  readonly #args: readonly string[];
  readonly #clock: Clock;
  readonly #stream: RandomStream;
  readonly #say: (line: string) => void;
  readonly #violations: string[] = [];
  readonly #all: Member[] = [];
  readonly #leaving: Promise<void>[] = [];
  #staying: Member[] = [];
  #guests: Member[] = [];
  #slowestDrainMs = 0;

  /** `args` are those of `harvestline run`; `stream` chooses who is killed. */
  constructor(args: readonly string[], clock: Clock, stream: RandomStream, say: (line: string) => void) {
    this.#args = args;
    this.#clock = clock;
    this.#stream = stream;
    this.#say = say;
    for (let count = 0; count < STAYING; count++) this.#staying.push(this.#start());
  }

  /** Ends so far that were not as they should be. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  /** From SIGTERM to the end of the process, the longest so far. Unit: milliseconds. */
  get slowestDrainMs(): number {
    return this.#slowestDrainMs;
  }

  /** Processes started so far. */
  get started(): number {
    return this.#all.length;
  }

  /** Kills one of the staying members with -9 and starts another in its place. */
  killOne(): void {
    const victim = this.#staying[this.#stream.integer(0, this.#staying.length - 1)];
    if (victim === undefined) return;
    victim.told = 'die';
    victim.program.process.kill('SIGKILL');
    const next = this.#start();
    this.#staying = this.#staying.map((member) => (member === victim ? next : member));
    this.#say(`kill -9 ${victim.name}; ${next.name} starts`);
  }

  join(): void {
    const guest = this.#start();
    this.#guests.push(guest);
    this.#say(`${guest.name} joins`);
  }

  /** Ends the guest that joined first by SIGTERM, once it is ready. */
  leave(): void {
    const guest = this.#guests.shift();
    if (guest !== undefined) this.#leaving.push(this.#leaveOnceReady(guest));
  }

  /** Ends all members by SIGTERM. Resolves when every process has ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#leaving);
    await Promise.all([...this.#staying, ...this.#guests].map((member) => this.#terminate(member)));
    await Promise.all(this.#all.map(({ program }) => program.ended));
  }

  /** Kills all members that are left. */
  async abandon(): Promise<void> {
    for (const member of this.#all) {
      if (member.program.process.exitCode === null) member.told = 'die';
      member.program.process.kill('SIGKILL');
    }
    await Promise.all(this.#all.map(({ program }) => program.ended));
  }

  #start(): Member {
    const program = startProgram(this.#args);
    const member: Member = { name: `member ${this.#all.length + 1}`, program, told: 'work' };
    this.#all.push(member);
    void program.ended.then((end) => this.#heed(member, end));
    return member;
  }

  #heed({ name, program, told }: Member, end: number | NodeJS.Signals | null): void {
    if (told === 'die' || (told === 'leave' && end === 0)) return;
    const asked = told === 'leave' ? 'at SIGTERM' : 'although nobody asked it to';
    this.#violations.push(`${name} ended with ${end} ${asked}: …${program.stderr().slice(-LAST_WORDS)}`);
  }

  async #leaveOnceReady(guest: Member): Promise<void> {
    const deadline = this.#clock.now() + READY_BOUND_MS;
    while (!(await isReady(guest)) && this.#clock.now() < deadline) await this.#clock.sleep(POLL_MS);
    this.#say(`${guest.name} leaves`);
    await this.#terminate(guest);
  }

  async #terminate(member: Member): Promise<void> {
    if (member.told === 'work') member.told = 'leave';
    const told = this.#clock.now();
    member.program.process.kill('SIGTERM');
    await member.program.ended;
    this.#slowestDrainMs = Math.max(this.#slowestDrainMs, this.#clock.now() - told);
  }
}

/** True where the /ready of a `run` answers 200. */
export async function isReady({ program }: { readonly program: RunningProgram }): Promise<boolean> {
  const [line = '', ...rest] = program.stdout().split('\n');
  if (rest.length === 0) return false;
  const { http } = JSON.parse(line) as { readonly http: string };
  try {
    return (await fetch(`${http}/ready`)).ok;
  } catch {
    return false;
  }
}
