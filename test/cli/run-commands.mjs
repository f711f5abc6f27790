/**
 * Runs commands of the program one after the other in one process, and begins the output of each on either stream with a line `# N` of its own.
 * Arguments: `terminal` or `pipe`, which is what the streams are taken for, and the commands' arguments as JSON.
 */
const [, , kind, commands] = process.argv;
const streams = [process.stdout, process.stderr];
if (kind === 'terminal') for (const stream of streams) Object.assign(stream, { isTTY: true, columns: 100, rows: 40 });
for (const emitter of [process, ...streams]) emitter.setMaxListeners(0);
const { main } = await import('../../cli/main.ts');
for (const [index, args] of JSON.parse(commands).entries()) {
  for (const stream of streams) stream.write(`\n# ${index}\n`);
  await main([process.argv[0], 'harvestline', ...args]);
}
