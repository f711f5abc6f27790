/** Where `status --watch` shows its reports: a screen that is redrawn in place, or a pipe. */
import stringWidth from 'string-width';
import { type Drawing, drawingOn } from '../../render/drawing.ts';
import { plural } from '../../render/figures.ts';
import { type LineWriter, terminalWidth } from '../../render/output.ts';
import { hanging } from '../../render/terminal-text.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { StatusView } from './follow-status.ts';
import type { StatusReport } from './status-report.ts';
import { type ReportPlace, reportJson, reportLines } from './view.ts';

type Place = Omit<ReportPlace, 'policy' | 'width'>;

/** Redrawn as wide as the terminal is then. What has no room below is named: the headline and the alerts stand first. */
export class StatusScreen implements StatusView {
  readonly #terminal: NodeJS.WriteStream;
  readonly #draw: Drawing;
  readonly #place: Place;
  #lines: readonly string[] = [];

  constructor(terminal: NodeJS.WriteStream, place: Place) {
    this.#terminal = terminal;
    this.#draw = drawingOn(terminal);
    this.#place = place;
  }

  get closed(): boolean {
    return this.#terminal.destroyed;
  }

  show(report: StatusReport, policy: readonly string[]): Promise<void> {
    this.#lines = reportLines(report, { ...this.#place, width: this.#width, policy });
    this.#redraw(this.#lines);
    return Promise.resolve();
  }

  unanswered(why: string): Promise<void> {
    const head = hanging('', `the log does not answer, and is asked again: ${printable(why)}`, this.#width, 2);
    const before = this.#lines.length === 0 ? [] : ['', pc.dim('before that:'), ...this.#lines];
    this.#redraw([...head.map((line) => pc.red(line)), ...before]);
    return Promise.resolve();
  }

  /** Leaves the last report on the screen. */
  done(): void {
    this.#draw.done();
  }

  get #width(): number {
    return terminalWidth(this.#terminal);
  }

  #redraw(lines: readonly string[]): void {
    // One row for the cursor, one for the last line here.
    const rows = Math.max(1, (this.#terminal.rows || 24) - 2);
    // A command that is longer than the terminal is wide takes more rows than one.
    const heights = lines.map((line) => Math.max(1, Math.ceil(stringWidth(line) / this.#width)));
    let shown = 0;
    for (let used = 0; shown < lines.length; shown += 1) {
      used += heights[shown] ?? 1;
      if (used > rows) break;
    }
    const more = lines.length - shown;
    const rest = more === 0 ? '' : `${plural(more, 'more line')} · `;
    this.#draw([...lines.slice(0, shown), pc.dim(`${rest}Ctrl-C ends`)]);
  }
}

/** One report a line, whenever anything but its time has changed. */
export function reportStream(lines: LineWriter, place: Pick<ReportPlace, 'logFlags'>): StatusView {
  let before = '';
  const write = async (json: string): Promise<void> => {
    await lines.write(json);
    await lines.flush();
  };
  return {
    get closed() {
      return lines.closed;
    },
    show: async (report) => {
      const content = reportJson({ ...report, as_of: null }, place);
      if (content === before) return;
      before = content;
      await write(reportJson(report, place));
    },
    unanswered: async (why) => {
      const content = JSON.stringify({ headline: { state: 'critical', text: `the log does not answer: ${why}` } });
      if (content === before) return;
      before = content;
      await write(content);
    },
  };
}
