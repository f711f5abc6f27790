import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { score } from '../../cli/score.ts';
import { loadPolicy } from '../../cli/options/policy-options.ts';
import { LineWriter } from '../../render/output.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';

interface Scored {
  readonly decisions: readonly Record<string, unknown>[];
  readonly faults: readonly string[];
  readonly bad: number;
}

/** Runs the command on an input given as chunks. */
async function run(chunks: readonly (string | Uint8Array)[], policy = '2026-02-07'): Promise<Scored> {
  const out = new PassThrough();
  const err = new PassThrough();
  const outText = text(out);
  const errText = text(err);
  const input = Readable.from(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
  const bad = await score(input, new LineWriter(out), new LineWriter(err), loadPolicy(policy));
  out.end();
  err.end();
  const lines = (whole: string): string[] => whole.split('\n').filter((line) => line !== '');
  return {
    decisions: lines(await outText).map((line) => JSON.parse(line) as Record<string, unknown>),
    faults: lines(await errText),
    bad,
  };
}

const good = JSON.stringify(aSnapshot({ r: 5.33 }));

function variant(overrides: object): string {
  return JSON.stringify({ ...aSnapshot(), ...overrides });
}

describe('score', () => {
  it('writes one decision a line with the agreed fields, in the same order', async () => {
    const { decisions, bad } = await run([`${good}\n${variant({ position_id: 'second' })}\n`]);
    expect(bad).toBe(0);
    expect(decisions).toHaveLength(2);
    expect(Object.keys(decisions[0] ?? {})).toEqual([
      'position_id',
      'symbol',
      'action',
      'fraction',
      'hold_score',
      'exit_score',
      'r',
      'reason',
      'factors',
      'unknown',
      'policy',
    ]);
    expect(decisions[1]).toMatchObject({ position_id: 'second' });
  });

  it.each([
    [
      'NaN',
      good.replace('"mark_price":110.66', '"mark_price":NaN'),
      ['(root): is not JSON: NaN', 'mark_price: must be a finite number'],
    ],
    ['a missing field', variant({ quantity: undefined }), ['quantity: is missing']],
    ['an undeclared field', variant({ leverage: 3 }), ['leverage: is not declared']],
    ['price 0', variant({ mark_price: 0 }), ['mark_price: must be above 0, found 0']],
    ['confidence 1.2', variant({ confidence: 1.2 }), ['confidence: must be at least 0 and at most 1, found 1.2']],
    [
      'a LONG whose peak is below its mark',
      variant({ peak_price: 99 }),
      ['peak_price: must be at least mark_price 101 for LONG, found 99'],
    ],
    ['broken JSON', '{"position_id":', ['(root): is not JSON']],
    ['a megabyte that is no JSON', String.raw`\"`.repeat(500_000), ['(root): is not JSON: ']],
    ['a key that comes twice', good.replace('{', '{"quantity":1,'), ['quantity: comes twice in its object']],
    [
      'a key that comes twice, and a fault',
      variant({ quantity: 0 }).replace('{', '{"quantity":1,'),
      ['quantity: comes twice in its object', 'quantity: must be above 0'],
    ],
    ['JSON that is no object', '[1]', ['(root): must be an object']],
    [
      'several faults at once',
      variant({ side: 'UP', entry_price: -1, extra: 0 }),
      ['side: must be one of', 'entry_price: must be above 0', 'extra: is not declared'],
    ],
  ])('%s is named by line, path and reason; the good lines are still scored', async (_name, line, faults) => {
    const scored = await run([`${good}\n${line}\n${good}\n`]);
    expect(scored.bad).toBe(1);
    expect(scored.decisions).toHaveLength(2);
    expect(scored.faults.map((fault) => fault.slice(0, 'line 2: '.length))).toEqual(faults.map(() => 'line 2: '));
    for (const [index, fault] of faults.entries()) expect(scored.faults[index]).toContain(fault);
  });

  it('a field with a default may be left out, no other', async () => {
    const sparse = Object.fromEntries(Object.entries(aSnapshot()).filter(([, value]) => value !== null));
    expect((await run([JSON.stringify(sparse)])).bad).toBe(0);
  });

  it('NaN inside a string is a string', async () => {
    expect((await run([variant({ source: 'NaN, -Infinity' })])).bad).toBe(0);
  });

  it('bytes that are no UTF-8 are named by their place in the line, however the lines are cut', async () => {
    const at = good.indexOf('BTCUSDT');
    const broken = Buffer.concat([
      Buffer.from(good.slice(0, at)),
      Buffer.from([0xe2, 0x82]),
      Buffer.from(good.slice(at)),
    ]);
    const whole = Buffer.concat([
      Buffer.from(`\uFEFF${good}\n`),
      broken,
      Buffer.from(`\n${variant({ symbol: '€' })}\n`),
    ]);
    for (const size of [1, 64, whole.length]) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      const { decisions, faults } = await run(chunks);
      expect(faults).toEqual([`line 2: (root): is not UTF-8: byte 0xe2 at position ${at}`]);
      expect(decisions.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', '€']);
    }
  });

  it('lines may be cut anywhere, blank, CRLF, with a byte order mark, and the last without a line break', async () => {
    const whole = Buffer.from(`\uFEFF${good}\r\n\n   \n${variant({ symbol: 'ÄÖ€😀' })}`);
    for (const size of [1, 7, 64, whole.length]) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      const { decisions, faults } = await run(chunks);
      expect(faults).toEqual([]);
      expect(decisions.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ÄÖ€😀']);
    }
  });

  it('counts lines as an editor does, blank ones too', async () => {
    expect((await run([`\n${good}\n\n{\n`])).faults[0]).toMatch(/^line 4: /);
  });

  it('a line too long to hold is refused and passed over', async () => {
    const { faults, decisions } = await run([`${'x'.repeat(3_000_000)}\n${good}\n`]);
    expect(faults).toEqual([expect.stringContaining('line 1: (root): is longer')]);
    expect(decisions).toHaveLength(1);
  });

  it('scores with a policy file, and refuses an unknown policy by its name', () => {
    expect(loadPolicy('pipelines/scoring/policies/legacy.json').id).toBe('legacy');
    expect(() => loadPolicy('nobody-wrote-this.json')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => loadPolicy('package.json')).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
  });
});
