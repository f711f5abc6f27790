import { isIP } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { ClusterProbe, Reach, TlsSession } from '../../ports/desk-probe.ts';
import { reach } from '../system/reach.ts';
import { askListener, tlsFailure } from './broker-socket.ts';
import type { KafkaConnection } from './kafka-connection.ts';
import type { KafkaLog } from './kafka-log.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** A cluster as `doctor` asks it: the addresses one by one, the rest through the log's own client. */
export class KafkaClusterProbe implements ClusterProbe {
  readonly encrypted: boolean;
  readonly login: string | null;
  readonly #connection: KafkaConnection;
  readonly #log: Pick<KafkaLog, 'brokers' | 'clusterTime'>;

  constructor(connection: KafkaConnection, log: Pick<KafkaLog, 'brokers' | 'clusterTime'>) {
    const { ssl, sasl } = connection;
    this.#connection = connection;
    this.#log = log;
    this.encrypted = ssl !== undefined;
    const mechanism = sasl?.mechanism.toUpperCase();
    const user = sasl !== undefined && 'username' in sasl ? ` as ${sasl.username}` : '';
    this.login = mechanism === undefined ? null : `${mechanism}${user}`;
  }

  reach(): Promise<readonly Reach[]> {
    return Promise.all(this.#places().map(({ host, port }) => reach(host, port)));
  }

  /** Of the first broker that takes connections. A listener without TLS just closes the connection, so it is asked. */
  async tls(): Promise<TlsSession> {
    const { ssl = {}, sasl } = this.#connection;
    const reached = await this.reach();
    const place = this.#places()[reached.findIndex(({ trouble }) => trouble === null)];
    if (place === undefined) throw new HarvestlineError('BROKER_AWAY', 'no broker takes connections');
    try {
      return await handshake(place, ssl);
    } catch (thrown) {
      const other = await askListener(place, { tls: ssl, sasl: sasl !== undefined });
      if (other === null) throw thrown;
      throw new HarvestlineError('BROKER_LISTENER', `${place.host}:${place.port} ${other}`, { cause: thrown });
    }
  }

  brokers(): Promise<number> {
    return this.#log.brokers();
  }

  time(): Promise<EpochMillis | null> {
    return this.#log.clusterTime();
  }

  #places(): readonly Place[] {
    return this.#connection.brokers.map((broker) => {
      const colon = broker.lastIndexOf(':');
      return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
    });
  }
}

function handshake({ host, port }: Place, ssl: ConnectionOptions): Promise<TlsSession> {
  const { promise, resolve, reject } = Promise.withResolvers<TlsSession>();
  const socket = connect({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl });
  socket.unref();
  const failed = (code: 'BROKER_CERTIFICATE' | 'BROKER_LISTENER' | 'BROKER_AWAY', why: string): void =>
    reject(new HarvestlineError(code, `${host}:${port}: no TLS: ${why}`));
  socket.once('secureConnect', () => {
    const until = Date.parse(socket.getPeerCertificate().valid_to);
    resolve({ protocol: socket.getProtocol() ?? 'TLS', validUntil: Number.isFinite(until) ? until : null });
    socket.destroy();
  });
  // OpenSSL's own message contains positions in its source.
  socket.on('error', (error: NodeJS.ErrnoException) =>
    failed(tlsFailure(error.code) ?? 'BROKER_AWAY', error.code ?? messageOf(error)),
  );
  socket.once('close', () => failed('BROKER_AWAY', 'the broker closed the connection'));
  return promise;
}
