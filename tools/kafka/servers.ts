/** The two servers: how each is configured, started and probed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { type BrokerPlace, LOOPBACK, type Server, addressesOf } from './broker-place.ts';
import type { Jars } from './java-tools.ts';

/** A heap for development. A broker of one node needs little, because its speed comes from the page cache. */
const HEAP = ['-Xms256m', '-Xmx768m'] as const;

/** For programs that run for a second: the optimising compiler would cost more than it saves. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] as const;

/** One attempt to reach a server on this machine. Unit: milliseconds. */
const PROBE_TIMEOUT_MS = 1000;

/** The size of a Kafka UUID, which has 22 characters as base64url. Unit: bytes. */
const UUID_BYTES = 16;

/** Apache Kafka in KRaft combined mode: broker and controller in one process. */
export const KAFKA_SERVER: Server = {
  name: 'kafka',
  port: (ports) => ports.kafka,

  prepare(place, jars, java) {
    mkdirSync(dataFolder(place), { recursive: true });
    writeFileSync(configFile(place), serverProperties(place));
    if (existsSync(join(dataFolder(place), 'meta.properties'))) return;
    const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId(place), '-c', configFile(place)];
    const { status, stdout, stderr } = spawnSync(java, [...SHORT_LIVED, ...classPath(jars), ...format], {
      encoding: 'utf8',
    });
    if (status !== 0) {
      const why = (stderr + stdout).trim();
      throw new HarvestlineError('SERVER_FAILED', `Kafka could not format ${dataFolder(place)}:\n${why}`);
    }
  },

  command: (place, jars) => [...HEAP, ...classPath(jars), 'kafka.Kafka', configFile(place)],

  async isReady(place) {
    const kafka = new Kafka({
      clientId: 'harvestline-broker-check',
      brokers: [addressesOf(place).brokers],
      connectionTimeout: PROBE_TIMEOUT_MS,
      requestTimeout: PROBE_TIMEOUT_MS,
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      const { brokers, controller } = await admin.describeCluster();
      return brokers.length > 0 && controller !== null;
    } catch {
      return false;
    } finally {
      await admin.disconnect();
    }
  },
};

/** The configuration of one node. Written at every start, so that changed ports take effect. */
export function serverProperties(place: BrokerPlace): string {
  const { kafka, controller } = place.ports;
  const { node, voters } = place.cluster ?? { node: 1, voters: [{ node: 1, controller }] };
  const copies = voters.length;
  const inSync = Math.max(1, copies - 1);
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': voters.map((one) => `${one.node}@${LOOPBACK}:${one.controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${LOOPBACK}:${kafka},CONTROLLER://${LOOPBACK}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${LOOPBACK}:${kafka}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataFolder(place),
    // Topics are created explicitly (`harvestline topics apply`), so that a misspelt name is an error.
    'auto.create.topics.enable': false,
    // A replica on each node. All but one of them must have a record before it is acknowledged.
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    // The default of 50 would cost seconds at the first consumer of a new broker.
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.num.partitions': 5,
    // After a kill -9 a node has to wait until its earlier session has expired, by default 9 seconds.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    // How soon preferred leaders take over again once they have caught up, by default 5 minutes.
    'leader.imbalance.check.interval.seconds': 1,
    // Allows short sessions. The default minimum is 6 seconds.
    'group.min.session.timeout.ms': 1000,
    // The first consumer of a group does not wait for others.
    'group.initial.rebalance.delay.ms': 0,
    ...place.settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The id of the cluster, derived from its folder, so that a folder always has the same one. */
function clusterId({ folder: own, cluster }: BrokerPlace): string {
  const folder = cluster?.folder ?? own;
  const bytes = createHash('sha256').update(folder).digest().subarray(0, UUID_BYTES);
  // Without the highest bit: a first character `-` would be taken for an option.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}

function classPath({ kafkaClassPath }: Jars): readonly string[] {
  // Without a format the log would have milliseconds since the start.
  const times = ['showDateTime=true', "dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX"];
  return [...times.map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`), '-cp', kafkaClassPath];
}

function dataFolder({ folder }: BrokerPlace): string {
  return join(folder, 'kafka');
}

function configFile({ folder }: BrokerPlace): string {
  return join(folder, 'server.properties');
}

/** The registry runs in 250 MB with the schemas of a desk. */
const REGISTRY_HEAP = '-Xmx256m';

/** Apicurio Registry 2.6, used only by its Confluent-compatible API. */
export const REGISTRY_SERVER: Server = {
  name: 'registry',
  port: (ports) => ports.registry,

  prepare({ folder }) {
    mkdirSync(join(folder, 'registry'), { recursive: true });
  },

  command: ({ folder, ports }, { registryJar }) => [
    REGISTRY_HEAP,
    `-Dquarkus.http.host=${LOOPBACK}`,
    `-Dquarkus.http.port=${ports.registry}`,
    // A file in place of the default H2 database in memory. WRITE_DELAY=0, because H2 would write half a second later, and a kill -9 would
    // lose what was answered already.
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
