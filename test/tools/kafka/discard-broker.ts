import { rmSync } from 'node:fs';
import { kill } from '../../../tools/kafka/processes.ts';
import { SERVERS } from '../../../tools/kafka/start-servers.ts';
import type { Clock } from '../../../ports/clock.ts';

/** kill -9 for both servers of a broker's folder, which is then removed: nothing in it is needed any more. */
export async function discard(folder: string, clock: Clock): Promise<void> {
  await Promise.all(SERVERS.map(({ name }) => kill(folder, name, clock)));
  rmSync(folder, { recursive: true, force: true });
}
