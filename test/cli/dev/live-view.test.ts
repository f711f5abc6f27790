import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { CycleResult } from '../../../cli/compose/dev-chain.ts';
import { LiveView } from '../../../cli/dev/live-view.ts';
import { SummaryCounter } from '../../../cli/dev/summary.ts';
import { type Alert, lookCloser } from '../../../pipelines/alerts/alerts.ts';
import { gateOf } from '../../../pipelines/clm/gate.ts';
import type { ExecutionReport } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const OBSERVED_AT = Date.UTC(2026, 0, 1, 15);
const MINUTE_MS = 60_000;
const SNAPSHOT = { ...aSnapshot(), opened_at: OBSERVED_AT - 40 * MINUTE_MS };
const FILLED: ExecutionReport = {
  ...GOOD_RECORDS[TOPICS.executionReport.name],
  position_id: SNAPSHOT.position_id,
  action: 'PARTIAL_CLOSE',
};
const SUPPRESSED: ExecutionReport = { ...FILLED, status: 'SUPPRESSED', reason: 'COOLDOWN', filled_quantity: 0 };
const PARTIAL = { action: 'PARTIAL_CLOSE', fraction: 0.28, reason: 'x', hold_score: 4, exit_score: 4, r: 1 } as const;
const TOTALS = new SummaryCounter().summary({
  stoppedBy: 'cycles',
  gate: gateOf([]),
  accumulating: 0,
  deadLetters: {},
});

/** The lines of the latest picture, after these cycles, five minutes apart. */
function picture(
  columns: number,
  cycles: readonly (readonly ExecutionReport[])[],
  alerts: readonly Alert[] = [],
  page: string | null = null,
) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 40 });
  const view = new LiveView(stream as unknown as NodeJS.WriteStream, ' --data .mine', page);
  const results = cycles.map((reports, cycle): CycleResult => {
    const now = OBSERVED_AT + cycle * 5 * MINUTE_MS;
    const snapshot = { ...SNAPSHOT, observed_at: now };
    return {
      cycle,
      now,
      signals: 1,
      scored: [{ snapshot, decision: { ...PARTIAL, policy: 'p' } }],
      reports,
      outcomes: [],
    };
  });
  for (const result of results) view.note(result);
  const last = results.at(-1);
  if (last === undefined) throw new Error('no cycle');
  view.show(last, TOTALS, alerts);
  view.done();
  return String(stream.read()).split('\n');
}

const rowOf = (lines: readonly string[]) => lines.find((line) => line.startsWith(SNAPSHOT.symbol)) ?? '';

it('says of a partial close in cooldown until when nothing is done', () => {
  expect(rowOf(picture(130, [[FILLED], [SUPPRESSED]]))).toContain('PARTIAL_CLOSE 28 % · cooldown until 15:30');
  expect(rowOf(picture(80, [[FILLED], [SUPPRESSED]]))).toMatch(/PARTIAL 28 % · cooldown 15:30$/);
});

it('names no time for a cooldown that began before this process, and no cooldown once an order was sent', () => {
  expect(rowOf(picture(130, [[SUPPRESSED]]))).toMatch(/PARTIAL_CLOSE 28 % · cooldown$/);
  expect(rowOf(picture(130, [[FILLED], [SUPPRESSED], [FILLED]]))).toMatch(/PARTIAL_CLOSE 28 %$/);
});

it('cuts no alert: its lines are wrapped, its command is a line of its own and names the log (ALR-1)', () => {
  const evidence = Array.from({ length: 40 }, (_, word) => `word${word}`).join(' ');
  const next = lookCloser('explain', 'simulated-1:BTCUSDT:SHORT:1767350100000');
  const alert: Alert = { name: 'winner_held', since: OBSERVED_AT, evidence, next };
  const lines = picture(60, [[]], [alert, { ...alert, name: 'feed_silent' }]);
  expect(lines.map((line) => line.trim()).join(' ')).toContain(`alert winner_held: ${evidence}`);
  expect(lines.join('').replaceAll(/ +/g, ' ')).toContain(
    'harvestline explain --data .mine simulated-1:BTCUSDT:SHORT:1767350100000',
  );
  expect(lines).toContain('  and feed_silent');
});

it('names the address of the page first, and leaves out what there is no room for beside it', () => {
  const page = 'http://127.0.0.1:41234';
  const [wide = ''] = picture(130, [[]], [], page);
  expect(wide).toContain(`harvestline dev  ${page}  cycle 0`);
  expect(wide).toMatch(/Ctrl-C: summary$/);
  const [narrow = ''] = picture(50, [[]], [], page);
  expect(narrow).toContain(page);
  expect(narrow).not.toContain('Ctrl-C');
});

it('no row is wider than the terminal: a decision is said in fewer words, and the first line stays on the screen', () => {
  const until = /· (cooldown )?15:\d\d$/;
  for (const columns of [70, 80, 95, 130, 180]) {
    const lines = picture(columns, [[FILLED], [SUPPRESSED]], [], 'http://127.0.0.1:38811');
    const row = rowOf(lines);
    expect(row, `${columns} columns`).toMatch(columns >= 130 ? /cooldown until 15:\d\d/ : until);
    expect(row.length).toBeLessThanOrEqual(columns);
  }
});
