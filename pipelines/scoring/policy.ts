import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import legacy from './policies/legacy.json' with { type: 'json' };
import current from './policies/2026-02-07.json' with { type: 'json' };
import { type Policy, policyFileSchema } from './policy-schema.ts';

export {
  type ConditionName,
  EXIT_FACTORS,
  type FactorName,
  type FractionFormula,
  HOLD_FACTORS,
  type Policy,
  type PolicyRule,
  PROFIT_RUNG,
} from './policy-schema.ts';

/** Checks a policy read from `file`. Throws POLICY_INVALID with every failing path at once. */
export function parsePolicy(value: unknown, file: string): Policy {
  const result = policyFileSchema.safeParse(value);
  if (result.success) {
    const { $schema: _forEditors, ...policy } = result.data;
    return policy;
  }
  const problems = result.error.issues.flatMap((issue): readonly Problem[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: pathText([...issue.path, key]), why: 'is not a key of a policy' }))
      : [{ path: pathText(issue.path), why: issue.message }],
  );
  throw new HarvestlineError('POLICY_INVALID', `${file}: ${formatProblems(problems)}`, { at: { file }, problems });
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '(root)' : text.replace(/^\./, '');
}

/** The policies that come with the program, by id. */
export const BUILT_IN_POLICIES: ReadonlyMap<string, Policy> = new Map(
  [parsePolicy(current, '2026-02-07.json'), parsePolicy(legacy, 'legacy.json')].map((policy) => [policy.id, policy]),
);

/** What scores when nobody says otherwise. */
export const DEFAULT_POLICY_ID = '2026-02-07';

export function defaultPolicy(): Policy {
  const policy = BUILT_IN_POLICIES.get(DEFAULT_POLICY_ID);
  if (policy === undefined) throw new TypeError(`no policy ${DEFAULT_POLICY_ID}`);
  return policy;
}
