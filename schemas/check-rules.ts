/** Structure (check-record.ts) and the rules over several fields (record-rules.ts) together: what a record is held against. */
import type { Problem } from '../errors/harvestline-error.ts';
import { compileCheck } from './check-record.ts';
import { loadSchema } from './load-schema.ts';
import { RECORD_RULES, type RecordRule } from './record-rules.ts';
import type { Topic, TopicName } from './topics.ts';

/**
 * Whether a record whose structure is good keeps every rule. Generated source: each rule is called from a place of its own there, so that it is
 * compiled into the check, which runs for every record.
 */
export function compileRules(rules: readonly RecordRule<never>[]): (record: object) => boolean {
  const names = rules.map((_, index) => `rule${index}`);
  const keeps = ['true', ...names.map((name) => `${name}(record) === null`)].join(' && ');
  // oxlint-disable-next-line no-implied-eval -- made of numbered names alone
  return new Function(...names, `'use strict'; return (record) => ${keeps};`)(
    ...rules.map(({ violation }) => violation),
  ) as (record: object) => boolean;
}

/** The problems of its structure, and those of the rules whose fields have none. */
export function withRules(
  structural: readonly Problem[],
  rules: readonly RecordRule<never>[],
  record: unknown,
): readonly Problem[] {
  if (typeof record !== 'object' || record === null) return structural;
  let problems: Problem[] | undefined;
  for (const rule of rules) {
    if (structural.length > 0 && rule.needs.some((field) => concerns(structural, field))) continue;
    const why = rule.violation(record as never);
    if (why !== null) (problems ??= [...structural]).push({ path: rule.path, why });
  }
  return problems ?? structural;
}

function concerns(problems: readonly Problem[], field: string): boolean {
  return problems.some(({ path }) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
}

/**
 * The same check without a registry or bytes, for records that arrive as JSON. `topic`'s schema is read once; the
 * returned function gives every problem of a value, none for a good one.
 */
export function recordChecker<N extends TopicName>(
  topic: Topic & { readonly name: N },
): (value: unknown) => readonly Problem[] {
  const check = compileCheck(loadSchema(topic));
  const rules = RECORD_RULES[topic.name] as readonly RecordRule<never>[];
  return (value) => withRules(check(value), rules, value);
}
