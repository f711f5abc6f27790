import { describe, expect, it } from 'vitest';
import { Claims } from '../../../pipelines/desk/claims.ts';
import { WAIT_MS, type GivenCommand, obedience } from '../../../pipelines/desk/obedience.ts';
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

function judged(
  processes: readonly DeskProcess[],
  { given = HALT, claims = new Claims(), received = [] as readonly string[], forMs = WAIT_MS } = {},
) {
  const found = obedience(processes, claims, given, { processes: new Set(received), forMs }, NOW);
  const names = (some: readonly DeskProcess[]): string => some.map(({ process }) => process).join(',');
  return [names(found.obeyed), names(found.silent), names(found.gone), found.settled];
}

describe('who obeys', () => {
  it('DSK-25: every process that executes and has not ended; sources of snapshots send nothing', () => {
    const source = aProcess('source', { part: 'SNAPSHOTS' });
    const all = [aProcess('yes', { obeys: obeying(HALT) }), aProcess('no'), source];
    expect(judged(all)).toEqual(['yes', 'no', '', false]);
    expect(judged([source])).toEqual(['', '', '', true]);
  });

  it('DSK-25: one without a record for too long is gone', () => {
    expect(judged([aProcess('dead', { seen_at: NOW - GONE_MS - 1 })])).toEqual(['', '', 'dead', true]);
    expect(judged([aProcess('slow', { seen_at: NOW - GONE_MS })])).toEqual(['', 'slow', '', false]);
  });

  it('DSK-26: not before its next heartbeat was waited for, since its clock may be slow', () => {
    const behind = aProcess('behind', { seen_at: NOW - 60_000 });
    expect(judged([behind], { forMs: WAIT_MS - 1 })).toEqual(['', '', 'behind', false]);
    expect(judged([behind], { received: ['behind'] })).toEqual(['', 'behind', '', false]);
    // Killed long ago: nobody waits for it.
    expect(judged([aProcess('old', { seen_at: NOW - 7_200_000 })], { forMs: 0 })).toEqual(['', '', 'old', true]);
  });

  it('DSK-27: of this command or a later one; a switch that it cannot know stops it as well', () => {
    const as = (command: 'HALT' | 'RESUME' | 'UNKNOWN', later: number) =>
      aProcess(`${command}${later}`, { obeys: obeying({ ...HALT, issued_at: HALT.issued_at + later }, command) });
    expect(judged([as('HALT', 0), as('HALT', 1), as('UNKNOWN', 0), as('HALT', -1), as('RESUME', 1)])).toEqual([
      'HALT0,HALT1,UNKNOWN0',
      'HALT-1,RESUME1',
      '',
      false,
    ]);
    const resume = { ...HALT, command: 'RESUME' } as const;
    expect(judged([as('HALT', 0), as('UNKNOWN', 1), as('RESUME', 0)], { given: resume })).toEqual([
      'RESUME0',
      'HALT0,UNKNOWN1',
      '',
      false,
    ]);
  });

  it('of one account: its own processes, and that of every other account unless another works it', () => {
    const given = { ...HALT, scope: 'main' };
    const all = [aProcess('own'), aProcess('foreign', { account: 'other' }), aProcess('paper', PAPER)];
    expect(judged(all, { given })).toEqual(['', 'own,paper', '', false]);
    const claims = new Claims();
    claims.apply({ ...GOOD_RECORDS[TOPICS.deskClaim.name], ...LIVE, state: 'CLAIMED', replaces: [] });
    expect(judged(all, { given, claims })).toEqual(['', 'own', '', false]);
  });
});
