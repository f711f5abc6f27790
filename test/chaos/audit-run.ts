import { join } from 'node:path';
import type { ReadableTopics } from '../../pipelines/runtime/topic-cursor.ts';
import { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Clock } from '../../ports/clock.ts';
import { TOPICS, allTopicSpecs, isDeadLetterTopic } from '../../schemas/topics.ts';
import { auditLog } from '../cli/audit-data-folder.ts';
import { commitViolations } from './commit-audit.ts';
import { clmEffects, executionEffects } from './effect-audit.ts';
import { auditIntents } from './intent-audit.ts';
import { FLOWS, type Look, flowOf } from './log-watch.ts';
import { orderViolations } from './order-audit.ts';

/** Some seconds. */
const FORGIVEN_LOOKS = 10;

export interface RunAudit {
  readonly violations: readonly string[];
  /** What was counted, in the order to show it. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface AuditOptions {
  /** The data folder of the processes: the book of the paper exchange. */
  readonly folder: string;
  /** Snapshots that were produced. */
  readonly records: number;
  /** Every look at the log, the last one after all processes have ended. */
  readonly looks: readonly Look[];
  /** Of more than one broker leaders change: what a look says may be old for a moment. */
  readonly brokers: number;
  readonly clock: Clock;
}

/** Everything that must hold after a run, however often its processes were killed. */
export async function auditRun(
  world: ReadableTopics,
  { folder, records, looks, brokers, clock }: AuditOptions,
): Promise<RunAudit> {
  const forgiven = brokers > 1 ? FORGIVEN_LOOKS : 0;
  const intents = await auditIntents(world);
  const { violations: chain, contents } = await auditLog(world, folder);
  const { positionSnapshot, harvestIntent, executionReport, tradeClosed, clmOutcome } = TOPICS;
  const scoring = flowOf('scoring', positionSnapshot.name);
  const execution = flowOf('execution', harvestIntent.name);
  const clm = flowOf('clm', tradeClosed.name);
  const book = new PaperExchange({ path: join(folder, 'paper-exchange.sqlite'), clock, random: new SeededRandom(0) });
  try {
    const violations = [
      ...intents.violations,
      ...(intents.distinctSnapshots === records
        ? []
        : [`${intents.distinctSnapshots} of ${records} snapshots are there`]),
      ...chain,
      ...orderViolations(contents, book),
      ...commitViolations(scoring, harvestIntent.name, intents.effects, looks, forgiven),
      ...commitViolations(execution, executionReport.name, await executionEffects(world), looks, forgiven),
      ...commitViolations(clm, clmOutcome.name, await clmEffects(world), looks, forgiven),
      ...lagViolations(looks.at(-1)),
      ...(await deadLetterViolations(world)),
    ];
    const byStatus = Object.groupBy(contents.reports, ({ status }) => status);
    const byReason = Object.groupBy(byStatus.SUPPRESSED ?? [], ({ reason }) => reason);
    const figures = {
      'snapshot records': intents.snapshots,
      'snapshots that deserve an intent': intents.deserving,
      'intent records': intents.intentRecords,
      'different intents': intents.intents.size,
      'orders at the venue': [...book.orders()].length,
      'reports SUBMITTED': byStatus.SUBMITTED?.length ?? 0,
      'reports FILLED': byStatus.FILLED?.length ?? 0,
      'reports REJECTED': byStatus.REJECTED?.length ?? 0,
      'reports UNKNOWN': byStatus.UNKNOWN?.length ?? 0,
      ...Object.fromEntries(
        Object.entries(byReason).map(([reason, reports]) => [`reports SUPPRESSED ${reason}`, reports?.length ?? 0]),
      ),
      'trade records': contents.trades.length,
      'different trades': new Set(contents.trades.map(({ trade_id }) => trade_id)).size,
      'outcome records': contents.outcomes.length,
      'looks at the offsets': looks.length,
    };
    return { violations, figures };
  } finally {
    book.close();
  }
}

function lagViolations(last: Look | undefined): string[] {
  if (last === undefined) return ['nobody ever looked at the offsets'];
  return FLOWS.filter((flow) => last.lag(flow) !== 0).map(
    (flow) => `${flow.group} has left ${last.lag(flow)} records of ${flow.topic} uncommitted`,
  );
}

async function deadLetterViolations({ log }: ReadableTopics): Promise<string[]> {
  const violations: string[] = [];
  for (const { name } of allTopicSpecs()) {
    if (!isDeadLetterTopic(name)) continue;
    const records = (await log.offsets(name)).reduce((sum, { end }) => sum + end, 0);
    if (records > 0) violations.push(`${name} holds ${records} dead letters`);
  }
  return violations;
}
