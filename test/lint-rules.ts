/**
 * Rules of our own for oxlint, against tests that cannot fail. The keys are ESLint's selectors over the syntax tree.
 */

interface Context {
  report(finding: { readonly node: object; readonly message: string }): void;
}

const IN_MATCH_OBJECT = "CallExpression[callee.property.name='toMatchObject']";
const REGEXP = ":matches(Literal[regex], NewExpression[callee.name='RegExp'])";

/** vitest compares a RegExp inside `toMatchObject` by its own properties, of which it has none: it matches everything. */
const noRegExpInMatchObject = {
  create: (context: Context) => ({
    [`${IN_MATCH_OBJECT} :matches(Property, ArrayExpression) > ${REGEXP}`](node: object): void {
      context.report({
        node,
        message: 'A RegExp in toMatchObject matches everything: write expect.stringMatching(…).',
      });
    },
  }),
};

/** The function that a property runs for each case. */
const PROPERTY =
  "CallExpression[callee.object.name='fc'][callee.property.name=/^(asyncP|p)roperty$/] > .arguments:last-child";
/** A branch that asserts, or that leaves before what asserts. */
const BRANCH = "IfStatement:has(:matches(CallExpression[callee.name='expect'], ReturnStatement:not([argument])))";
const COUNTS =
  ":has(:matches(CallExpression[callee.name='hit'], CallExpression[callee.object.name='fc'][callee.property.name='pre']))";

/**
 * A property that asserts only in a branch, or only behind an early return, holds over nothing as well. Its callback counts the
 * cases that reach the branch (`countedBranches` in test/fixtures/counted-branches.ts), or has others drawn in their place (`fc.pre`).
 */
const countedBranches = {
  create: (context: Context) => ({
    [`${PROPERTY}:not(${COUNTS}) ${BRANCH}`](node: object): void {
      context.report({
        node,
        message: 'Count how often this branch is reached: countedBranches (test/fixtures/counted-branches.ts).',
      });
    },
  }),
};

export default {
  meta: { name: 'tests' },
  rules: { 'no-regexp-in-match-object': noRegExpInMatchObject, 'counted-branches': countedBranches },
};
