/** Starts the processes of a world, and starts each again whenever it has ended, as systemd or Kubernetes would. */
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { Logger } from '../../ports/logger.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Random, RandomStream } from '../../ports/random.ts';
import type { FaultBoard } from './faults.ts';
import { Host } from './host.ts';
import type { Kernel } from './kernel.ts';
import type { Role } from './roles.ts';
import type { Spoken } from './secrets.ts';
import { type Part, type Reached, type ProcessTerms, runProcess } from './simulated-process.ts';

/** How long it takes until an ended process runs again, at the least and at the most. Unit: milliseconds. */
const RESTART_MS = [2_000, 60_000] as const;

/** Clocks of the machines of a desk are that far apart at most. Unit: milliseconds. */
const MOST_SKEW_MS = 1500;

export interface SupervisorOptions {
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  readonly random: Random;
  readonly grainMs: number;
  readonly terms: ProcessTerms;
  readonly spoken: Spoken;
  readonly reach: (host: Host) => Omit<Reached, 'logger'>;
  /** Told when a process has died, so that whoever keeps a connection with it knows. */
  readonly onGone: (host: Host) => void;
  /** Told of a process that gave up with an error of its own, which no fault should make it do. */
  readonly onGaveUp: (host: Host, thrown: unknown) => void;
}

/** A process, from its start to its end (null: it runs). */
interface Lived {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly from: EpochMillis;
  until: EpochMillis | null;
}

/** A process that runs, and how it is asked to stop. */
interface Running {
  readonly role: Role;
  readonly life: Lived;
  readonly host: Host;
  readonly drain: AbortController;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Map<string, Running>();
  /** Of every process that there ever was. */
  readonly lives: Lived[] = [];
  readonly #starts = new Map<string, number>();
  /** By role: nobody starts it before then. */
  readonly #downUntil = new Map<string, EpochMillis>();
  readonly #skews: RandomStream;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#skews = options.random.stream('skew');
  }

  /** The process of a role that runs now. */
  of(role: string): Host | null {
    return this.#running.get(role)?.host ?? null;
  }

  /** The process of that name, where it still runs. */
  named(name: string): Host | null {
    for (const { host } of this.#running.values()) if (host.name === name) return host;
    return null;
  }

  /** Asks it to stop, as SIGTERM does. */
  stop(role: string): void {
    this.#running.get(role)?.drain.abort();
  }

  /** Kills the processes that run a part, and starts none of them for so long. */
  keepDown(part: Part, forMs: number): void {
    const until = this.#options.kernel.now + forMs;
    for (const { role, host } of this.#running.values()) {
      if (!role.parts.includes(part)) continue;
      this.#downUntil.set(role.role, until);
      host.kill('and nobody starts it');
    }
  }

  start(role: Role, skewMs = this.#skews.integer(-MOST_SKEW_MS, MOST_SKEW_MS)): void {
    const { kernel, faults, random, grainMs, reach, onGone, spoken } = this.#options;
    const count = (this.#starts.get(role.role) ?? 0) + 1;
    this.#starts.set(role.role, count);
    const name = `${role.role}#${count}`;
    const draw = random.stream('process', role.role, count);
    const again = (host: Host): void => {
      const running = this.#running.get(role.role);
      if (running?.host !== host) return;
      running.life.until = kernel.now;
      this.#running.delete(role.role);
      onGone(host);
      const down = (this.#downUntil.get(role.role) ?? -Infinity) - kernel.now;
      kernel.after(Math.max(down, draw.integer(...RESTART_MS)), name, () => this.start(role, host.skewMs));
    };
    const drain = new AbortController();
    const onDeath = (host: Host, why: string): void => {
      kernel.tell(name, `is killed ${why}`);
      // Nobody is left to hear it, but Node keeps signals that follow this one until it aborts.
      drain.abort();
      again(host);
    };
    const host = new Host({ name, role: role.role, kernel, faults, random: draw, skewMs, grainMs, onDeath });
    const life = { name, parts: role.parts, from: kernel.now, until: null };
    this.lives.push(life);
    this.#running.set(role.role, { role, life, host, drain });
    kernel.tell(name, 'starts');
    const reached = { ...reach(host), logger: tellingLogger(host, spoken) };
    void this.#run(host, role, reached, drain).then(() => again(host));
  }

  /** The world ends: nothing runs any more. */
  end(): void {
    for (const { host, drain } of this.#running.values()) {
      host.end();
      drain.abort();
    }
  }

  /** Never rejects, and does not resolve for a process that has died. */
  async #run(host: Host, role: Role, reached: Reached, drain: AbortController): Promise<void> {
    const { kernel, terms, onGaveUp, spoken } = this.#options;
    try {
      await runProcess(host, role.parts, terms, reached, drain);
      if (host.isAlive) kernel.tell(host.name, 'has drained');
    } catch (thrown) {
      if (!host.isAlive) return;
      spoken.hear(host.name, 'gives up', { err: thrown });
      kernel.tell(host.name, `gives up: ${codeOf(thrown)}${messageOf(thrown)}`);
      onGaveUp(host, thrown);
    }
    host.end();
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof HarvestlineError ? `${thrown.code}: ` : '';
}

/** Warnings and errors go into the story. */
function tellingLogger(host: Host, spoken: Spoken): Logger {
  const tell = (line: string): void => {
    if (host.isAlive) host.kernel.tell(host.name, line);
  };
  return {
    debug: (fields, message) => spoken.hear(host.name, message, fields),
    info: (fields, message) => spoken.hear(host.name, message, fields),
    warn: (fields, message) => {
      spoken.hear(host.name, message, fields);
      tell(`warns: ${message}`);
    },
    error: (fields, message) => {
      spoken.hear(host.name, message, fields);
      tell(`reports: ${message}`);
    },
  };
}
