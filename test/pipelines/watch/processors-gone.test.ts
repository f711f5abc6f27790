import { describe, expect, it } from 'vitest';
import { Claims } from '../../../pipelines/desk/claims.ts';
import { Processes } from '../../../pipelines/desk/presence.ts';
import { type GroupFigures, GroupProgress, lifelessAlerts } from '../../../pipelines/watch/processors-gone.ts';
import type { ClaimId, DeskClaim, DeskProcess } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const START = Date.UTC(2026, 0, 1);
const SECOND_MS = 1000;

function group(lag: number, committed: number | null, halted = false): readonly GroupFigures[] {
  return [{ group: 'scoring', lag, committed, halted }];
}

/** The seconds at which the group is missed. */
function missedAt(steps: readonly (readonly [seconds: number, figures: readonly GroupFigures[]])[]): readonly number[] {
  const progress = new GroupProgress();
  return steps
    .filter(([seconds, figures]) => progress.alerts(figures, START + seconds * SECOND_MS).length > 0)
    .map(([seconds]) => seconds);
}

describe('a consumer group', () => {
  it('is missed while records wait and it commits nothing for a minute and a half', () => {
    expect(
      missedAt([
        [0, group(0, 10)],
        [10, group(5, 10)],
        [60, group(9, 10)],
        [90, group(12, 10)],
        [100, group(20, 10)],
        [110, group(20, 11)],
        [120, group(0, 31)],
      ]),
    ).toEqual([90, 100]);
  });

  it.each([
    ['commits, however far behind it is', (second: number) => group(1000, second)],
    ['has nothing to do', () => group(0, 10)],
    ['was never seen (WAT-20)', () => group(1000, null)],
    ['is halted (WAT-21)', () => group(5, 10, true)],
  ])('that %s is not', (_what, figures) => {
    expect(missedAt([0, 100, 200, 300].map((second) => [second, figures(second)]))).toEqual([]);
  });

  it('that was missed stays so when somebody halts the desk (WAT-21)', () => {
    expect(missedAt([0, 90, 100].map((second) => [second, group(5, 10, second === 100)]))).toEqual([90, 100]);
  });
});

const CLAIM: DeskClaim = {
  ...GOOD_RECORDS[TOPICS.deskClaim.name],
  account: 'main',
  part: 'EXECUTION',
  state: 'CLAIMED',
  claim_id: 'c1' as ClaimId,
};

function process(name: string, over: Partial<DeskProcess> = {}): DeskProcess {
  const seen = { started_at: START, seen_at: START, state: 'WORKING', account: 'main', part: 'EXECUTION' } as const;
  return { ...GOOD_RECORDS[TOPICS.deskProcess.name], ...seen, process: name, ...over };
}

function lifelessAt(seconds: number, processes: readonly DeskProcess[], claims: readonly DeskClaim[] = [CLAIM]) {
  const seen = new Processes();
  for (const one of processes) seen.apply(one);
  const inForce = new Claims();
  for (const claim of claims) inForce.apply(claim);
  return lifelessAlerts(seen, inForce, START + seconds * SECOND_MS).map(({ scope, since }) => [scope, since]);
}

describe('a process that works an account', () => {
  it('is missed after a minute without a sign of life, under the name of its group', () => {
    expect(lifelessAt(60, [process('a')])).toEqual([]);
    expect(lifelessAt(61, [process('a')])).toEqual([['execution', START]]);
  });

  it('is missed once, however many of it died', () => {
    const later = process('b', { seen_at: START + 5000 });
    expect(lifelessAt(90, [process('a'), later])).toEqual([['execution', START + 5000]]);
  });

  it.each([
    ['said that it ends', [process('a', { state: 'ENDED' })], [CLAIM]],
    ['has a successor at work', [process('a'), process('b', { seen_at: START + 95_000 })], [CLAIM]],
    [
      'has a successor, which the log has not heard for half a minute',
      [process('a'), process('b', { seen_at: START + 70_000 })],
      [CLAIM],
    ],
    ['works an account that was retired', [process('a')], [CLAIM, { ...CLAIM, state: 'RETIRED' as const }]],
  ])('that %s is not (WAT-20)', (_what, processes, claims) => {
    expect(lifelessAt(100, processes, claims)).toEqual([]);
  });
});
