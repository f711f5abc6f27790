/** What can go wrong with streams on purpose. */
export const STREAM_FAULTS = [
  /** Connections stay open and say nothing, not even when they are asked. */
  'stream-silent',
  /** Whoever connects is turned away with 503. */
  'stream-refused',
  'events-lost',
  'events-duplicated',
  /** An event comes after the one that follows it. */
  'events-out-of-order',
] as const;

export type StreamFault = (typeof STREAM_FAULTS)[number];

/** The account's events, the mark prices, or both. */
export type StreamKind = 'account' | 'marks';

export interface StreamFaultSpec {
  readonly fault: StreamFault;
  /** Both where left out. */
  readonly of?: StreamKind;
  /** How many events it befalls; Infinity: all until it is removed. */
  readonly times: number;
}

interface Standing extends StreamFaultSpec {
  readonly id: number;
  left: number;
}

/** The faults of streams that stand. */
export class StreamFaults {
  #standing: Standing[] = [];
  readonly #held = new Map<StreamKind, () => void>();
  readonly #nextId: () => number;

  constructor(nextId: () => number) {
    this.#nextId = nextId;
  }

  /** Its id. */
  add(spec: StreamFaultSpec): number {
    const id = this.#nextId();
    this.#standing.push({ ...spec, id, left: spec.times });
    return id;
  }

  remove(id: number): boolean {
    const before = this.#standing.length;
    this.#standing = this.#standing.filter((one) => one.id !== id);
    return this.#standing.length < before;
  }

  clear(): void {
    this.#standing = [];
    this.#held.clear();
  }

  list(): readonly (StreamFaultSpec & { readonly id: number; readonly left: number })[] {
    return this.#standing;
  }

  /** Whether such a stream is silent, or refused. */
  stands(fault: 'stream-silent' | 'stream-refused', kind: StreamKind): boolean {
    return this.#standing.some((one) => one.fault === fault && isMeant(one, kind));
  }

  /** Sends an event as often, and when, the faults have it. */
  deliver(kind: StreamKind, send: () => void): void {
    if (this.stands('stream-silent', kind)) return;
    if (this.#take('events-lost', kind)) return;
    const isHeld = this.#take('events-out-of-order', kind);
    const earlier = this.#held.get(kind);
    this.#held.delete(kind);
    if (isHeld) this.#held.set(kind, send);
    else send();
    if (this.#take('events-duplicated', kind)) send();
    earlier?.();
  }

  #take(fault: StreamFault, kind: StreamKind): boolean {
    const found = this.#standing.find((one) => one.fault === fault && isMeant(one, kind));
    if (found === undefined) return false;
    found.left -= 1;
    if (found.left <= 0) this.remove(found.id);
    return true;
  }
}

function isMeant({ of }: StreamFaultSpec, kind: StreamKind): boolean {
  return of === undefined || of === kind;
}
