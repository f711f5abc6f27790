/** Where a broker is: its folder, its ports and its addresses. Also the file that remembers the ports, and the check that they are free. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Jars } from './java-tools.ts';
import type { ServerName } from './processes.ts';

/** All on 127.0.0.1. */
export interface BrokerPorts {
  readonly kafka: number;
  readonly controller: number;
  readonly registry: number;
}

/** The place of a broker: the absolute folder that it writes to, and its ports. */
export interface BrokerPlace {
  readonly folder: string;
  readonly ports: BrokerPorts;
  /** Set for a node of a cluster of several brokers. */
  readonly cluster?: ClusterNode;
  /** Kafka settings besides the common ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A node of a cluster. */
interface ClusterNode {
  readonly node: number;
  /** The folder that all nodes share: the cluster's id derives from it. */
  readonly folder: string;
  /** The number and controller port of every node. */
  readonly voters: readonly { readonly node: number; readonly controller: number }[];
}

/** One of the two programs, Kafka or the registry. */
export interface Server {
  readonly name: ServerName;
  port(ports: BrokerPorts): number;
  /** Makes what it needs before a start: folders, a configuration, a formatted log. Throws SERVER_FAILED. */
  prepare(place: BrokerPlace, jars: Jars, java: string): void;
  /** The arguments of `java`. */
  command(place: BrokerPlace, jars: Jars): readonly string[];
  /** True once clients can use it. Never throws. */
  isReady(place: BrokerPlace): Promise<boolean>;
}

export const LOOPBACK = '127.0.0.1';

/** The addresses for clients, by the environment variables of this program: KAFKA_BROKERS and SCHEMA_REGISTRY_URL. */
export function addressesOf({ ports }: BrokerPlace): { readonly brokers: string; readonly registryUrl: string } {
  return { brokers: `${LOOPBACK}:${ports.kafka}`, registryUrl: `http://${LOOPBACK}:${ports.registry}/apis/ccompat/v7` };
}

const PORT = z.int().min(1).max(65_535);
const PORTS = z.strictObject({ kafka: PORT, controller: PORT, registry: PORT });

/** Writes the ports of a start to the folder, so that `status` needs only the folder. */
export function writePorts({ folder, ports }: BrokerPlace): void {
  // Renamed into place, because other processes wait for the file.
  const partial = join(folder, 'ports.json.partial');
  writeFileSync(partial, `${JSON.stringify(ports)}\n`);
  renameSync(partial, join(folder, 'ports.json'));
}

/** The place of the latest start in a folder; null before the first. */
export function placeOf(folder: string): BrokerPlace | null {
  const file = join(folder, 'ports.json');
  return existsSync(file) ? { folder, ports: PORTS.parse(JSON.parse(readFileSync(file, 'utf8'))) } : null;
}

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
