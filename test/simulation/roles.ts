/** The processes of a world, and what each asks for that it can die around. */
import type { Part } from './simulated-process.ts';

/** A process that is started again whenever it has ended. */
export interface Role {
  readonly role: string;
  readonly parts: readonly Part[];
}

const TOGETHER: readonly Role[] = [
  { role: 'source', parts: ['snapshots'] },
  { role: 'desk-1', parts: ['scoring', 'execution', 'clm'] },
  { role: 'desk-2', parts: ['scoring', 'execution', 'clm'] },
  { role: 'watch', parts: ['watch'] },
];

const APART: readonly Role[] = [
  { role: 'source', parts: ['snapshots'] },
  { role: 'scoring-1', parts: ['scoring'] },
  { role: 'scoring-2', parts: ['scoring'] },
  { role: 'execution-1', parts: ['execution'] },
  { role: 'execution-2', parts: ['execution'] },
  { role: 'clm-1', parts: ['clm'] },
  { role: 'clm-2', parts: ['clm'] },
  { role: 'watch-1', parts: ['watch'] },
  { role: 'watch-2', parts: ['watch'] },
];

export function rolesOf({ apart }: { readonly apart: boolean }): readonly Role[] {
  return apart ? APART : TOGETHER;
}

/** The requests of each part around which a process dies. */
export const PART_OPERATIONS: Readonly<Record<Part, readonly string[]>> = {
  snapshots: ['append', 'holdings', 'fills'],
  scoring: ['append', 'commit'],
  execution: ['append', 'commit', 'place', 'lookUp', 'charges'],
  clm: ['append', 'commit'],
  watch: ['append', 'send'],
};
