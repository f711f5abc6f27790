import { Command, Option } from 'commander';
import { HarvestlineError, isKind } from '../errors/harvestline-error.ts';
import { evaluate } from '../pipelines/scoring/evaluate.ts';
import { BUILT_IN_POLICIES, DEFAULT_POLICY_ID, type Policy } from '../pipelines/scoring/policy.ts';
import type { PositionSnapshot } from '../schemas/generated/records.ts';
import { recordChecker } from '../schemas/record-rules.ts';
import { parseJson } from '../schemas/strict-json.ts';
import { TOPICS } from '../schemas/topics.ts';
import { LineWriter } from '../render/output.ts';
import { loadPolicy } from './options/policy-options.ts';
import { readLines } from '../pipelines/runtime/read-lines.ts';

export function scoreCommand(): Command {
  return new Command('score')
    .description('Score NDJSON snapshots from standard input: one decision a line, in the same order.')
    .addOption(
      new Option(
        '--policy <id-or-file>',
        `policy to score with: ${[...BUILT_IN_POLICIES.keys()].join(', ')}, or a JSON file`,
      ).default(DEFAULT_POLICY_ID),
    )
    .addHelpText(
      'after',
      `
A bad line is named on standard error as \`line N: path: why\`; the rest is still scored, and the exit code is 1.

Examples:
  harvestline score < examples/data/snapshots.ndjson
  harvestline score --policy legacy < examples/data/snapshots.ndjson
  harvestline tail position.snapshot --from beginning --json | jq -c .value | harvestline score --policy my-policy.json`,
    )
    .action(async ({ policy }: { policy: string }) => {
      const bad = await score(
        process.stdin,
        new LineWriter(process.stdout),
        new LineWriter(process.stderr),
        loadPolicy(policy),
      );
      if (bad > 0) process.exitCode = 1;
    });
}

/** Scores every line and returns how many were bad. Memory does not grow with the input. */
export async function score(
  input: AsyncIterable<Uint8Array>,
  decisions: LineWriter,
  faults: LineWriter,
  policy: Policy,
): Promise<number> {
  const check = recordChecker(TOPICS.positionSnapshot);
  let bad = 0;
  for await (const lines of readLines(input)) {
    for (const line of lines) {
      if (line.text !== null && line.text.trim() === '') continue;
      try {
        if (line.text === null) throw new HarvestlineError('JSON_INVALID', line.why);
        const { value, problems } = parseJson(line.text);
        const found = check(value);
        if (problems.length + found.length > 0)
          throw new HarvestlineError('RECORD_INVALID', 'refused', { problems: [...problems, ...found] });
        const full = decisions.write(decisionLine(value as PositionSnapshot, policy));
        if (full !== undefined) await full;
      } catch (thrown) {
        if (!isKind(thrown, 'poison')) throw thrown;
        bad += 1;
        const problems = thrown.problems.length > 0 ? thrown.problems : [{ path: '(root)', why: thrown.message }];
        for (const { path, why } of problems) await faults.write(`line ${line.number}: ${path}: ${why}`);
      }
    }
    if (decisions.closed) break;
  }
  await decisions.flush();
  await faults.flush();
  return bad;
}

function decisionLine(snapshot: PositionSnapshot, policy: Policy): string {
  const { action, fraction, reason, hold_score, exit_score, r, factors, unknown } = evaluate(snapshot, policy);
  const { position_id, symbol } = snapshot;
  return JSON.stringify({
    position_id,
    symbol,
    action,
    fraction,
    hold_score,
    exit_score,
    r,
    reason,
    factors,
    unknown,
    policy: policy.id,
  });
}
