/**
 * People who slip: commands with wrong arguments, or at the wrong moment. Each is given by the program's own commands, as people.ts gives
 * them: most are refused, and the others do no harm.
 */
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import { approval, readVersions, rejection, rollback } from '../../pipelines/calibration/decisions.ts';
import { claimedAccount } from '../../pipelines/desk/claim-book.ts';
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import { WHOLE_DESK } from '../../pipelines/desk/kill-switch.ts';
import type { LogSession } from '../../pipelines/runtime/log-session.ts';
import type { ReadableTopics } from '../../pipelines/runtime/topic-cursor.ts';
import type { CalibrationVersions } from '../../pipelines/scoring/confidence-map.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Fault } from './faults.ts';
import type { Host } from './host.ts';
import type { People } from './people.ts';

/** Of an account that nobody works, and of a version that nobody has proposed. */
const MISSPELT = 'mian';
const NO_VERSION = 'cal-ffffffffffffffff';

/** How long a halt stands that was given twice, or that somebody tried to lift by another scope. Unit: milliseconds. */
const HALTED_MS = 90_000;

/** What became of a command that has to be refused. */
export interface RefusedSlip {
  /** Named by no record: nothing was written for them. */
  readonly who: string;
  readonly what: SlipName;
  /** The code of the refusal; null: it was not refused. */
  readonly code: string | null;
  readonly expected: readonly string[];
}

interface Slip {
  /** The codes by which it is refused; none where it may be obeyed, and does no harm. */
  readonly refusedAs: readonly string[];
  readonly commit: (desk: Desk) => Promise<unknown>;
}

/** What somebody who slips has before them. */
interface Desk {
  readonly people: People;
  readonly host: Host;
  readonly much: number;
  readonly read: <T>(work: (topics: ReadableTopics) => Promise<T>) => Promise<T>;
}

const REFUSED_DECISION = ['DECISION_REFUSED', 'VERSION_UNKNOWN'] as const;

const SLIPS = {
  halts_an_unknown_account: {
    refusedAs: ['USAGE'],
    commit: ({ people, host }) => people.give(host, 'HALT', MISSPELT),
  },
  resumes_an_unknown_account: {
    refusedAs: ['USAGE'],
    commit: ({ people, host }) => people.give(host, 'RESUME', MISSPELT),
  },
  resumes_what_is_not_halted: {
    refusedAs: [],
    commit: ({ people, host, much }) => people.give(host, 'RESUME', much < 0.5 ? WHOLE_DESK : MAIN_ACCOUNT),
  },
  halts_twice: {
    refusedAs: [],
    async commit({ people, host }) {
      await people.give(host, 'HALT', WHOLE_DESK);
      await people.give(host, 'HALT', WHOLE_DESK);
      await host.clock.sleep(HALTED_MS);
      await people.resume(host, WHOLE_DESK);
    },
  },
  resumes_the_account_of_a_halted_desk: {
    refusedAs: [],
    async commit({ people, host }) {
      await people.give(host, 'HALT', WHOLE_DESK);
      await people.give(host, 'RESUME', MAIN_ACCOUNT);
      await host.clock.sleep(HALTED_MS);
      await people.resume(host, WHOLE_DESK);
    },
  },
  approves_an_unknown_version: {
    refusedAs: ['VERSION_UNKNOWN'],
    commit: (desk) => decide(desk, (versions, by) => approval(versions, NO_VERSION, by, true)),
  },
  approves_again: {
    refusedAs: REFUSED_DECISION,
    commit: (desk) => decide(desk, (versions, by) => approval(versions, inForceIn(versions), by, true)),
  },
  approves_at_the_same_moment: {
    refusedAs: [],
    commit: ({ people, host, much }) =>
      Promise.resolve(people.calibrate({ much }, [host.name, `${host.name} as well`])),
  },
  rejects_what_is_in_force: {
    refusedAs: REFUSED_DECISION,
    commit: (desk) => decide(desk, (versions, by) => rejection(versions, inForceIn(versions), by)),
  },
  rolls_back_an_unknown_version: {
    refusedAs: ['VERSION_UNKNOWN'],
    commit: (desk) => decide(desk, (versions, by) => rollback(versions, NO_VERSION, by)),
  },
  rolls_back_what_is_not_in_force: {
    refusedAs: REFUSED_DECISION,
    commit: (desk) => decide(desk, (versions, by) => rollback(versions, notInForceIn(versions), by)),
  },
  retires_an_unknown_account: {
    refusedAs: ['ACCOUNT_UNKNOWN'],
    commit: ({ read, host }) => read((topics) => claimedAccount(topics, MISSPELT, host.clock)),
  },
} as const satisfies Readonly<Record<string, Slip>>;

export type SlipName = keyof typeof SLIPS;

export const SLIP_NAMES = Object.keys(SLIPS) as readonly SlipName[];

export class Slips {
  readonly refused: RefusedSlip[] = [];
  readonly #people: People;
  readonly #open: (host: Host) => LogSession;

  constructor(people: People, open: (host: Host) => LogSession) {
    this.#people = people;
    this.#open = open;
  }

  /** The slip that the fault draws. */
  async slip({ much }: Pick<Fault, 'much'>): Promise<void> {
    const share = much * SLIP_NAMES.length;
    const name = SLIP_NAMES[Math.floor(share)];
    if (name !== undefined) await this.commit(name, share % 1);
  }

  async commit(what: SlipName, much: number): Promise<void> {
    const host = this.#people.sitDown('slipper');
    const { refusedAs, commit }: Slip = SLIPS[what];
    host.kernel.tell(host.name, `slips: ${what.replaceAll('_', ' ')}`);
    const read = async <T>(work: (topics: ReadableTopics) => Promise<T>): Promise<T> => {
      const session = this.#open(host);
      try {
        return await work({ log: session.log, codec: await session.openCodec() });
      } finally {
        await session.close();
      }
    };
    let code: string | null = null;
    try {
      await commit({ people: this.#people, host, much, read });
    } catch (thrown) {
      // Nobody was there to refuse it: the person gives up.
      if (isKind(thrown, 'transient')) return host.end();
      if (!(thrown instanceof HarvestlineError) || refusedAs.length === 0) throw thrown;
      ({ code } = thrown);
    }
    host.kernel.tell(host.name, code === null ? 'has slipped' : `is refused: ${code}`);
    if (refusedAs.length > 0) this.refused.push({ who: host.name, what, code, expected: refusedAs });
    host.end();
  }
}

type Decide = (versions: CalibrationVersions, decider: Parameters<typeof rejection>[2]) => ConfidenceCalibration;

/** Writes the record of a decision on what the topic says now. */
function decide({ read, host }: Desk, make: Decide): Promise<void> {
  const decider = { by: host.name, reason: 'simulated', at: host.clock.now() };
  return read(async (topics) => {
    const record = make(await readVersions(topics), decider);
    const writer = new TopicWriter(TOPICS.confidenceCalibration.writer, topics.codec);
    await topics.log.append([writer.encode(TOPICS.confidenceCalibration, record, decider.at)]);
  });
}

function inForceIn(versions: CalibrationVersions): string {
  return versions.allInForce()[0]?.version ?? NO_VERSION;
}

function notInForceIn(versions: CalibrationVersions): string {
  const inForce = inForceIn(versions);
  return versions.all().find(({ version }) => version !== inForce)?.version ?? NO_VERSION;
}
