import { describe, expect, it } from 'vitest';
import {
  type Alert,
  RaisedAlerts,
  commandText,
  firstFew,
  lookCloser,
  printedAlert,
  tailFrom,
} from '../../../pipelines/alerts/alerts.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';

const START = 1_770_003_600_000;
const ALERT: Alert = { name: 'winner_held', since: START, evidence: 'It is held.', next: lookCloser('explain', 'a:b') };

describe('ALR-1: the command of an alert', () => {
  it.each([
    [lookCloser('explain', 'a:b'), 'harvestline explain --data d a:b'],
    [lookCloser('dlq list'), 'harvestline dlq list --data d'],
    [tailFrom('t', START), 'harvestline tail --data d t --from 2026-02-02T03:40:00.000Z --json'],
    [
      { purpose: 'Lift it', commands: ['a', 'b c'].map((scope) => ({ words: 'resume', args: ['--scope', scope] })) },
      "harvestline resume --data d --scope a && harvestline resume --data d --scope 'b c'",
    ],
  ] as const)('has the flags of the log behind its words, and is quoted for a shell: %j', (next, command) => {
    const printed = printedAlert({ ...ALERT, next }, ' --data d');
    expect(printed).toEqual({
      name: 'winner_held',
      since: START,
      evidence: `It is held. ${next.purpose}: ${command}`,
      command,
    });
    expect(printedAlert({ ...ALERT, next }).command).toBe(command.replaceAll(' --data d', ''));
  });

  it.each([
    [Number.MIN_SAFE_INTEGER, 'beginning'],
    [Date.parse('0000-01-01T00:00:00Z'), '0000-01-01T00:00:00.000Z'],
    [Date.parse('9999-12-31T23:59:59.999Z'), '9999-12-31T23:59:59.999Z'],
    [Date.parse('9999-12-31T23:59:59.999Z') + 1, '253402300800000'],
    [Number.MAX_SAFE_INTEGER, '999999999999999'],
  ])('reads from a time that `tail` takes: %d', (since, from) => {
    expect(tailFrom('t', since).commands).toEqual([{ words: 'tail', args: ['t', '--from', from, '--json'] }]);
  });
});

it('a list in the evidence shows that there are more', () => {
  expect([firstFew([1, 2], 2, String), firstFew([1, 2, 3], 2, String)]).toEqual([
    ['1', '2'],
    ['1', '2', '…'],
  ]);
});

it('a running process logs an alert once when raised and once when over, with the flags of its log in the command', () => {
  const lines: string[] = [];
  const note = (_: object, line: string): void => void lines.push(line);
  const raised = new RaisedAlerts({ logger: { ...SILENT_LOGGER, warn: note, info: note }, logWords: ' --data d' });
  raised.become([ALERT]);
  raised.become([{ ...ALERT, evidence: 'It is held still.' }]);
  raised.become([]);
  expect(lines).toEqual([
    `alert winner_held: It is held. Look closer: ${commandText({ words: 'explain', args: ['a:b'] }, ' --data d')}`,
    'alert winner_held is over',
  ]);
});
