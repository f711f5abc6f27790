/** A proxy in front of a listener with SASL and without TLS. It sees the requests of the protocol, and can break off SASL exchanges. */
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

/** SaslAuthenticate. */
const AUTHENTICATE = 36;

/** What happens to exchanges: they pass, their connection is closed, or they get no answer. */
type SaslMode = 'pass' | 'close' | 'swallow';

export class SaslProxy {
  mode: SaslMode = 'pass';
  /** The number of exchanges that were broken off. */
  broken = 0;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(target: number) {
    this.#server = createServer((client) => this.#pass(client, connect(target, '127.0.0.1')));
  }

  /** Listens on `port` and forwards to `target`. */
  static async start({ port, target }: { readonly port: number; readonly target: number }): Promise<SaslProxy> {
    const proxy = new SaslProxy(target);
    await once(proxy.#server.listen(port, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** Ends every connection. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await once(this.#server.close(), 'close');
  }

  #pass(client: Socket, broker: Socket): void {
    this.#clients.add(client);
    let waiting = Buffer.alloc(0);
    let swallowing = false;
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
    client.on('close', () => this.#clients.delete(client));
    broker.on('data', (bytes: Buffer) => client.write(bytes));
    client.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 6 && waiting.length >= 4 + waiting.readInt32BE(0)) {
        const length = 4 + waiting.readInt32BE(0);
        if (waiting.readInt16BE(4) === AUTHENTICATE && this.mode !== 'pass') {
          this.broken += 1;
          if (this.mode === 'close') client.destroy();
          else swallowing = true;
        }
        if (!swallowing && !client.destroyed) broker.write(waiting.subarray(0, length));
        waiting = waiting.subarray(length);
      }
    });
  }
}
