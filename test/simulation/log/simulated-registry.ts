/** The schema registry as one simulated process asks it. */
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { SchemaRegistry, SubjectVersion } from '../../../schemas/registry.ts';
import type { SchemaId } from '../../../schemas/wire-format.ts';
import type { FaultBoard } from '../faults.ts';
import type { Host } from '../host.ts';

/** As connectors/kafka/confluent-registry.ts has it. Unit: milliseconds. */
const TIMEOUT_MS = 10_000;

export class SimulatedRegistry implements SchemaRegistry {
  readonly #host: Host;
  readonly #registry: SchemaRegistry;
  readonly #faults: FaultBoard;

  /** `registry`: the world's own. */
  constructor(host: Host, registry: SchemaRegistry, faults: FaultBoard) {
    this.#host = host;
    this.#registry = registry;
    this.#faults = faults;
  }

  idOf(subject: string, schema: string): Promise<number | null> {
    return this.#ask('idOf', () => this.#registry.idOf(subject, schema));
  }

  schemaOf(id: SchemaId): Promise<string | null> {
    return this.#ask('schemaOf', () => this.#registry.schemaOf(id));
  }

  versions(subject: string): Promise<readonly SubjectVersion[]> {
    return this.#ask('versions', () => this.#registry.versions(subject));
  }

  register(subject: string, schema: string): Promise<number> {
    return this.#ask('register', () => this.#registry.register(subject, schema));
  }

  #ask<T>(operation: string, effect: () => Promise<T>): Promise<T> {
    const isAway = this.#host.isAlive && this.#faults.strikes('registry_away', 'registry') !== null;
    return this.#host.call({
      port: 'registry',
      operation,
      effect,
      fate: isAway ? 'lost' : 'answered',
      unanswered: () => new HarvestlineError('REGISTRY_AWAY', `${operation}: no answer from the registry`),
      timeoutMs: TIMEOUT_MS,
    });
  }
}
