import { createServer } from 'node:net';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type BrokerPorts, LOOPBACK } from './server.ts';

const OPTIONS = {
  kafka: '--kafka-port',
  controller: '--controller-port',
  registry: '--registry-port',
} as const satisfies Record<keyof BrokerPorts, string>;

/** True when nothing listens on that port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Throws PORT_TAKEN with every port of `names` that is taken, and the option that changes it. */
export async function requireFree(ports: BrokerPorts, names: readonly (keyof BrokerPorts)[]): Promise<void> {
  const problems = [];
  for (const name of names) {
    const port = ports[name];
    if (!(await isFree(port))) {
      problems.push({ path: OPTIONS[name], why: `port ${port} of ${LOOPBACK} is taken by another program` });
    }
  }
  if (problems.length === 0) return;
  const said = problems.map(({ path, why }) => `${why}: choose another with \`${path} N\``);
  throw new HarvestlineError('PORT_TAKEN', said.join('\n'), { problems });
}
