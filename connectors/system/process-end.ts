/** What a command leaves open ends by itself in a moment, or never. Unit: milliseconds. */
const LINGER_MS = 2000;

/**
 * A command is done: its process ends by itself, or after LINGER_MS whatever connections are still open. What was written is handed over
 * first. The exit code is `process.exitCode`.
 */
export function endSoon(): void {
  // Alone it keeps no process.
  setTimeout(() => void exit(), LINGER_MS).unref();
}

async function exit(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit();
}
