/** What has to be true for whoever audits the desk afterwards, with the program's own command. */
import type { AuditResult } from '../../../pipelines/replay/audit-intents.ts';
import { auditHeadline, isProved } from '../../../pipelines/replay/audit-lines.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Evidence, Invariant } from './evidence.ts';

export const AUDIT_INVARIANTS = [
  {
    name: 'audit_finds_nothing',
    says: 'The audit proves every intent on the log: it is what its snapshot, policy and map give again, or retention has removed its snapshot.',
    *breaches(evidence) {
      // Intents and policies name the places of snapshots, which mean nothing in another topic of that name.
      if (evidence.raw.madeAnewAt(TOPICS.positionSnapshot.name) !== null) return;
      const audit = ofTheDesk(evidence);
      if (isProved(audit)) return;
      yield auditHeadline(audit);
      for (const { partition, offset, path, recorded, recomputed } of audit.differences)
        yield `intent ${partition}:${offset} has ${path} ${JSON.stringify(recorded)}, recomputed ${JSON.stringify(recomputed)}`;
      for (const { partition, offset, reason, what } of audit.unverifiable.listed)
        if (reason !== 'input_removed') yield `intent ${partition}:${offset} is unverifiable: ${reason}: ${what}`;
    },
  },
] as const satisfies readonly Invariant[];

/** The result without bytes that others wrote to the topic of intents: an audit rightly calls them unverifiable. What the desk itself writes decodes (own_records_are_valid). */
function ofTheDesk({ audit }: Evidence): AuditResult {
  const { total, reasons, listed } = audit.unverifiable;
  const { intent_undecodable: undecodable = 0, ...others } = reasons;
  const left = listed.filter(({ reason }) => reason !== 'intent_undecodable');
  return { ...audit, unverifiable: { total: total - undecodable, reasons: others, listed: left } };
}
