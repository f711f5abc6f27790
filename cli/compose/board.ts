/** The board of a process: over the reader that its stall watch reads with, so that no topic is read twice. */
import packageJson from '../../package.json' with { type: 'json' };
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { type BoardOptions, DeskBoard } from '../../pipelines/board/board-source.ts';
import { BoardProjection } from '../../pipelines/board/projection.ts';
import type { ClmProcessor } from '../../pipelines/clm/clm-processor.ts';
import type { DeskControlWatch } from '../../pipelines/desk/desk-control.ts';
import { DEFAULT_LIMITS, type ExecutionLimits } from '../../pipelines/execution/limits.ts';
import type { OrderTerms } from '../../pipelines/execution/order-plan.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { StallLimits } from '../../pipelines/watch/stall-limits.ts';
import { StallReader, type StallReaderOptions } from '../../pipelines/watch/stall-watcher.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Stop } from '../../ports/kill-switch.ts';
import { DeskNames } from '../../schemas/desk-names.ts';
import type { OfferedBoard } from './awaited-board.ts';

interface BoardParts extends Omit<BoardOptions, 'projection' | 'reader' | 'version'> {
  readonly policy: Policy;
  readonly stallLimits?: StallLimits;
  readonly limits?: Partial<ExecutionLimits>;
}

/** A board, and what opens the reader that it shares. */
export interface SharedBoard {
  readonly board: DeskBoard;
  readonly reader: () => Promise<StallReader>;
}

/** Opens nothing yet. */
export function sharedBoard(parts: BoardParts): SharedBoard {
  const { log, codec, policy, stallLimits, limits = {}, liveNow } = parts;
  const projection = new BoardProjection(policy, { ...DEFAULT_LIMITS, ...limits });
  const reader = onceOpened({
    log,
    codec,
    policy,
    ...(stallLimits === undefined ? {} : { stallLimits }),
    now: liveNow,
    observer: projection.observer,
    keepOpen: (open) => projection.positions.forget(open),
  });
  return { board: new DeskBoard({ ...parts, projection, reader, version: packageJson.version }), reader };
}

/** Opens the reader at the first use. Where the log did not answer, the next one who needs it asks again. */
function onceOpened(options: StallReaderOptions): () => Promise<StallReader> {
  let opened: Promise<StallReader> | null = null;
  return () => {
    opened ??= StallReader.open(options).catch((thrown: unknown) => {
      opened = null;
      throw thrown;
    });
    return opened;
  };
}

interface RunParts extends Pick<BoardParts, 'log' | 'codec' | 'policy' | 'stallLimits' | 'limits'> {
  readonly killSwitch: DeskControlWatch;
  readonly logWords: string;
  /** Of the records. */
  readonly clock: Clock;
  /** The machine's; that of the records where left out. */
  readonly machine: Clock | undefined;
}

/** Opens the board that viewers of `run` wait for, and returns the reader that it shares with the stall watch. */
export function openOffered(
  { viewed, desk, logName }: OfferedBoard,
  { killSwitch, logWords: logFlags, clock, machine = clock, ...parts }: RunParts,
  signal: AbortSignal,
): Pick<SharedBoard, 'reader'> {
  const stops = async (): Promise<readonly Stop[]> => {
    await killSwitch.poll();
    return killSwitch.stops();
  };
  const names = { desk, logName, logFlags };
  const { board, reader } = sharedBoard({
    ...parts,
    ...names,
    stops,
    mode: null,
    liveNow: () => clock.now(),
    clock: machine,
    signal,
  });
  viewed.open(board);
  return { reader };
}

interface DevParts extends Pick<BoardParts, 'log' | 'codec' | 'policy' | 'stallLimits'> {
  readonly dataDir: string;
  readonly names?: DeskNames;
  readonly order?: OrderTerms;
  readonly killSwitch: DeskControlWatch;
  readonly clm: Pick<ClmProcessor, 'alert'>;
  /** Null: nobody can look. */
  readonly viewed?: { readonly logFlags: string } | null;
}

/** The reader of the stall alerts of `dev`, and the board that shares it where somebody can look. */
export function devBoard(parts: DevParts, signal: AbortSignal) {
  const { dataDir, names = new DeskNames(), order, killSwitch, clm, viewed = null, ...reading } = parts;
  const { log, codec, policy, stallLimits } = reading;
  const limits = stallLimits === undefined ? {} : { stallLimits };
  const read = { log, codec, policy, ...limits };
  if (viewed === null) return { board: null, reader: onceOpened({ ...read, now: () => null }) };
  return sharedBoard({
    ...read,
    limits: order === undefined ? {} : { order },
    desk: names.desk,
    logName: dataDir,
    logFlags: viewed.logFlags,
    stops: async () => {
      await killSwitch.poll();
      return killSwitch.stops();
    },
    mode: 'PAPER',
    liveNow: () => null,
    ownAlerts: () => [clm.alert()].filter((alert) => alert !== null),
    clock: new SystemClock(),
    signal,
  });
}
