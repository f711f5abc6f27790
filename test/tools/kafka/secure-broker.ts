/**
 * A Kafka that lets in whom it knows and lets them do what its access lists say, for tests of both. Four listeners:
 * PLAINTEXT  of the tests themselves, who may do everything
 * SECURE     TLS with SASL, every mechanism
 * MUTUAL     TLS that asks for the client's certificate, and is satisfied without SASL
 * PROXIED    SASL without TLS behind a proxy of the test, which then sees the requests of the protocol
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { type BrokerPlace, LOOPBACK } from '../../../tools/kafka/broker-place.ts';
import { kill } from '../../../tools/kafka/processes.ts';
import { KAFKA_SERVER, serverProperties } from '../../../tools/kafka/servers.ts';
import { startServers } from '../../../tools/kafka/start-servers.ts';
import { type Certificate, certificate } from './certificates.ts';
import { discard, freePorts, type KafkaTools, type Skipped } from './test-servers.ts';

/** Starts in half of the processor time. */
const JVM_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] as const;

/** kafkajs authenticates again 10 s before the end of a session: here after 1.5 s. Unit: milliseconds. */
const SESSION_MS = 11_500;

const CLUSTER_ID = 'c2VjdXJlLWJyb2tlci0wMQ';
const SECURITY = 'org.apache.kafka.common.security';

export interface SecureBroker {
  readonly folder: string;
  /** PLAINTEXT. */
  readonly admin: string;
  readonly secure: string;
  readonly mutual: string;
  /** The port of PROXIED, and the port that it advertises. */
  readonly proxied: { readonly port: number; readonly advertised: number };
  /** The signer of the broker's certificate. */
  readonly authority: Certificate & { readonly name: string };
  /** Gives the user another password of SCRAM-SHA-512. */
  setPassword(user: string, password: string): void;
  stop(): Promise<void>;
}

const clock = new SystemClock();

/** Starts one that knows these users by SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN. Takes about 6 seconds. Throws SERVER_FAILED. */
export async function startSecureBroker(passwords: Readonly<Record<string, string>>): Promise<SecureBroker | Skipped> {
  const tools = inject('kafka');
  if ('skipped' in tools) return tools;
  const folder = mkdtempSync(join(tools.folder, 'secure-'));
  const ports = await freePorts();
  const { kafka: secure, controller: mutual, registry: proxied } = await freePorts();
  const { kafka: advertised } = await freePorts();
  const authority = certificate({ name: 'authority' });
  const own = certificate({ name: 'broker', by: authority });
  const keystore = join(folder, 'broker.pem');
  const truststore = join(folder, 'authority.pem');
  writeFileSync(keystore, own.key + own.cert);
  writeFileSync(truststore, authority.cert);
  const place: BrokerPlace = {
    folder,
    ports,
    settings: {
      ...listeners(
        { PLAINTEXT: ports.kafka, SECURE: secure, MUTUAL: mutual, PROXIED: proxied },
        ports.controller,
        advertised,
      ),
      ...mechanisms(passwords),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': truststore,
      'listener.name.mutual.ssl.client.auth': 'required',
      'connections.max.reauth.ms': String(SESSION_MS),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  };
  format(place, tools, passwords);
  await startServers([KAFKA_SERVER], place, { ...tools, clock, jvmOptions: JVM_OPTIONS, say: () => undefined });
  const admin = `${LOOPBACK}:${ports.kafka}`;
  return {
    folder,
    admin,
    secure: `${LOOPBACK}:${secure}`,
    mutual: `${LOOPBACK}:${mutual}`,
    proxied: { port: proxied, advertised },
    authority,
    setPassword: (user, password) =>
      runTool(tools, [
        'kafka.admin.ConfigCommand',
        '--bootstrap-server',
        admin,
        '--alter',
        '--entity-type',
        'users',
        '--entity-name',
        user,
        '--add-config',
        `SCRAM-SHA-512=[password=${password}]`,
      ]),
    stop: async () => {
      await kill(folder, 'kafka', clock);
      await discard(folder, clock);
    },
  };
}

function listeners(
  ports: Readonly<Record<string, number>>,
  controller: number,
  advertised: number,
): Record<string, string> {
  const list = (all: Readonly<Record<string, number>>): string =>
    Object.entries(all)
      .map(([name, port]) => `${name}://${LOOPBACK}:${port}`)
      .join(',');
  return {
    listeners: list({ ...ports, CONTROLLER: controller }),
    'advertised.listeners': list({ ...ports, PROXIED: advertised }),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,PROXIED:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
  };
}

function mechanisms(passwords: Readonly<Record<string, string>>): Record<string, string> {
  const users = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`);
  const modules = {
    'scram-sha-512': `${SECURITY}.scram.ScramLoginModule required;`,
    'scram-sha-256': `${SECURITY}.scram.ScramLoginModule required;`,
    plain: `${SECURITY}.plain.PlainLoginModule required ${users.join(' ')};`,
    // Accepts unsigned tokens of any user.
    oauthbearer: `${SECURITY}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
  return {
    'sasl.enabled.mechanisms': Object.keys(modules).join(',').toUpperCase(),
    ...Object.fromEntries(
      ['secure', 'proxied'].flatMap((listener) =>
        Object.entries(modules).map(([mechanism, module]) => [
          `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
          module,
        ]),
      ),
    ),
  };
}

/** Formats the log together with the users' credentials. */
function format(place: BrokerPlace, tools: KafkaTools, passwords: Readonly<Record<string, string>>): void {
  const config = join(place.folder, 'format.properties');
  mkdirSync(join(place.folder, 'kafka'), { recursive: true });
  writeFileSync(config, serverProperties(place));
  const users = Object.entries(passwords).flatMap(([name, password]) =>
    ['SCRAM-SHA-512', 'SCRAM-SHA-256'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  runTool(tools, ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config, ...users]);
}

function runTool({ java, jars }: KafkaTools, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(java, [...JVM_OPTIONS, '-cp', jars.kafkaClassPath, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr + stdout);
}
