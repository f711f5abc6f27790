import type { CalibrationReport } from '../report.ts';
import { decisionsSection } from './decisions-section.ts';
import { evidenceSection } from './evidence-section.ts';
import { mapSection } from './map-section.ts';
import { markup, trusted } from '../../../render/markup.ts';
import { outcomesSection } from './outcomes-section.ts';
import { slicesSection } from './slices-section.ts';
import { scoresSection } from './scores-section.ts';
import { STYLE } from '../../../render/style.ts';
import { summarySection } from './summary-section.ts';

/** The report as one HTML page that needs nothing else: no script, no font, no network. */
export function reportPage(report: CalibrationReport): string {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Calibration ${report.version} of ${report.model_id}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
${summarySection(report)}
${scoresSection(report)}
${mapSection(report)}
${outcomesSection(report)}
${slicesSection(report)}
${decisionsSection(report)}
${evidenceSection(report)}
</main>
</body>
</html>
`;
  return page.text;
}
