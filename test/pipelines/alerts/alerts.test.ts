import { describe, expect, it } from 'vitest';
import { parseTailStart } from '../../../cli/tail.ts';
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
      severity: 'CRITICAL',
      scope: 'desk',
      since: START,
      evidence: `It is held. ${next.purpose}: ${command}`,
      command,
    });
    expect(printedAlert({ ...ALERT, next }).command).toBe(command.replaceAll(' --data d', ''));
  });

  it.each([START, 5, Date.parse('9999-12-31T23:59:59.999Z') + 1, 8.64e15, 8.64e15 + 1])(
    'names the time %d so that `tail` takes it',
    (since) => {
      const [, , start = ''] = tailFrom('t', since).commands[0]?.args ?? [];
      expect(parseTailStart(start)).toEqual({ kind: 'time', timestamp: Math.min(since, 999_999_999_999_999) });
    },
  );

  it('reads everything from before the years that ISO 8601 has', () => {
    expect(tailFrom('t', -8e15).commands).toEqual([{ words: 'tail', args: ['t', '--from', 'beginning', '--json'] }]);
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
