/**
 * Everything that is wrong with a desk now: what `status` raises, read on from where it was, and the processors that died or hang.
 *
 * reads      what status-reader.ts reads, each record once; desk.claim anew where it has grown; committed offsets of all groups
 * writes     nothing
 * state      in memory
 * guarantee  the alerts of `status` over the same records
 */
import type { Clock } from '../../ports/clock.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { Alert } from '../alerts/alerts.ts';
import { Claims } from '../desk/claims.ts';
import { CONSUMER_GROUPS, groupsOf } from '../desk/consumer-groups.ts';
import { forEachRecord } from '../runtime/topic-cursor.ts';
import { policyInForce } from '../scoring/policy-history.ts';
import { Kept, StatusReader, type StatusTopics } from '../status/status-reader.ts';
import { lagOf } from '../watch/lag-watch.ts';
import { type GroupFigures, GroupProgress, lifelessAlerts } from '../watch/processors-gone.ts';
import type { StallLimits } from '../watch/stall-limits.ts';

/** Figures that compare weeks: they read far back, and change slowly. Unit: milliseconds. */
const COMPARE_EVERY_MS = 10 * 60_000;

/** The watch itself is not among the processors that it watches. */
const WATCHED = Object.values(CONSUMER_GROUPS)
  .flat()
  .map(({ name }) => name)
  .filter((name) => name !== TOPICS.deskAlert.name);

interface DeskAlertsOptions {
  readonly topics: StatusTopics;
  readonly limits: StallLimits;
  /** Paces what is compared seldom: the machine's. */
  readonly clock: Clock;
}

export class DeskAlerts {
  readonly #options: DeskAlertsOptions;
  readonly #policies: Kept<Awaited<ReturnType<typeof policyInForce>>>;
  readonly #claims: Kept<Claims>;
  readonly #progress = new GroupProgress();
  #reader: StatusReader | null = null;
  #readFor = '';
  #comparedAt = -Infinity;

  constructor(options: DeskAlertsOptions) {
    const { topics } = options;
    this.#options = options;
    this.#policies = new Kept(topics.log, [TOPICS.policyApplied.name], () => policyInForce(topics));
    this.#claims = new Kept(topics.log, [TOPICS.deskClaim.name], async () => {
      const claims = new Claims();
      await forEachRecord(topics, TOPICS.deskClaim.name, {}, (claim) => claims.apply(claim));
      return claims;
    });
  }

  /** The alerts that stand now, the most severe first. Throws what the log throws. */
  async evaluate(): Promise<readonly Alert[]> {
    const { topics, limits, clock } = this.#options;
    const { policy } = await this.#policies.get();
    // R is as the policy computes it.
    const readFor = JSON.stringify(policy);
    if (this.#reader === null || this.#reader.isVoid || this.#readFor !== readFor) {
      this.#reader = await StatusReader.open(topics, policy, limits);
      this.#readFor = readFor;
    }
    const startedAt = clock.now();
    const compared = startedAt - this.#comparedAt >= COMPARE_EVERY_MS;
    const { alerts, halted } = await this.#reader.report({ compared });
    if (compared) this.#comparedAt = startedAt;
    const now = topics.liveNow();
    // The embedded log has no processes that come and go: `dev` is all of them.
    if (now === null) return alerts;
    const claims = await this.#claims.get();
    const groups = this.#progress.alerts(await this.#groups(claims, halted.length > 0), now);
    const named = new Set(groups.map(({ scope }) => scope));
    const lifeless = lifelessAlerts(this.#reader.processes, claims, now).filter(({ scope }) => !named.has(scope));
    return [...groups, ...lifeless, ...alerts];
  }

  async #groups(claims: Claims, halted: boolean): Promise<readonly GroupFigures[]> {
    const { log } = this.#options.topics;
    const figures = new Map<string, GroupFigures>();
    for (const topic of new Set<TopicName>(WATCHED)) {
      const offsets = await log.offsets(topic);
      for (const group of groupsOf(topic, claims.all())) {
        const committed = await log.committed(group, topic);
        const before = figures.get(group) ?? {
          group,
          lag: 0,
          committed: null,
          halted: halted && group.startsWith('execution'),
        };
        const lag = offsets.reduce((sum, one) => sum + lagOf(one, committed.get(one.partition)), before.lag);
        const sum = [...committed.values()].reduce((all, offset) => all + offset, before.committed ?? 0);
        figures.set(group, { ...before, lag, committed: committed.size === 0 ? before.committed : sum });
      }
    }
    return [...figures.values()];
  }
}
