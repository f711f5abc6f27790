/** The report of `status` again and again while the log grows, for as long as somebody looks. */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { policyInForce } from '../scoring/policy-history.ts';
import type { StallLimits } from '../watch/stall-limits.ts';
import { Kept, StatusReader, type StatusTopics } from './status-reader.ts';
import type { StatusReport } from './status-report.ts';

/** Between two reports: soon enough for a person who watches. Unit: milliseconds. */
const LOOK_EVERY_MS = 2000;

/** The pause after a report, as a multiple of what it took: watching has a fifth of one core at most. */
const PAUSE_SHARE = 4;

/** Figures that compare weeks are read anew this often. Unit: milliseconds. */
const COMPARE_EVERY_MS = 60_000;

/** What shows the reports. */
export interface StatusView {
  /** True once the output is closed. */
  readonly closed: boolean;
  /** `policy`: the policy in force, and where that is known from. */
  show(report: StatusReport, policy: readonly string[]): Promise<void>;
  /** The log does not answer; it is asked again. */
  unanswered(why: string): Promise<void>;
}

interface FollowOptions {
  readonly topics: StatusTopics;
  readonly limits: StallLimits;
  /** Paces the reports. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Until `signal` aborts or the output is closed. Throws what is not transient. */
export async function followStatus({ topics, limits, clock, signal }: FollowOptions, view: StatusView): Promise<void> {
  const policies = new Kept(topics.log, [TOPICS.policyApplied.name], () => policyInForce(topics));
  let reader: StatusReader | null = null;
  let readFor = '';
  let comparedAt = -Infinity;
  while (!signal.aborted && !view.closed) {
    const startedAt = clock.now();
    try {
      const inForce = await policies.get();
      // R is as the policy computes it.
      const policy = JSON.stringify(inForce.policy);
      if (reader === null || reader.isVoid || readFor !== policy) {
        reader = await StatusReader.open(topics, inForce.policy, limits);
        readFor = policy;
      }
      const compared = startedAt - comparedAt >= COMPARE_EVERY_MS;
      const report = await reader.report({ compared });
      if (compared) comparedAt = startedAt;
      if (signal.aborted) return;
      await view.show(report, inForce.lines);
    } catch (thrown) {
      if (!isKind(thrown, 'transient')) throw thrown;
      if (signal.aborted) return;
      await view.unanswered(messageOf(thrown));
    }
    const took = clock.now() - startedAt;
    await clock.sleep(Math.max(LOOK_EVERY_MS, PAUSE_SHARE * took), signal);
  }
}
