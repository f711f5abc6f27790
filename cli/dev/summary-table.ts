import { pc, printable } from '../../render/terminal.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { orderCostLines } from '../../pipelines/status/execution-figures.ts';
import { plainTable } from '../../render/plain-table.ts';
import type { WholeSummary } from './summary.ts';

const ENDS = { cycles: '', market: '; the market has no more candles', signal: '' } as const;

/** The summary for people. */
export function summaryTable(summary: WholeSummary): readonly string[] {
  const {
    cycles,
    stopped_by,
    until,
    snapshots,
    decisions,
    intents,
    fills,
    suppressed,
    orders,
    rejected,
    unknown,
    dead_letters,
    outcomes,
    gate,
    alerts,
  } = summary;
  const rows: string[][] = [];
  const row = (name: string, value: string | number): void => {
    rows.push([pc.bold(name), String(value)]);
  };
  row('cycles', `${cycles}${until === null ? '' : `, until ${formatEventTime(until)}`}${ENDS[stopped_by]}`);
  row('snapshots', snapshots);
  row('decisions', counts(decisions));
  row('intents', intents);
  row('fills', fills);
  row('suppressed', counts(suppressed));
  for (const line of orderCostLines(orders)) row('orders', line);
  row('rejected', counts(rejected));
  row('unknown', unknown === 0 ? 0 : pc.red(`${unknown}  see: harvestline status`));
  if (Object.keys(dead_letters).length > 0) row('dead letters', pc.red(counts(dead_letters)));
  row(
    'outcomes',
    `${counts({ WIN: outcomes.WIN, LOSS: outcomes.LOSS, NEUTRAL: outcomes.NEUTRAL })}  (${outcomes.FINAL} final, ${outcomes.ACCUMULATING} accumulating)`,
  );
  row(
    'gate',
    `${gate.usable} of ${gate.needed} usable outcomes: ${gate.open ? pc.green('open') : gate.eta === null ? 'closed' : `opens about ${formatEventTime(gate.eta)}`}`,
  );
  for (const { name, evidence } of alerts) row('alert', pc.red(`${name}: ${printable(evidence)}`));
  return plainTable([{ head: 'summary' }, { head: '' }], rows);
}

function counts(byName: Readonly<Record<string, number>>): string {
  const entries = Object.entries(byName);
  return entries.length === 0 ? '0' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
}
