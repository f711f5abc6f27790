/** Long output of one command on a terminal, a screen at a time, as git shows it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LineWriter } from '../../render/output.ts';
import { oneLine, shown } from '../../render/terminal.ts';
import { redactor } from './redactor.ts';

/** Quits where everything fits, passes colours, and leaves the text on the screen. */
const LESS_OPTIONS = 'FRX';

interface PagedOutput {
  readonly stdout: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--no-pager`: false. */
  readonly wanted: boolean;
}

/**
 * Writes lines to a terminal, through `PAGER`, or less where it is not set, if they are more than fit on it. `PAGER=cat`, an empty PAGER and a
 * pager that is not there: straight to the terminal, as into a pipe.
 */
export async function writePaged(lines: readonly string[], { stdout, env, wanted }: PagedOutput): Promise<void> {
  const [program, ...args] = (env['PAGER'] ?? 'less').split(' ').filter((word) => word !== '');
  const fits = stdout.rows === undefined || lines.length < stdout.rows;
  if (!wanted || !stdout.isTTY || fits || program === undefined || program === 'cat') return writeAll(lines, stdout);
  // The interrupt is the pager's: it stops a search, and the text stays.
  const ignored = (): void => {};
  process.on('SIGINT', ignored);
  try {
    // The child writes to the terminal itself, so what the guards of standard output do is done here.
    const text = lines.map((line) => `${shown(redactor.redact(oneLine(line)))}\n`).join('');
    if (!(await paged(program, args, text, { LESS: LESS_OPTIONS, ...env }))) await writeAll(lines, stdout);
  } finally {
    process.removeListener('SIGINT', ignored);
  }
}

/** False where the program could not be started. */
async function paged(
  program: string,
  args: readonly string[],
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const pager = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], env });
  // A reader that has seen enough closes its end: no error.
  pager.stdin.on('error', () => {});
  pager.stdin.end(text);
  try {
    await once(pager, 'close');
    return true;
  } catch {
    return false;
  }
}

async function writeAll(lines: readonly string[], stdout: NodeJS.WriteStream): Promise<void> {
  const writer = new LineWriter(stdout);
  for (const line of lines) await writer.write(line);
  await writer.flush();
}
