/**
 * A desk with everything around it, and the run of one plan: an exchange, a log, models, people, and processes that are started again
 * whenever they end. Faults come as the plan says; then everything heals, and what has to be true is checked from outside (invariants.ts).
 */
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import type { Random } from '../../ports/random.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';
import { SimulatedVenue } from './exchange/simulated-venue.ts';
import { SimulatedStream } from './exchange/simulated-stream.ts';
import { VenueAccount } from './exchange/venue-account.ts';
import { FaultBoard, type FaultKind } from './faults.ts';
import { Host } from './host.ts';
import { Kernel, type TraceLine } from './kernel.ts';
import { SimulatedBroker } from './log/simulated-broker.ts';
import { SimulatedLog } from './log/simulated-log.ts';
import { SimulatedRegistry } from './log/simulated-registry.ts';
import { MessageTarget } from './message-target.ts';
import { People } from './people.ts';
import { HEAL_MS, type Plan, symbolsOf } from './plan.ts';
import { Models, SIGNAL_EVERY_MS } from './producers.ts';
import { rolesOf } from './roles.ts';
import { Supervisor } from './supervisor.ts';

/** Of every world. 2026-01-05T00:00:00Z, a Monday. */
export const WORLD_START: EpochMillis = 1_767_571_200_000;

/** What has to be true, and was not. */
export interface Violation {
  /** The name of the invariant (invariants.ts). */
  readonly invariant: string;
  readonly detail: string;
}

export interface RunResult {
  readonly plan: Plan;
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  readonly orders: number;
  /** Faults that struck at least once. */
  readonly struck: number;
  /** How often each kind struck. */
  readonly hits: ReadonlyMap<FaultKind, number>;
  readonly positionDays: number;
  readonly starts: number;
  readonly violations: readonly Violation[];
}
