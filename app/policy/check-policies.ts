import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import { lintPolicy } from '../../pipelines/scoring/lint-policy.ts';
import { readPolicyFile } from './load-policy.ts';

export interface PolicyFinding extends Problem {
  readonly level: 'problem' | 'warning';
  readonly file: string;
}

/** Everything that is wrong with these files, and what is legal but hardly meant. Never stops at the first. */
export function checkPolicies(files: readonly string[]): readonly PolicyFinding[] {
  return files.flatMap(checkFile);
}

function checkFile(file: string): readonly PolicyFinding[] {
  try {
    return lintPolicy(readPolicyFile(file)).map((problem) => ({ level: 'warning', file, ...problem }));
  } catch (thrown) {
    // One file that cannot be read must not hide what is wrong with the others.
    if (!isKind(thrown, 'poison') && !isKind(thrown, 'usage')) throw thrown;
    const problems = thrown.problems.length > 0 ? thrown.problems : [{ path: '(root)', why: thrown.message }];
    return problems.map((problem) => ({ level: 'problem', file, ...problem }));
  }
}
