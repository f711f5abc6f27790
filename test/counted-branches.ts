import { expect, onTestFinished } from 'vitest';

/**
 * Counts how often a property reaches each of its branches, and fails the test where one was reached less often than `least`
 * says: a property that holds over nothing shows nothing. Figures far below what the usual seed gives leave room for the others.
 */
export function countedBranches<Branch extends string>(
  least: Readonly<Record<Branch, number>>,
): (branch: Branch) => void {
  const reached = new Map<Branch, number>();
  onTestFinished(({ task }) => {
    // What failed already failed for a reason of its own, perhaps before all cases had been drawn.
    if (task.result?.state === 'fail') return;
    for (const [branch, needed] of Object.entries(least) as [Branch, number][])
      expect(reached.get(branch) ?? 0, `cases that reach "${branch}"`).toBeGreaterThanOrEqual(needed);
  });
  return (branch) => void reached.set(branch, (reached.get(branch) ?? 0) + 1);
}
