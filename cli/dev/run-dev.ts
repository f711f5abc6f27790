import type { Clock } from '../../ports/clock.ts';
import type { Alert } from '../../pipelines/alerts/alerts.ts';
import type { Logger } from '../../ports/logger.ts';
import { onThatLog } from '../../pipelines/alerts/alert-commands.ts';
import { LineWriter } from '../../render/output.ts';
import { RaisedAlerts } from '../../pipelines/alerts/raised-alerts.ts';
import type { CycleResult, DevChain } from '../compose/dev-chain.ts';
import { hearStopSignals } from '../../connectors/system/stop-signals.ts';
import { LiveView } from './live-view.ts';
import { summaryTable } from './summary-table.ts';
import { type StoppedBy, SummaryCounter } from './summary.ts';

export interface RunDevOptions {
  readonly chain: DevChain;
  readonly cycles: number;
  /** Unit: milliseconds between cycles. */
  readonly paceMs: number;
  /** A live view and a table, for a terminal, instead of lines. */
  readonly live: boolean;
  readonly output: NodeJS.WriteStream;
  /** Told of stall alerts in a pipe; a live view shows them. */
  readonly logger: Logger;
  /** Name the data folder in the commands that alerts print. */
  readonly logWords?: string;
  /** Paces cycles and screen; never gets into a record. */
  readonly clock: Clock;
}

/** Faster than the eye follows: cycles between two pictures are not drawn. Unit: milliseconds. */
const FRAME_MS = 100;

/** Minutes after a stall it shows; more often would cost a fifth of the speed. Unit: milliseconds of the market's time. */
const STALL_LOOK_MS = 15 * 60 * 1000;

/** Runs cycles until they are done, the market ends, or SIGINT or SIGTERM asks to stop; then says what happened. */
export async function runDev({
  chain,
  cycles,
  paceMs,
  live,
  output,
  clock,
  logger,
  logWords = '',
}: RunDevOptions): Promise<void> {
  const stop = hearStopSignals(clock);
  const counter = new SummaryCounter();
  const lines = new LineWriter(output);
  const view = live ? new LiveView(output) : null;
  const summary = () =>
    counter.summary({
      stoppedBy: stop.signal.aborted ? 'signal' : stoppedBy,
      gate: chain.clm.gate(),
      accumulating: chain.clm.accumulating(),
      deadLetters: chain.deadLetters(),
    });
  const raised = live ? null : new RaisedAlerts({ logger, logWords });
  let stalls: readonly Alert[] = [];
  let lookedAt = -Infinity;
  let drawnAt = -Infinity;
  let stoppedBy: StoppedBy = 'cycles';
  try {
    for (let done = 0; done < cycles && !stop.signal.aborted && !lines.closed; done++) {
      const result = await chain.runCycle();
      if (result === undefined) {
        stoppedBy = 'market';
        break;
      }
      counter.add(result);
      if (Math.abs(result.now - lookedAt) >= STALL_LOOK_MS) {
        lookedAt = result.now;
        // A pause, so that signals get their turn: the first look reads the log that was there.
        stalls = (await chain.stallAlerts((signal) => clock.sleep(0, signal), stop.signal)) ?? stalls;
        raised?.become(stalls);
      }
      if (view === null) {
        await lines.write(JSON.stringify(cycleLine(result)));
        await lines.flush();
      } else {
        view.note(result);
        if (clock.now() - drawnAt >= FRAME_MS) {
          view.show(
            result,
            summary(),
            [chain.clm.alert(), ...stalls].filter((alert) => alert !== null),
          );
          drawnAt = clock.now();
        }
      }
      // Without a pace, too, signals get their turn.
      await clock.sleep(paceMs, stop.signal);
    }
    view?.done();
    const alerts = (await chain.alerts()).map((alert) => onThatLog(alert, logWords));
    const whole = { ...summary(), alerts };
    for (const line of live ? summaryTable(whole) : [JSON.stringify(whole)]) await lines.write(line);
    await lines.flush();
  } finally {
    await chain.close();
    stop.release();
  }
}

function cycleLine({ cycle, now, scored, reports, outcomes }: CycleResult): object {
  return {
    cycle,
    now,
    snapshots: scored.length,
    intents: scored.filter(({ decision }) => decision.action !== 'HOLD').length,
    fills: reports.filter(({ status }) => status === 'FILLED').length,
    final: outcomes.filter(({ status }) => status === 'FINAL').length,
  };
}
