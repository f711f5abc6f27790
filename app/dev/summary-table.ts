import Table from 'cli-table3';
import pc from 'picocolors';
import { formatEventTime } from '../../pipelines/watch/event-time.ts';
import type { DevSummary } from './summary.ts';

/** The summary for people. */
export function summaryTable(summary: DevSummary): string {
  const { cycles, until, snapshots, decisions, intents, fills, suppressed, rejected, unknown, outcomes, gate } =
    summary;
  const table = new Table({ style: { head: [], border: ['dim'] } });
  const row = (name: string, value: string | number): void => {
    table.push([pc.bold(name), value]);
  };
  row('cycles', until === null ? cycles : `${cycles}, until ${formatEventTime(until)}`);
  row('snapshots', snapshots);
  row('decisions', counts(decisions));
  row('intents', intents);
  row('fills', fills);
  row('suppressed', counts(suppressed));
  row('rejected', counts(rejected));
  row('unknown', unknown === 0 ? 0 : pc.red(`${unknown}  see: harvestline status`));
  row(
    'outcomes',
    `${counts({ WIN: outcomes.WIN, LOSS: outcomes.LOSS, NEUTRAL: outcomes.NEUTRAL })}  (${outcomes.FINAL} final, ${outcomes.ACCUMULATING} accumulating)`,
  );
  row(
    'gate',
    `${gate.usable} of ${gate.needed} usable outcomes: ${gate.open ? pc.green('open') : gate.eta === null ? 'closed' : `opens about ${formatEventTime(gate.eta)}`}`,
  );
  return table.toString();
}

function counts(byName: Readonly<Record<string, number>>): string {
  const entries = Object.entries(byName);
  return entries.length === 0 ? '0' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
}
