import { pc, printable } from '../../render/terminal.ts';
import type { Verification } from './verify.ts';

/** More than this many are a rewritten topic, not a changed record. Unit: differences. */
const SHOWN = 20;

/** A verification for people. */
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
