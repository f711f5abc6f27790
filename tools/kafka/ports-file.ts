import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BrokerPlace } from './server.ts';

const PORT = z.int().min(1).max(65_535);
const PORTS = z.strictObject({ kafka: PORT, controller: PORT, registry: PORT });

/** Remembers the ports of the last start, so that `stop` and `status` need only the folder. */
export function writePorts({ folder, ports }: BrokerPlace): void {
  // Whole or not there: others wait for it.
  const partial = join(folder, 'ports.json.partial');
  writeFileSync(partial, `${JSON.stringify(ports)}\n`);
  renameSync(partial, join(folder, 'ports.json'));
}

/** The place that was started last in this folder, or null. */
export function placeOf(folder: string): BrokerPlace | null {
  const file = join(folder, 'ports.json');
  return existsSync(file) ? { folder, ports: PORTS.parse(JSON.parse(readFileSync(file, 'utf8'))) } : null;
}
