import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { BUILT_IN_POLICIES, type Policy } from '../../pipelines/scoring/policy.ts';
import { loadPolicy } from '../options/policy-options.ts';
import { openReadOnlyWorld } from '../log-session/log-session.ts';
import { jsonWanted, terminalWidth, writeLines } from '../../render/output.ts';
import { Progress } from '../../render/progress.ts';
import { auditIntents } from '../../pipelines/replay/audit-intents.ts';
import { isProved } from '../../pipelines/replay/audit-verdict.ts';
import { auditLines } from '../../pipelines/replay/audit-lines.ts';
import type { ReplayFlags } from './replay-flags.ts';
import { parseWindow } from '../../pipelines/replay/replay-window.ts';

/** `harvestline replay --audit`. */
export async function auditCommand(flags: ReplayFlags): Promise<void> {
  const window = parseWindow(flags.from, flags.to);
  const policies = policiesById(flags.policy);
  const clock = new SystemClock();
  const world = await openReadOnlyWorld(flags);
  let progress: Progress | undefined;
  try {
    const result = await auditIntents(world, {
      window,
      policies,
      onTotal: (intents) => {
        progress = new Progress('intents', intents, process.stderr, clock);
      },
      onIntents: (intents) => progress?.add(intents),
    });
    progress?.done();
    await writeLines(jsonWanted(flags) ? [JSON.stringify(result)] : auditLines(result, terminalWidth()));
    if (!isProved(result)) process.exitCode = 1;
  } finally {
    progress?.done();
    await world.close();
  }
}

/** The built-in ones and those given; a given file stands for its id, also where a built-in one has it. Throws USAGE, POLICY_INVALID. */
export function policiesById(given: readonly string[]): ReadonlyMap<string, Policy> {
  const files = given.map(loadPolicy);
  const twice = files.find(({ id }, index) => files.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new HarvestlineError('USAGE', `--policy: two of them have the id ${twice.id}`);
  return new Map([...BUILT_IN_POLICIES, ...files.map((policy): [string, Policy] => [policy.id, policy])]);
}
