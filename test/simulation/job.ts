/** A process that runs the seeds it is sent (run-seeds.ts), one after the other. */
import { withoutOutside } from './outside.ts';
import { planOf } from './plan.ts';
import type { SeedAnswer, SeedTask } from './run-seeds.ts';
import { World } from './world.ts';

process.on('message', (task: SeedTask) => {
  void answerTo(task).then((answer) => process.send?.(answer));
});

async function answerTo({ seed, size, twice }: SeedTask): Promise<SeedAnswer> {
  const plan = planOf(seed, size);
  const result = await withoutOutside(() => World.run(plan));
  const again = twice ? await withoutOutside(() => World.run(plan)) : result;
  const { hash, events, simulatedMs, positionDays, orders, struck, hits } = result;
  const differs = {
    invariant: 'same_seed_same_run',
    detail: `the trace of ${seed} has the hash ${hash}, and ${again.hash} in a second run`,
  };
  const violations = again.hash === hash ? result.violations : [...result.violations, differs];
  const figures = { seed, hash, events, simulatedMs, positionDays, orders, planned: plan.faults.length, struck };
  return { ...figures, hits: [...hits], violations };
}
