import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type ShadowView,
  followShadow,
  jsonLines,
  type ShadowReport,
  shadowReport,
} from '../../../pipelines/scoring/shadow-report.ts';
import { LineWriter } from '../../../render/output.ts';
import { ShadowScreen, linesThatFit } from '../../../pipelines/scoring/shadow-view.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { ShadowDecision } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { brokenPipe, capturedLines, streamTo } from '../../fixtures/captured-output.ts';
import { type MemorySession, memorySession } from '../../fixtures/memory-log.ts';

const GOOD: ShadowDecision = GOOD_RECORDS[TOPICS.shadowDecision.name];
const START = 1_770_003_600_000;

let world: MemorySession;
let written = 0;

beforeEach(async () => {
  world = await memorySession();
  written = 0;
});

/** A decision on another snapshot than those before. */
async function decide(partition: number, policy = 'candidate-1'): Promise<void> {
  written += 1;
  const record = { ...GOOD, policy, input: { ...GOOD.input, partition, offset: written } };
  await world.write(TOPICS.shadowDecision, record, START, partition);
}

/** Follows until `pauses` have passed; at each of them something may happen first. */
async function followed(view: ShadowView, pauses: number, atPause: (pause: number) => Promise<void> | void) {
  const stop = new AbortController();
  const clock = new VirtualClock(START);
  const sleep = clock.sleep.bind(clock);
  let pause = 0;
  clock.sleep = async (ms) => {
    await sleep(ms);
    // Between two batches it only gives the event loop a turn.
    if (ms === 0) return;
    pause += 1;
    if (pause > pauses) stop.abort();
    else await atPause(pause);
  };
  await followShadow({ topics: world, clock, signal: stop.signal }, view);
  return pause;
}

describe('shadow --follow in a pipe', () => {
  it('prints the whole board at once, and then only when it has changed, at most once a second', async () => {
    // More than a batch.
    for (let i = 0; i < 4; i += 1) await decide(0);
    const { writer, lines } = capturedLines();
    // Four pauses are a second.
    await followed(jsonLines(writer), 20, async (pause) => {
      if (pause === 1 || pause === 2 || pause === 11) await decide(pause % 3);
      if (pause === 12) await world.write(TOPICS.shadowDecision, GOOD, START, 0);
    });
    const boards = lines().map((line) => JSON.parse(line) as ShadowReport);
    expect(boards.map(({ candidates }) => candidates[0]?.decisions)).toEqual([4, 6, 7, 8]);
    expect(boards.at(-1)).toEqual(await shadowReport(world));
  });

  it('prints an empty board where there is nothing yet, and one more for a record that cannot be read', async () => {
    const { writer, lines } = capturedLines();
    const broken = { topic: TOPICS.shadowDecision.name, key: null, value: Buffer.from('x'), timestamp: START };
    await followed(jsonLines(writer), 8, async (pause) => {
      if (pause === 1) await world.log.append([broken]);
    });
    expect(lines().map((line) => JSON.parse(line) as ShadowReport)).toEqual([
      { as_of: null, undecodable: 0, candidates: [] },
      { as_of: null, undecodable: 1, candidates: [] },
    ]);
  });

  it('prints nothing for repeated decisions', async () => {
    const { writer, lines } = capturedLines();
    await followed(jsonLines(writer), 8, (pause) =>
      pause > 4 ? undefined : world.write(TOPICS.shadowDecision, GOOD, START, 0),
    );
    expect(lines()).toHaveLength(2);
  });

  it('ends quietly when its output is closed', async () => {
    const gone = streamTo((_text, done) => done(brokenPipe()));
    expect(await followed(jsonLines(new LineWriter(gone)), 8, () => decide(0))).toBe(1);
  });
});

/** A terminal, and what was written to it. */
function terminal(columns: number, rows: number) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns, rows });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  // What the screen uses of a terminal.
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => stripVTControlCharacters(text) };
}

describe('shadow --follow on a terminal', () => {
  it('draws the board as it comes, also before all of it is read', async () => {
    for (let i = 0; i < 7; i += 1) await decide(0);
    const { stream, text } = terminal(130, 40);
    await followed(new ShadowScreen(stream), 3, (pause) => (pause === 2 ? decide(1) : undefined));
    const counts = [...text().matchAll(/(\d+) decisions/g)].map(([, count]) => Number(count));
    // The first of three batches is drawn early, and the drawings are rate-limited.
    expect(counts).toEqual([3, 7, 8]);
  });

  it('ends quietly when the terminal is closed', async () => {
    const { stream } = terminal(130, 40);
    const view = new ShadowScreen(stream);
    const gone = await followed(view, 8, (pause) => {
      if (pause === 2) stream.emit('error', Object.assign(new Error('write EIO'), { code: 'EIO' }));
      return decide(0);
    });
    expect(gone).toBe(2);
  });

  it.each([
    [130, 40, 1],
    [80, 24, 1],
    [80, 24, 2],
    [80, 24, 3],
    [80, 24, 9],
    [40, 10, 3],
  ])('%i x %i is not exceeded by the board of %i candidates', async (columns, rows, candidates) => {
    for (let i = 0; i < candidates * 6; i += 1) await decide(i % 4, `candidate-${i % candidates}`);
    const lines = linesThatFit(await shadowReport(world), columns, rows).map(stripVTControlCharacters);
    expect(lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0)).toBeLessThanOrEqual(
      rows,
    );
    expect(lines.join('\n')).toContain('candidate-0 against 2026-02-07');
  });

  it('leaves out columns of the flips first, then flips, then the matrix, and says when candidates are left out', async () => {
    for (let i = 0; i < 6; i += 1) await decide(i % 4);
    const report = await shadowReport(world);
    const shown = (columns: number, rows: number) => {
      const text = linesThatFit(report, columns, rows).join('\n');
      return {
        reasons: text.includes('reason'),
        flips: text.split('\n').filter((line) => line.includes('BTCUSDT')).length,
        matrix: text.includes('PARTIAL_CLOSE  '),
      };
    };
    expect(shown(130, 40)).toEqual({ reasons: true, flips: 5, matrix: true });
    expect(shown(80, 40)).toEqual({ reasons: false, flips: 5, matrix: true });
    expect(shown(80, 16)).toEqual({ reasons: false, flips: 3, matrix: true });
    expect(shown(80, 11)).toEqual({ reasons: false, flips: 0, matrix: true });
    expect(shown(80, 6)).toEqual({ reasons: false, flips: 0, matrix: false });
    expect(linesThatFit(report, 80, 3).at(-1)).toContain('without --follow');
  });
});
