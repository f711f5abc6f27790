import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BrokerPlace } from './server.ts';

const PORT = z.int().min(1).max(65_535);
const PORTS = z.strictObject({ kafka: PORT, controller: PORT, registry: PORT });

/** Remembers the ports of the last start, so that `stop` and `status` need only the folder. */
export function writePorts({ folder, ports }: BrokerPlace): void {
  writeFileSync(join(folder, 'ports.json'), `${JSON.stringify(ports)}\n`);
}

/** The place that was started last in this folder, or null. */
export function placeOf(folder: string): BrokerPlace | null {
  const file = join(folder, 'ports.json');
  return existsSync(file) ? { folder, ports: PORTS.parse(JSON.parse(readFileSync(file, 'utf8'))) } : null;
}
