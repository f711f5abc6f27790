import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { onDiskAsync } from '../../connectors/system/disk-errors.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { type OutcomeRow, canonicalChunks } from '../../pipelines/calibration/dataset.ts';
import { parseLabelRule } from '../../pipelines/calibration/label-rule.ts';
import { reportPage } from '../../pipelines/calibration/page/report-page.ts';
import type { CalibrationReport } from '../../pipelines/calibration/report.ts';
import type { ExportedRows } from '../../pipelines/calibration/verify.ts';
import { readLines } from '../../pipelines/runtime/read-lines.ts';

/** The files of a version: the page, the report as JSON, and the canonical rows. */
interface ProposalFiles {
  readonly folder: string;
  readonly page: string;
  readonly json: string;
  readonly rows: string;
}

export function proposalFiles(folder: string, version: string): ProposalFiles {
  const own = join(folder, version);
  return {
    folder: own,
    page: join(own, 'report.html'),
    json: join(own, 'report.json'),
    rows: join(own, 'rows.jsonl.gz'),
  };
}

/**
 * Writes the files of a version into a folder of its own. Invariant:
 * CLC-1  The folder gets its name when all files are in it, and the record comes after it: a version on the topic has all its files. A
 *        folder without a record is of a proposal that was killed, and the next one replaces it.
 */
export async function writeProposalFiles(
  folder: string,
  report: CalibrationReport,
  rows: readonly OutcomeRow[],
): Promise<ProposalFiles> {
  const files = proposalFiles(folder, report.version);
  await onDiskAsync(files.folder, async () => {
    const unfinished = join(folder, `.${report.version}.unfinished`);
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const at = proposalFiles(folder, `.${report.version}.unfinished`);
    writeFileSync(at.page, reportPage(report));
    writeFileSync(at.json, `${JSON.stringify(report)}\n`);
    // Fast rather than small: the rows of a million outcomes are 300 MB of text.
    const gzip = createGzip({ level: constants.Z_BEST_SPEED });
    await pipeline(
      Readable.from(canonicalChunks(rows, parseLabelRule(report.label))),
      gzip,
      createWriteStream(at.rows),
    );
    rmSync(files.folder, { recursive: true, force: true });
    renameSync(unfinished, files.folder);
  });
  return files;
}

/** The rows of an export; null where there is no such file. Throws ROWS_INVALID with the line. */
export async function readExportedRows(file: string): Promise<ExportedRows | null> {
  if (!existsSync(file)) return null;
  const sha256 = createHash('sha256');
  const rows: OutcomeRow[] = [];
  let at = 0;
  try {
    for await (const lines of readLines(createReadStream(file).pipe(createGunzip()))) {
      for (const line of lines) {
        at = line.number;
        if (line.text === null) throw new Error(line.why);
        sha256.update(`${line.text}\n`);
        rows.push(JSON.parse(line.text) as OutcomeRow);
      }
    }
  } catch (cause) {
    throw new HarvestlineError('ROWS_INVALID', `${file}: line ${at}: ${messageOf(cause)}`, {
      at: { file, line: at },
      cause,
    });
  }
  return { hash: sha256.digest('hex'), rows };
}
