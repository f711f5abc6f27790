import { FAULT_NAMES, type Fault } from '../../../packages/fake-binance/faults.ts';

/** How often an order meets some fault. */
const OFTEN = 0.25;

/** Everything that can go wrong, each as likely as the others; nobody can answer for a few. */
export const ALL_FAULTS: Readonly<Partial<Record<Fault, number>>> = Object.fromEntries(
  FAULT_NAMES.map((fault) => [fault, OFTEN / FAULT_NAMES.length]),
);
