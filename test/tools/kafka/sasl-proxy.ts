/** A proxy before a listener with SASL and without TLS, which can break exchanges off: the requests of the protocol pass through it. */
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

/** SaslAuthenticate. */
const AUTHENTICATE = 36;

/** What becomes of the next exchanges: they go through, their connection is closed, or nothing is answered. */
type SaslMode = 'pass' | 'close' | 'swallow';

export class SaslProxy {
  mode: SaslMode = 'pass';
  /** How many exchanges were broken off so far. */
  broken = 0;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(target: number) {
    this.#server = createServer((client) => this.#pass(client, connect(target, '127.0.0.1')));
  }

  /** Listens on `port` for what is meant for `target`. */
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
