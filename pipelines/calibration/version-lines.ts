import { formatEventTime } from '../../render/event-time.ts';
import { programName } from '../../errors/program-name.ts';
import { fittingTable } from '../../render/tables.ts';
import { hanging } from '../../render/terminal-text.ts';
import { plural } from '../../render/figures.ts';
import { pc, printable } from '../../render/terminal.ts';
import type { ConfidenceCalibration } from '../../schemas/generated/records.ts';
import type { CalibrationVersions, VersionHistory } from '../scoring/confidence-map.ts';
import type { Verification } from './verify.ts';

/** A decision as `approve`, `reject`, `rollback` and `list` print it. */
export function decisionJson(record: ConfidenceCalibration): Readonly<Record<string, unknown>> {
  const { version, model_id, status, decided_at, decided_by, reason, overridden, restores } = record;
  return { version, model_id, status, decided_at, decided_by, reason, overridden, restores };
}

/** One version with its whole history, as one JSON object. */
export function versionJson(versions: CalibrationVersions, { version, records }: VersionHistory): object {
  const [proposal] = records;
  const latest = records.at(-1) ?? proposal;
  return {
    version,
    model_id: proposal.model_id,
    status: latest.status,
    in_force: versions.inForce(proposal.model_id)?.version === version,
    method: proposal.method.toLowerCase(),
    usable: proposal.counts.usable,
    broken_bounds: proposal.broken_bounds,
    parent: proposal.parent,
    history: records.map(decisionJson),
  };
}

/** All versions, each with a line for every record of it. */
export function versionLines(versions: CalibrationVersions, width: number): readonly string[] {
  const all = versions.all();
  if (all.length === 0) return [`nothing was proposed yet: ${programName()} calibrate propose`];
  return all.flatMap(({ version, records }) => {
    const [{ model_id, method, counts }] = records;
    const map = `${printable(model_id)}, ${method.toLowerCase()}, ${plural(counts.usable, 'outcome')}`;
    const heads = ['at', 'status', 'by, why'];
    const rows = records.map((record, index) => [
      formatEventTime(record.decided_at),
      stateText(versions, record, index === records.length - 1),
      printable(decidedText(record)),
    ]);
    return [
      ...hanging(`${pc.bold(version)}  `, map, width, INDENT.length),
      ...fittingTable(
        heads.map(() => ({ head: '' })),
        rows,
        width - INDENT.length,
      )
        .filter((line) => line !== '')
        .map((line) => INDENT + line),
    ];
  });
}

const INDENT = '  ';

function stateText(versions: CalibrationVersions, record: ConfidenceCalibration, latest: boolean): string {
  const inForce = latest && versions.inForce(record.model_id)?.version === record.version;
  return inForce ? pc.green('APPROVED, in force') : record.status;
}

function decidedText({ decided_by, reason, overridden, restores, status }: ConfidenceCalibration): string {
  const parts = [
    decided_by ?? '',
    reason ?? '',
    overridden.length > 0 ? `overrides ${overridden.join(', ')}` : '',
    status === 'ROLLED_BACK' ? `in force again: ${restores ?? 'raw confidence'}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** With more differences the topic was rewritten, and naming each helps nobody. Unit: differences. */
const SHOWN = 20;

/** A verification for a terminal. */
export function verificationLines({ version, verified, checks, differences }: Verification): readonly string[] {
  return [
    verified ? pc.green(`${version} is proved by its evidence`) : pc.red(`${version} is NOT proved by its evidence`),
    ...checks.map(
      ({ name, holds, detail }) => `  ${holds ? pc.green('holds') : pc.red('fails')}  ${name.padEnd(8)} ${detail}`,
    ),
    ...differences
      .slice(0, SHOWN)
      .flatMap(({ kind, where, position_id, partition, offset, fields }) => [
        printable(`  ${kind} in the ${where}: ${position_id} (${partition}@${offset})`),
        ...fields.map(({ field, recorded, found }) =>
          printable(`    ${field}: the fit saw ${JSON.stringify(recorded)}, now ${JSON.stringify(found)}`),
        ),
      ]),
    ...(differences.length > SHOWN ? [`  and ${differences.length - SHOWN} more: --json shows all`] : []),
  ];
}
