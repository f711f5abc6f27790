/**
 * The checks of `doctor`, and how they are made: side by side, each with a bound.
 *
 * DOC-1  A check that hangs or throws costs itself and those that need it, never the others.
 * DOC-2  A check ends within its limit, counted from when those that it needs have passed.
 * DOC-3  A check that could not be made is never ok: what it would have found is not known.
 */
import { asCalled } from '../../errors/program-name.ts';
import { HarvestlineError, formatProblems, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';

/** What a check found. */
export type Finding =
  | { readonly kind: 'fine'; readonly detail: string }
  | { readonly kind: 'trouble'; readonly detail: string; readonly remedy: string };

export interface Check {
  readonly name: string;
  /** Names of earlier checks without which this one says nothing. */
  readonly needs?: readonly string[];
  /** What its failure means for those that need it, as a clause: `the broker does not answer`. */
  readonly blocks: string;
  readonly examine: () => Promise<Finding> | Finding;
}

/** `state` tells a check that failed from one that was not made. */
export interface CheckResult {
  readonly name: string;
  readonly state: 'fine' | 'trouble' | 'not-made';
  readonly detail: string;
  /** What to do, best a command; null where nothing is to be done here. */
  readonly remedy: string | null;
}

export interface Examination {
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
}

/** The limit of a check. Unit: milliseconds. */
export const CHECK_LIMIT_MS = 10_000;

const MS_PER_SECOND = 1000;

export function fine(detail: string): Finding {
  return { kind: 'fine', detail };
}

export function trouble(detail: string, remedy: string): Finding {
  return { kind: 'trouble', detail, remedy };
}

/** The finding of something thrown: what it says, and the remedy of its code, or `remedy`. */
export function troubleOf(thrown: unknown, remedy?: string): Finding {
  if (thrown instanceof HarvestlineError) {
    const { message, problems } = thrown;
    const unnamed = problems.filter(({ why }) => !message.includes(why));
    const detail = unnamed.length === 0 ? message : `${message}: ${formatProblems(unnamed)}`;
    return trouble(detail, remedy ?? thrown.remedy);
  }
  return trouble(messageOf(thrown), remedy ?? 'If the message names nothing that you can mend, report it.');
}

/** Makes the checks, and returns their results in the order given. */
export async function examine(checks: readonly Check[], clock: Clock): Promise<Examination> {
  const made = new Map<string, Promise<CheckResult>>();
  const blocks = new Map(checks.map((check) => [check.name, check.blocks]));
  for (const check of checks) {
    const needed = (check.needs ?? []).flatMap((name) => made.get(name) ?? []);
    made.set(check.name, resultOf(check, needed, blocks, clock));
  }
  const results = await Promise.all(made.values());
  return { ok: results.every(({ state }) => state === 'fine'), checks: results };
}

async function resultOf(
  check: Check,
  needed: readonly Promise<CheckResult>[],
  blocks: ReadonlyMap<string, string>,
  clock: Clock,
): Promise<CheckResult> {
  const { name } = check;
  const earlier = await Promise.all(needed);
  const failed = earlier.find(({ state }) => state === 'trouble') ?? earlier.find(({ state }) => state !== 'fine');
  if (failed !== undefined) {
    // DOC-3. Whatever kept the earlier check from being made keeps this one, too.
    const detail = failed.state === 'trouble' ? `not checked: ${blocks.get(failed.name)}` : failed.detail;
    return { name, state: 'not-made', detail, remedy: null };
  }
  const found = await withinLimit(check, clock);
  return {
    name,
    state: found.kind,
    detail: asCalled(found.detail),
    remedy: found.kind === 'fine' ? null : asCalled(found.remedy),
  };
}

/** DOC-1, DOC-2. */
async function withinLimit(check: Check, clock: Clock): Promise<Finding> {
  const answered = new AbortController();
  const examined = (async () => check.examine())().catch((thrown: unknown) => troubleOf(thrown));
  const overdue = clock
    .sleep(CHECK_LIMIT_MS, answered.signal)
    .then(() =>
      trouble(
        `no answer within ${CHECK_LIMIT_MS / MS_PER_SECOND} s`,
        'What was asked hangs: see whether it is overloaded, or whether a firewall swallows the connection.',
      ),
    );
  try {
    return await Promise.race([examined, overdue]);
  } finally {
    answered.abort();
  }
}
