/**
 * A policy file that says only how it differs from another policy. It is resolved to a whole policy before anything else sees it, so decisions,
 * records and replays never depend on a second file.
 */
import { z } from 'zod';
import { type Problem, isKind } from '../../errors/harvestline-error.ts';
import { didYouMean } from '../../errors/nearest.ts';
import {
  MOST_RULES,
  type Policy,
  type PolicyRule,
  checkPolicy,
  defaultPolicy,
  pointsSchema,
  policyFileSchema,
  policyInvalid,
  thresholdsSchema,
  ruleSchema,
} from './policy.ts';

/** Among the rules of an extending file: all rules of the extended policy that the file does not name. */
const ALL_OTHERS = '...';

/** A policy by its id or file, as `extends` names it. Throws USAGE or POLICY_INVALID. */
type LoadBase = (idOrFile: string) => Policy;

/** What a file that extends another policy may have: for editors and for the guide. It is checked as the whole policy that it makes. */
const extendingFileSchema = z.strictObject({
  $schema: policyFileSchema.shape.$schema,
  id: policyFileSchema.shape.id,
  extends: z
    .string()
    .min(1)
    .describe(
      'The policy that this one is made from: the id of a built-in one, or a file, from the folder of this one.',
    ),
  description: policyFileSchema.shape.description,
  points: pointsSchema.partial().optional().describe('Those that differ; all others are as in the extended policy.'),
  profit_rungs: policyFileSchema.shape.profit_rungs
    .optional()
    .describe('All rungs, in place of those of the extended policy.'),
  thresholds: thresholdsSchema
    .partial()
    .optional()
    .describe('Those that differ; all others are as in the extended policy.'),
  costs: policyFileSchema.shape.costs.optional().describe('In place of those of the extended policy.'),
  rules: z
    .array(
      z.union([z.string().describe('The name of a rule of the extended policy, or ... for all others.'), ruleSchema]),
    )
    .max(MOST_RULES)
    .optional()
    .describe(
      'All rules in their new order, in place of those of the extended policy. A name alone stands for the rule of that name there, "..." for all rules there that are not named here. A rule there that nothing names is left out.',
    ),
});

/** The schema of a policy file, whole or extending another, as JSON Schema draft 7. It lacks what `refine` checks. */
export function policyFileJsonSchema(): Readonly<Record<string, unknown>> {
  const extending = extendingFileJsonSchema();
  const { $schema, ...whole } = z.toJSONSchema(policyFileSchema, { target: 'draft-7', io: 'input' });
  const extendsAnother = { required: ['extends'] };
  // Two cases rather than a choice of two shapes, so that an editor names what is wrong with the shape that is meant.
  return {
    $schema,
    allOf: [
      { if: extendsAnother, else: whole },
      { if: { not: extendsAnother }, else: extending },
    ],
  };
}

export function extendingFileJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema: _draft, ...schema } = z.toJSONSchema(extendingFileSchema, { target: 'draft-7', io: 'input' });
  return schema;
}

/**
 * The policy of a file's value, whole or extending another. Throws POLICY_INVALID.
 *
 * SCO-31  A file that extends another gives the same policy, and so the same digest, as the whole file with the same settings.
 * SCO-32  Every failing path of the file is named at once, with what is wrong with the policy that it extends at `extends`.
 */
export function parsePolicyFile(value: unknown, file: string, loadBase: LoadBase): Policy {
  const given = objectOf(value);
  const { policy, problems } =
    given === null || !('extends' in given) ? checkPolicy(value) : checkExtending(given, loadBase);
  if (policy === null || problems.length > 0) throw policyInvalid(file, problems);
  return policy;
}

type Json = Readonly<Record<string, unknown>>;

function checkExtending(
  given: Json,
  loadBase: LoadBase,
): { readonly policy: Policy | null; readonly problems: readonly Problem[] } {
  const found = baseOf(given['extends'], loadBase);
  // Without it the file's own settings are checked beside any others.
  const base = found.policy ?? defaultPolicy();
  const rules = rulesOf(given['rules'], base, found.policy !== null);
  const { extends: _base, ...own } = given;
  const { id: _id, description: _description, ...inherited } = base;
  const { policy, problems } = checkPolicy({
    ...inherited,
    ...own,
    points: merged(base.points, own['points']),
    thresholds: merged(base.thresholds, own['thresholds']),
    rules: rules.rules,
  });
  return { policy, problems: [...found.problems, ...problems.map(rules.asGiven), ...rules.problems] };
}

function baseOf(
  named: unknown,
  loadBase: LoadBase,
): { readonly policy: Policy | null; readonly problems: readonly Problem[] } {
  if (typeof named !== 'string' || named === '')
    return { policy: null, problems: [{ path: 'extends', why: 'must be the id of a built-in policy, or a file' }] };
  try {
    return { policy: loadBase(named), problems: [] };
  } catch (thrown) {
    if (!isKind(thrown, 'poison') && !isKind(thrown, 'usage')) throw thrown;
    return { policy: null, problems: [{ path: 'extends', why: thrown.message }] };
  }
}

/** What is given in place of the same settings of the base. What is no object is left for the check to refuse. */
function merged(base: object, own: unknown): unknown {
  if (own === undefined) return base;
  const differing = objectOf(own);
  return differing === null ? own : { ...base, ...differing };
}

interface ResolvedRules {
  readonly rules: unknown;
  readonly problems: readonly Problem[];
  /** A problem of the resolved rules with its path in the file. */
  readonly asGiven: (problem: Problem) => Problem;
}

/** The rules in their order, with rules of the base in place of names. */
function rulesOf(given: unknown, { rules }: Policy, baseIsKnown: boolean): ResolvedRules {
  if (!Array.isArray(given))
    return { rules: given === undefined ? rules : given, problems: [], asGiven: (problem) => problem };
  const problems: Problem[] = [];
  const named = new Set(given.map(nameOf));
  const resolved = given.flatMap(
    (rule: unknown, index): readonly { readonly rule: unknown; readonly index: number }[] => {
      if (typeof rule !== 'string') return [{ rule, index }];
      const wrong = (why: string): void => void problems.push({ path: `rules[${index}]`, why });
      if (rule === ALL_OTHERS) {
        if (given.indexOf(ALL_OTHERS) !== index) wrong(`${ALL_OTHERS} comes twice`);
        return rules.filter(({ name }) => !named.has(name)).map((other) => ({ rule: other, index }));
      }
      const known = rules.find(({ name }) => name === rule);
      const names = rules.map(({ name }) => name);
      if (known === undefined && baseIsKnown) wrong(`the extended policy has no rule ${didYouMean(rule, names)}`);
      return [{ rule: known ?? standIn(rule), index }];
    },
  );
  const asGiven = ({ path, why }: Problem): Problem => ({
    path: path.replace(/^rules\[(\d+)\]/, (_, at: string) => `rules[${resolved[Number(at)]?.index ?? at}]`),
    why,
  });
  return { rules: resolved.map(({ rule }) => rule), problems, asGiven };
}

function nameOf(rule: unknown): unknown {
  return typeof rule === 'string' ? rule : objectOf(rule)?.['name'];
}

/** In place of a rule that is not known, so that the rules after it keep their places in what else is wrong. */
function standIn(name: string): PolicyRule {
  return { name: name.slice(0, 64) || '?', when: {}, action: 'CLOSE' };
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
