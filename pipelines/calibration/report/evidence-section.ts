import type { CalibrationReport } from '../report.ts';
import { dataTable } from '../../../render/data-table.ts';
import { count } from '../../../render/figures.ts';
import { type Content, type Markup, markup } from '../../../render/markup.ts';
import { nextSteps } from './verdict.ts';

/** What it was fitted from, exactly, and how anybody can fit it again. */
export function evidenceSection(report: CalibrationReport): Markup {
  const { evidence } = report;
  const columns = [
    { head: 'Partition', align: 'right' },
    { head: 'From offset', align: 'right' },
    { head: 'Up to, not including', align: 'right' },
  ] as const;
  const rows = evidence.ranges.map(({ partition, from, to }) => [partition, from, to]);
  return markup`<section id="evidence" class="whole"><h2>Evidence</h2>
<p class="lead">The same records give the same map. This replays them, fits again and compares hash, map and scores:</p>
<p><span class="code">${nextSteps(report).verify}</span></p>
<dl class="facts">
${fact('Topic', evidence.topic)}
${fact('Rows', `${count(evidence.rows)} final outcomes of ${report.model_id}`)}
${fact('SHA-256 of the rows', markup`<span class="code">${evidence.dataset_hash}</span>`)}
${fact('Schema ids', evidence.schema_ids.join(', '))}
${fact('Label rule', report.label_rule)}
${fact('Replaces', report.parent ?? 'raw confidence: no version was in force')}
${fact('Program version', report.program_version)}</dl>
${dataTable('Offsets read', columns, [{ rows }])}</section>`;
}

function fact(name: string, value: Content): Markup {
  return markup`<dt>${name}</dt><dd>${value}</dd>`;
}
