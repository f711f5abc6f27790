import { pc, printable } from '../../render/terminal.ts';
import { terminalWidth } from '../../render/output.ts';
import { plainTable } from '../../render/tables.ts';
import type { Kept } from './proposal-json.ts';
import type { Proposal } from './propose.ts';
import { candidatesText, noRelationHeadline } from './report-words.ts';
import { terminalReport } from './terminal-report.ts';

type Refused = Extract<Proposal, { kind: 'refused' }>;

/** What became of each model, for people. */
export function proposalLines(proposals: readonly Proposal[], { dryRun, folder }: Kept): readonly string[] {
  return proposals.flatMap((proposal) => {
    if (proposal.kind === 'refused') return refusalLines(proposal);
    if (proposal.kind === 'known') {
      const { version } = proposal.proposal;
      if (proposal.inForce)
        return [`${printable(proposal.model)}: ${version} is in force, and this evidence gives the same map: gain 0`];
      return [
        `${printable(proposal.model)}: proposed before from the same evidence: ${version}, ${proposal.status} now`,
      ];
    }
    const { report } = proposal;
    return [
      ...terminalReport(report, terminalWidth()),
      dryRun ? 'dry run: nothing was written' : `the whole report: ${folder}/${report.version}/report.html`,
    ];
  });
}

function refusalLines({ model, unmet, tried }: Refused): readonly string[] {
  const whose = model === null ? 'no outcome names a model' : printable(model);
  const rows = unmet.map(({ condition, have, need, why }) => [
    condition,
    String(have),
    need === 0 ? 'none' : String(need),
    why,
  ]);
  return [
    ...(tried === undefined ? [] : [pc.red(pc.bold(noRelationHeadline(tried.candidates)))]),
    `${pc.red('refused')} ${whose}: ${unmet.length} ${unmet.length === 1 ? 'condition is' : 'conditions are'} not met`,
    ...plainTable(
      [{ head: 'condition' }, { head: 'have', align: 'right' }, { head: 'need', align: 'right' }, { head: 'why' }],
      rows,
    ),
    ...(tried === undefined ? [] : [candidatesText(tried.candidates)]),
  ];
}
