import { isDenied, namingWhatIsDenied } from './denied-rights.ts';
import { BrokerPool, Connection, SaslAuthenticator } from './kafkajs-internals.ts';

/**
 * How long a broker may be silent in a SASL exchange, and longer than a command for a token may take in between. kafkajs has no limit but
 * that of any request, and keeps such a connection. Unit: milliseconds.
 */
const SASL_TIMEOUT_MS = 12_000;

/** Mends what kafkajs makes of brokers that are silent, or that deny something. */
export function fixSecurity(): void {
  const { authenticate } = SaslAuthenticator.prototype;
  SaslAuthenticator.prototype.authenticate = async function authenticateInTime() {
    const { connection } = this;
    const { socket } = connection;
    let silent = false;
    const onTimeout = (): void => void (silent = true);
    socket.once('timeout', onTimeout);
    // kafkajs itself ends a connection whose socket times out, and what waits for answers on it.
    socket.setTimeout(SASL_TIMEOUT_MS);
    try {
      await authenticate.call(this);
    } catch (thrown) {
      // The broker takes nothing more on it, and the next try would go on in the middle of the exchange.
      void connection.disconnect();
      // Its own tries would take a minute until the outage is said.
      throw silent && thrown instanceof Error ? Object.assign(thrown, { retriable: false }) : thrown;
    } finally {
      socket.off('timeout', onTimeout);
      socket.setTimeout(0);
    }
  };
  const { send } = Connection.prototype;
  Connection.prototype.send = function sendAndNameWhatIsDenied(call) {
    return send.call(this, namingWhatIsDenied(call));
  };

  // kafkajs asks each broker and drops whatever they say: a group that may not be used would seem to have no coordinator yet.
  const { withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.withBroker = async function withBrokerUnlessDenied(work) {
    let denied: unknown = null;
    const found = await withBroker.call(this, async (one) => {
      try {
        return await work(one);
      } catch (thrown) {
        if (isDenied(thrown)) denied = thrown;
        throw thrown;
      }
    });
    if (found === null && denied !== null) throw denied;
    return found as Awaited<ReturnType<typeof work>> | null;
  };
}
