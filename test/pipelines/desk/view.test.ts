import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Answer, answerJson, answerLines, isDone } from '../../../pipelines/desk/view.ts';
import type { Outcome } from '../../../pipelines/desk/give-command.ts';
import type { DeskProcess } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const ONE: DeskProcess = { ...GOOD_RECORDS[TOPICS.deskProcess.name], process: 'host:1', account: 'main', mode: 'LIVE' };
const OTHER: DeskProcess = { ...ONE, process: 'host:2' };

function answer(command: 'HALT' | 'RESUME', outcome: Outcome): Answer {
  const obeyed = outcome === 'obeyed' ? [ONE, OTHER] : outcome === 'silent' ? [ONE] : [];
  return {
    log: { kind: 'kafka', name: 'k:9092' },
    given: { scope: 'desk', command, by: 'alice', reason: 'a test' },
    waited: 10,
    result: {
      outcome,
      record: null,
      obedience: { obeyed, silent: outcome === 'silent' ? [OTHER] : [], gone: [] },
      standing: [],
      trouble: outcome === 'obeyed' ? null : 'BROKER_AWAY: no answer',
    },
  };
}

const lastLine = (given: Answer): string => stripVTControlCharacters(answerLines(given).at(-1) ?? '');

describe('what became of a command, in its last line', () => {
  it.each([
    [
      'obeyed',
      true,
      /^halted the desk by alice \(a test\): 2 of 2 executing processes obey since .* on Kafka at k:9092/,
    ],
    ['idle', false, /^NOT HALTED: nothing executes for the desk on Kafka at k:9092 now/],
    ['silent', false, /^NOT KNOWN TO BE HALTED: 1 of 2 processes .* 1 did not say so within 10 s\. To be sure stop/],
    ['written', false, /^NOT KNOWN WHETHER HALTED: the halt is on Kafka at k:9092/],
    [
      'unconfirmed',
      false,
      /^NOT KNOWN WHETHER HALTED: Kafka at k:9092 did not say within 10 s whether it took the halt/,
    ],
    ['unwritten', false, /^NOT HALTED: nothing was written/],
  ] as const)('halt, %s', (outcome, done, line) => {
    const given = answer('HALT', outcome);
    expect(lastLine(given)).toMatch(line);
    expect([isDone(given), answerJson(given)]).toEqual([done, expect.objectContaining({ halted: done, outcome })]);
  });

  it.each([
    ['obeyed', true, /^resumed the desk .*: 2 of 2 executing processes may send again/],
    ['idle', true, /^resumed the desk .* where nothing executes now/],
    ['silent', false, /^resumed the desk .* but 1 of 2 executing processes did not say/],
    ['unconfirmed', false, /^NOT KNOWN WHETHER RESUMED/],
    ['unwritten', false, /^NOT RESUMED/],
  ] as const)('resume, %s', (outcome, done, line) => {
    const given = answer('RESUME', outcome);
    expect([lastLine(given), isDone(given)]).toEqual([expect.stringMatching(line), done]);
  });

  it('names who is silent, and gives the mode in small letters', () => {
    const given = answer('HALT', 'silent');
    expect(stripVTControlCharacters(answerLines(given)[0] ?? '')).toContain('silent: host:2 (main at');
    expect(answerJson(given)).toMatchObject({
      silent: [{ account: 'main', venue: ONE.venue, mode: 'live', process: 'host:2' }],
    });
  });
});
