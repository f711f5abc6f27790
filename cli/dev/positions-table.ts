import { pc } from '../../render/terminal.ts';
import { type PlainColumn, plainTable } from '../../render/plain-table.ts';
import type { Scored } from '../compose/dev-chain.ts';

const HOUR_MS = 60 * 60 * 1000;

const ACTION_COLOURS = { HOLD: pc.dim, PARTIAL_CLOSE: pc.yellow, CLOSE: pc.magenta } as const;

interface Column extends PlainColumn {
  /** The narrowest terminal that has room for it. Unit: characters. */
  readonly fromWidth: number;
  readonly text: (scored: Scored) => string;
}

/** In the order of the screen. The widths at which columns come in are sums of the columns' usual widths. */
const COLUMNS: readonly Column[] = [
  { head: 'symbol', fromWidth: 0, text: ({ snapshot }) => snapshot.symbol },
  {
    head: 'side',
    fromWidth: 0,
    text: ({ snapshot }) => (snapshot.side === 'LONG' ? pc.green('LONG') : pc.red('SHORT')),
  },
  {
    head: 'age',
    align: 'right',
    fromWidth: 0,
    text: ({ snapshot }) => `${((snapshot.observed_at - snapshot.opened_at) / HOUR_MS).toFixed(1)} h`,
  },
  { head: 'entry', align: 'right', fromWidth: 110, text: ({ snapshot }) => priceText(snapshot.entry_price) },
  { head: 'mark', align: 'right', fromWidth: 90, text: ({ snapshot }) => priceText(snapshot.mark_price) },
  {
    head: 'R',
    align: 'right',
    fromWidth: 0,
    text: ({ decision }) => (decision.r >= 0 ? pc.green : pc.red)(decision.r.toFixed(2)),
  },
  { head: 'conf', align: 'right', fromWidth: 0, text: ({ snapshot }) => snapshot.confidence?.toFixed(2) ?? '?' },
  { head: 'regime', fromWidth: 100, text: ({ snapshot }) => snapshot.regime ?? '?' },
  {
    head: 'hold/exit',
    align: 'right',
    fromWidth: 0,
    text: ({ decision }) => `${decision.hold_score}/${decision.exit_score}`,
  },
  { head: 'decision', fromWidth: 0, text: decisionText },
  { head: 'reason', fromWidth: 130, text: ({ decision }) => pc.dim(decision.reason) },
];

/** The positions, best R first, as lines that fit into `width` characters; at most `rows` lines with the head. */
export function positionsTable(scored: readonly Scored[], width: number, rows: number): readonly string[] {
  const columns = COLUMNS.filter(({ fromWidth }) => width >= fromWidth);
  const ordered = scored.toSorted((one, other) => other.decision.r - one.decision.r);
  const shown = ordered.length < rows ? ordered : ordered.slice(0, Math.max(0, rows - 2));
  const rowsShown = shown.map((one) => columns.map(({ text }) => text(one)));
  const more = ordered.length - shown.length;
  return [...plainTable(columns, rowsShown), ...(more > 0 ? [pc.dim(`… and ${more} more`)] : [])];
}

function decisionText({ decision }: Scored): string {
  const fraction = decision.action === 'PARTIAL_CLOSE' ? ` ${Math.round(decision.fraction * 100)} %` : '';
  return ACTION_COLOURS[decision.action](`${decision.action}${fraction}`);
}

/** Six significant digits tell any two ticks apart that matter on a screen. */
function priceText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
