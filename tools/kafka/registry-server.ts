import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOOPBACK, type Server, addressesOf } from './server.ts';

/** It runs in 250 MB; this leaves room for the schemas of a desk. */
const HEAP = '-Xmx256m';

/** One attempt to reach a server on this machine. Unit: milliseconds. */
const PROBE_TIMEOUT_MS = 1000;

/** Apicurio Registry 2.6, used through nothing but its Confluent-compatible API. */
export const REGISTRY_SERVER: Server = {
  name: 'registry',
  port: (ports) => ports.registry,

  prepare({ folder }) {
    mkdirSync(join(folder, 'registry'), { recursive: true });
  },

  command: ({ folder, ports }, { registryJar }) => [
    HEAP,
    `-Dquarkus.http.host=${LOOPBACK}`,
    `-Dquarkus.http.port=${ports.registry}`,
    // The distribution keeps its data in an H2 database in memory; a file makes it last. WRITE_DELAY=0: H2 would
    // otherwise write half a second later, and a kill -9 would lose what was answered before.
    `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'registry', 'registry')};WRITE_DELAY=0`,
    '-jar',
    registryJar,
  ],

  async isReady(place) {
    try {
      const response = await fetch(`${addressesOf(place).registryUrl}/subjects`, {
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  },
};
