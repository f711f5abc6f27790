import type { Reach } from '../../ports/desk-probe.ts';
import { shellWord } from '../../render/output.ts';
import { type Check, fine, trouble } from './check.ts';

/** The targets of alerts: the file is whole, and something takes connections at each address. Nothing is sent. */
export function targetsCheck(
  file: string,
  reached: () => Promise<readonly (Reach & { readonly name: string })[]>,
): Check {
  return {
    name: 'notify',
    blocks: 'alerts reach nobody',
    examine: async () => {
      const targets = await reached();
      const away = targets.filter((target) => target.trouble !== null);
      const list = away.map(({ name, address, trouble: why }) => `${name} at ${address} (${why})`).join(', ');
      if (away.length > 0)
        return trouble(`not reached: ${list}`, `Mend the address in ${file}, or let this machine reach it.`);
      const names = targets.map(({ name }) => name).join(', ');
      return fine(`${names} reached; \`harvestline notify test --notify ${shellWord(file)}\` sends a message`);
    },
  };
}
