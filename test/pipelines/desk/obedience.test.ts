import { describe, expect, it } from 'vitest';
import { Claims } from '../../../pipelines/desk/claims.ts';
import { LISTEN_MS, type GivenCommand, obedience } from '../../../pipelines/desk/obedience.ts';
import { GONE_MS } from '../../../pipelines/desk/presence.ts';
import type { DeskProcess } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const NOW = 1_770_000_000_000;
const HALT: GivenCommand = { scope: 'desk', command: 'HALT', issued_at: NOW - 100 };
const LIVE = { part: 'EXECUTION', account: 'main', venue: 'binanceusdm', mode: 'LIVE' } as const;
const PAPER = { part: 'EXECUTION', account: '*', venue: 'paper', mode: 'PAPER' } as const;

function aProcess(process: string, traits: Partial<DeskProcess> = {}): DeskProcess {
  return {
    ...GOOD_RECORDS[TOPICS.deskProcess.name],
    ...LIVE,
    process,
    state: 'WORKING',
    seen_at: NOW,
    obeys: [],
    ...traits,
  };
}

function obeying(given: GivenCommand, command: 'HALT' | 'RESUME' | 'UNKNOWN' = given.command) {
  return [{ scope: given.scope, command, issued_at: given.issued_at }];
}

function told(
  processes: readonly DeskProcess[],
  { given = HALT, claims = new Claims(), heard = [] as readonly string[], forMs = LISTEN_MS } = {},
) {
  const found = obedience(processes, claims, given, { processes: new Set(heard), forMs }, NOW);
  const names = (some: readonly DeskProcess[]): string => some.map(({ process }) => process).join(',');
  return [names(found.obeyed), names(found.silent), names(found.gone), found.settled];
}

describe('who obeys', () => {
  it('O1: every process that executes and has not ended; sources of snapshots send nothing', () => {
    const source = aProcess('source', { part: 'SNAPSHOTS' });
    const all = [aProcess('yes', { obeys: obeying(HALT) }), aProcess('no'), source];
    expect(told(all)).toEqual(['yes', 'no', '', false]);
    expect(told([source])).toEqual(['', '', '', true]);
  });

  it('O1: one that fell silent is gone', () => {
    expect(told([aProcess('dead', { seen_at: NOW - GONE_MS - 1 })])).toEqual(['', '', 'dead', true]);
    expect(told([aProcess('slow', { seen_at: NOW - GONE_MS })])).toEqual(['', 'slow', '', false]);
  });

  it('O2: not before it was listened for, since its clock may be behind', () => {
    const behind = aProcess('behind', { seen_at: NOW - 60_000 });
    expect(told([behind], { forMs: LISTEN_MS - 1 })).toEqual(['', '', 'behind', false]);
    expect(told([behind], { heard: ['behind'] })).toEqual(['', 'behind', '', false]);
    // Killed long ago: nobody waits for it.
    expect(told([aProcess('old', { seen_at: NOW - 7_200_000 })], { forMs: 0 })).toEqual(['', '', 'old', true]);
  });

  it('O3: of this command or a later one; a switch that it cannot know stops it as well', () => {
    const as = (command: 'HALT' | 'RESUME' | 'UNKNOWN', later: number) =>
      aProcess(`${command}${later}`, { obeys: obeying({ ...HALT, issued_at: HALT.issued_at + later }, command) });
    expect(told([as('HALT', 0), as('HALT', 1), as('UNKNOWN', 0), as('HALT', -1), as('RESUME', 1)])).toEqual([
      'HALT0,HALT1,UNKNOWN0',
      'HALT-1,RESUME1',
      '',
      false,
    ]);
    const resume = { ...HALT, command: 'RESUME' } as const;
    expect(told([as('HALT', 0), as('UNKNOWN', 1), as('RESUME', 0)], { given: resume })).toEqual([
      'RESUME0',
      'HALT0,UNKNOWN1',
      '',
      false,
    ]);
  });

  it('of one account: its own processes, and that of every other account unless another works it', () => {
    const given = { ...HALT, scope: 'main' };
    const all = [aProcess('own'), aProcess('foreign', { account: 'other' }), aProcess('paper', PAPER)];
    expect(told(all, { given })).toEqual(['', 'own,paper', '', false]);
    const claims = new Claims();
    claims.apply({ ...GOOD_RECORDS[TOPICS.deskClaim.name], ...LIVE, state: 'CLAIMED', replaces: [] });
    expect(told(all, { given, claims })).toEqual(['', 'own', '', false]);
  });
});
