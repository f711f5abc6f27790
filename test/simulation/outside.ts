/**
 * Takes the real world away while a simulation runs: whatever reads the machine's clock, its randomness, sets a timer or opens a connection
 * throws, so that nothing of it can decide a run unseen.
 */
import { Socket } from 'node:net';

/** What is taken away, and where it stands. */
const TAKEN: readonly (readonly [owner: object, name: string])[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'fetch'],
  [Date, 'now'],
  [Math, 'random'],
  [Socket.prototype, 'connect'],
];

export async function withoutOutside<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  // Errors are answers here, by the hundred thousand, and nobody reads where they were made.
  Error.stackTraceLimit = 0;
  const before = TAKEN.map(([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const);
  for (const [owner, name] of TAKEN) {
    const value = (): never => {
      throw new TypeError(`${name} is of the real world, and a simulation runs`);
    };
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    for (const [owner, name, descriptor] of before) {
      if (descriptor !== undefined) Object.defineProperty(owner, name, descriptor);
    }
  }
}
