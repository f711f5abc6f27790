import { writeFile } from 'node:fs/promises';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { failedConditions, parseFailIf } from '../../pipelines/replay/fail-if.ts';
import { loadPolicy } from '../options/policy-options.ts';
import { openReadOnlyWorld } from '../log-session/log-session.ts';
import type { WorldOptions } from '../options/log-options.ts';
import { jsonWanted, terminalWidth, writeLines } from '../../render/output.ts';
import { policyInForce } from '../../pipelines/scoring/policy-history.ts';
import { Progress } from '../../render/progress.ts';
import { compareInThreads } from './compare-in-threads.ts';
import { comparePolicies } from '../../pipelines/replay/compare-policies.ts';
import { parseCosts } from '../../pipelines/replay/replay-costs.ts';
import type { ReplayFlags } from './replay-flags.ts';
import { wrapped } from '../../render/terminal-text.ts';
import { parseWindow } from '../../pipelines/replay/replay-window.ts';
import { resultLines } from '../../pipelines/replay/result-lines.ts';
import { resultPage } from '../../pipelines/replay/result-page.ts';

/** `harvestline replay --policy CANDIDATE`. */
export async function compareCommand(flags: ReplayFlags): Promise<void> {
  // Everything that can be wrong with the call is said before anything is read.
  const [candidate, ...more] = flags.policy;
  if (candidate === undefined || more.length > 0)
    throw new HarvestlineError('USAGE', 'a comparison needs one --policy: the candidate, by its id or as a file');
  const conditions = flags.failIf.map(parseFailIf);
  const window = parseWindow(flags.from, flags.to);
  const costs = parseCosts(flags.costs);
  const policy = loadPolicy(candidate);
  const given = flags.against === undefined ? null : loadPolicy(flags.against);
  const clock = new SystemClock();
  const world = await openReadOnlyWorld(flags);
  let progress: Progress | undefined;
  try {
    // Nothing is added, and what is there stays: a page that cannot be written must be known before a long replay.
    if (flags.html !== undefined) await writePage(flags.html, '', 'a');
    const against =
      given === null ? await policyInForce(world) : { policy: given, source: 'given' as const, lines: [] };
    const result = await comparePolicies(world, {
      candidate: policy,
      current: against.policy,
      window,
      raw: flags.raw === true,
      maps: flags.maps,
      costs,
      listed: flags.flips,
      random: new SeededRandom(flags.seed),
      threads: {
        compare: (comparison) => compareInThreads({ ...comparison, world: worldOf(flags), seed: flags.seed }),
      },
      onTotal: (records) => {
        progress = new Progress('snapshots', records, process.stderr, clock);
      },
      onRecords: (records) => progress?.add(records),
    });
    progress?.done();
    const failed = failedConditions(conditions, result);
    await writeLines(
      jsonWanted(flags)
        ? [JSON.stringify({ ...result, against_source: against.source, failed })]
        : [
            ...resultLines(result, failed, terminalWidth()),
            ...against.lines.flatMap((line) => ['', ...wrapped(`Compared with ${line}.`, terminalWidth())]),
          ],
    );
    if (flags.html !== undefined) await writePage(flags.html, resultPage(result), 'w');
    if (failed.length === 0) return;
    if (jsonWanted(flags))
      for (const { condition, value } of failed)
        process.stderr.write(`fails: ${condition}, found ${value === null ? 'nothing to judge by' : value}\n`);
    process.exitCode = 1;
  } finally {
    progress?.done();
    await world.close();
  }
}

/** Without what the command line adds: threads are given a copy. */
function worldOf({ data, brokers, registry, desk }: WorldOptions): WorldOptions {
  return {
    data,
    ...(brokers === undefined ? {} : { brokers }),
    ...(registry === undefined ? {} : { registry }),
    ...(desk === undefined ? {} : { desk }),
  };
}

async function writePage(file: string, page: string, flag: 'w' | 'a'): Promise<void> {
  try {
    await writeFile(file, page, { flag });
  } catch (cause) {
    throw new HarvestlineError('USAGE', `--html ${file}: ${messageOf(cause)}`, { cause });
  }
}
