/** What `dlq` prints for people. */
import { pc, printable } from '../../render/terminal.ts';
import { formatProblems } from '../../errors/harvestline-error.ts';
import { programName } from '../../errors/program-name.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { plainTable } from '../../render/tables.ts';
import type { Place } from './dead-letter.ts';
import type { CheckOutcome, DecodeAttempt, LetterReport } from './examine-letter.ts';
import type { DiscardOutcome } from './discard-letters.ts';
import type { LetterGroup } from './list-letters.ts';
import type { RetryOutcome } from './retry-letters.ts';

/** Bytes of a value shown on a terminal: sixteen lines; --json has all. */
const SHOWN_BYTES = 256;
const BYTES_A_LINE = 16;

/** Failing paths shown on a terminal: one record may have ten thousand. */
const SHOWN_PROBLEMS = 20;

/** `dlq list`: a table with a line for each group, and an example of each to copy. */
export function groupLines(groups: readonly LetterGroup[]): readonly string[] {
  const discarded = groups.reduce((sum, group) => sum + group.discarded, 0);
  const discardedLine =
    discarded === 0 ? [] : [pc.dim(`${discarded} discarded (letter.discarded says by whom and why)`)];
  const waiting = groups.filter(({ count }) => count > 0);
  if (waiting.length === 0) return [pc.green('no dead letters wait'), ...discardedLine];
  const table = plainTable(
    [
      { head: 'topic' },
      { head: 'code' },
      { head: 'letters', align: 'right' },
      { head: 'first' },
      { head: 'last' },
      { head: 'set aside up to' },
    ],
    waiting.map(({ topic, code, count, first, last, set_aside: setAside }) => [
      topic,
      printable(code ?? '(none)'),
      String(count),
      formatEventTime(first),
      formatEventTime(last),
      formatEventTime(setAside.last),
    ]),
  );
  const examples = waiting.map(
    ({ topic, example }) =>
      `${example.id}  ${programName()} dlq show ${topic} ${example.partition}:${example.offset}  ${pc.dim(printable(example.message ?? ''))}`,
  );
  const withoutBytes = waiting.reduce((sum, group) => sum + group.without_bytes, 0);
  const large = withoutBytes === 0 ? [] : [pc.yellow(`${withoutBytes} without their bytes: too large for their topic`)];
  return [...table, ...large, ...discardedLine, '', pc.bold('one of each'), ...examples];
}

/** `dlq show`. */
export function reportLines(report: LetterReport): readonly string[] {
  const { refused, source, attempt, value, discarded } = report;
  const recorded = `${source === null ? 'not said' : placeText(source)}, ${formatEventTime(report.recorded_at)}`;
  return [
    `${pc.bold('letter')}   ${report.id}, set aside ${formatEventTime(report.timestamp)}${report.retried ? pc.green(', put back already') : ''}`,
    ...(discarded === null
      ? []
      : [
          `${pc.bold('discarded')} by ${printable(discarded.by)}, ${formatEventTime(discarded.discarded_at)}: ${printable(discarded.reason)}`,
        ]),
    `${pc.bold('from')}     ${recorded}`,
    `${pc.bold('key')}      ${printable(report.key ?? '(none)')}`,
    `${pc.bold('refused')}  ${printable(outcomeText(refused))}${report.retries === 0 ? '' : `, after ${report.retries} retries`}`,
    ...leftOutLines(report),
    pc.bold('headers'),
    ...report.headers.map(([name, text]) => `  ${printable(name)}: ${text === null ? '(null)' : printable(text)}`),
    `${pc.bold('value')}    ${value === null ? 'none' : `${value.bytes} bytes`}`,
    ...(value === null ? [] : hexLines(Buffer.from(value.base64, 'base64'))),
    pc.bold('decoding now'),
    ...attemptLines(report, attempt),
  ];
}

function leftOutLines({ left_out: leftOut }: LetterReport): readonly string[] {
  if (leftOut === null) return [];
  const { value, key_bytes: keyBytes, headers, found, why } = leftOut;
  const parts = [
    value === null ? '' : `the value (${value.bytes} bytes, SHA-256 ${value.sha256})`,
    keyBytes === null ? '' : `the key (${keyBytes} bytes)`,
    headers === 0 ? '' : `${headers} headers`,
  ].filter((part) => part !== '');
  const where = found === 'nowhere' ? pc.red(why ?? 'they are nowhere') : 'what follows is from its source topic';
  return [`${pc.bold('left out')} ${parts.join(', ')}: too large for the dead-letter topic; ${where}`];
}

function attemptLines(
  { topic, partition, offset }: Pick<LetterReport, 'topic' | 'partition' | 'offset'>,
  { schema_id: id, schema_guid: guid, check, ...attempt }: DecodeAttempt,
): readonly string[] {
  const lines: string[] = [];
  const where = attempt.schema_id_in === 'header' ? ' in a header' : '';
  if (id !== null) lines.push(`  wire format: yes, schema id ${id}${where}`);
  else if (guid !== null) lines.push(`  wire format: yes, schema GUID ${guid}${where}`);
  else if (check.code === 'SCHEMA_ID_IN_HEADER')
    lines.push(`  wire format: ${pc.red('no')}: its schema is named in a header`);
  else lines.push(`  wire format: ${pc.red('no')}: it does not start with byte 0 and a schema id`);
  if (attempt.schema_known === false) lines.push(`  schema: ${pc.red('unknown to the registry')}`);
  if (attempt.schema_known === true) {
    const version =
      attempt.schema_version === null ? "no version of this topic's subject" : `version ${attempt.schema_version}`;
    lines.push(`  schema: ${attempt.schema_name ?? 'no named type'}, ${version}`);
    if (attempt.decode_error === null) lines.push(`  record: ${printable(JSON.stringify(attempt.record))}`);
    else lines.push(`  record: ${pc.red(printable(attempt.decode_error))}`);
  }
  if (check.passes)
    return [
      ...lines,
      `  check: ${pc.green('passes')}: \`${programName()} dlq retry ${topic} ${partition}:${offset}\` takes it`,
    ];
  lines.push(`  check: ${pc.red(check.code ?? 'fails')}`);
  if (check.problems.length === 0) lines.push(`    ${printable(check.message ?? '')}`);
  const problems = check.problems
    .slice(0, SHOWN_PROBLEMS)
    .map(({ path, why }) => `    ${printable(`${path}: ${why}`)}`);
  const more = check.problems.length - problems.length;
  return [...lines, ...problems, ...(more === 0 ? [] : [pc.dim(`    … ${more} more; --json has all`)])];
}

/** One letter of `dlq retry`. */
export function outcomeLine(outcome: RetryOutcome): string {
  const { state, to, retries, refused } = outcome;
  if (refused !== null) return `${pc.red('refused')}  ${placeText(outcome)}: ${printable(outcomeText(refused))}`;
  return `${pc.green(state)}  ${placeText(outcome)} to ${to}, retry ${retries ?? 0}`;
}

/** One letter of `dlq discard`. */
export function discardLine({ id, state, code, message, by, reason }: DiscardOutcome): string {
  const refused = printable([code, message].filter((part) => part !== null).join(': '));
  switch (state) {
    case 'discarded before':
      return `${pc.dim(state)}  ${id}, by ${printable(by ?? '')}: ${printable(reason ?? '')}`;
    case 'put back before':
      return `${pc.dim(state)}  ${id}: it waits for nobody`;
    case 'unknown':
      return `${pc.red(state)}  ${id}: there is no letter at this offset`;
    default:
      return `${pc.green(state)}  ${id}  ${pc.dim(refused)}`;
  }
}

function outcomeText({ code, message, problems }: Omit<CheckOutcome, 'passes'>): string {
  const why = problems.length > 0 ? formatProblems(problems) : message;
  return [code, why].filter((part) => part !== null).join(': ');
}

function placeText({ topic, partition, offset }: Place): string {
  return `${topic} ${partition}:${offset}`;
}

function hexLines(bytes: Buffer): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < Math.min(bytes.length, SHOWN_BYTES); start += BYTES_A_LINE) {
    const part = bytes.subarray(start, Math.min(start + BYTES_A_LINE, SHOWN_BYTES));
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '.')).join('');
    lines.push(`  ${pc.dim(start.toString(16).padStart(4, '0'))}  ${hex.padEnd(BYTES_A_LINE * 3)} ${ascii}`);
  }
  if (bytes.length > SHOWN_BYTES) lines.push(pc.dim(`  … ${bytes.length - SHOWN_BYTES} bytes more; --json has all`));
  return lines;
}
