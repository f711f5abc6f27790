/**
 * How this process proves to a broker who it is, over kafkajs's own exchange of SASL messages.
 *
 * KFK-5  Credentials are read for each exchange, so a new connection and a re-authentication (connections.max.reauth.ms) use what the
 *      file or the command gives then.
 * KFK-6  An exchange that ends without an answer is an outage. kafkajs reports it as a failed authentication, whatever it was
 *      (kafkajs#1550): what broke the exchange is thrown here instead.
 * KFK-7  A definite no is the broker's own word alone: an error code in an answer, or an answer that proves that it does not know the
 *      password (SCRAM).
 */
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import { protocolType } from './broker-errors.ts';
import { SCRAM, SCRAM_DIGESTS, type SaslStep } from './kafkajs-internals.ts';
import type { SaslSettings } from './kafka-connection.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';

const DIGESTS = { 'scram-sha-256': SCRAM_DIGESTS.SHA256, 'scram-sha-512': SCRAM_DIGESTS.SHA512 } as const;

/** kafkajs's settings for them. */
export function kafkajsSasl(settings: SaslSettings, admission: Admission): Mechanism {
  return {
    mechanism: settings.mechanism,
    authenticationProvider: (connection) => ({ authenticate: () => authenticate(settings, connection, admission) }),
  };
}

/** KFK-5, KFK-6, KFK-7. Throws CREDENTIALS_UNAVAILABLE too. */
async function authenticate(
  settings: SaslSettings,
  { host, port, logger, saslAuthenticate }: AuthenticationProviderArgs,
  admission: Admission,
): Promise<void> {
  const broker = `${host}:${port}`;
  // kafkajs's types have it that the answer is parsed from bytes, and parsed at once.
  const send = saslAuthenticate as <T>(step: SaslStep<T>) => Promise<T>;
  let broken: unknown = null;
  // KFK-6: kafkajs keeps only the message of what is thrown in its SCRAM.
  const exchange = async <T>(step: SaslStep<T>): Promise<T> => {
    try {
      return await send(step);
    } catch (thrown) {
      broken = thrown;
      throw thrown;
    }
  };
  const proof = settings.mechanism === 'oauthbearer' ? await settings.token() : settings.password;
  try {
    if (settings.mechanism === 'oauthbearer') await sendToken(proof, exchange);
    else if (settings.mechanism === 'plain') await exchange(messageOfText(`\u0000${settings.username}\u0000${proof}`));
    else {
      const user = { username: settings.username, password: proof };
      await new SCRAM(user, host, port, logger, exchange, DIGESTS[settings.mechanism]).authenticate();
    }
  } catch (thrown) {
    if (broken !== null && protocolType(broken) === null) throw broken;
    throw refusal(settings, broker, messageOf(broken ?? thrown), admission.refuse(broker));
  }
  admission.admit(broker);
}

/** KFK-9 of admission.ts. Without a cause: kafkajs would put it in the place of the error. */
function refusal(settings: SaslSettings, broker: string, why: string, forGood: boolean): HarvestlineError {
  const who = 'username' in settings ? `user ${settings.username}` : 'the token';
  const message = `${broker} does not let in ${who} by ${settings.mechanism.toUpperCase()}: ${why}`;
  return forGood
    ? new HarvestlineError('BROKER_AUTH_REFUSED', message)
    : new HarvestlineError('BROKER_AWAY', `${message}; it did before, so the credentials may be about to change`);
}

/**
 * OAUTHBEARER (RFC 7628). A broker that refuses a token answers with its reasons and waits for a byte before it says so with an error
 * code; kafkajs's own does not read the answer and takes the connection for authenticated.
 */
async function sendToken(token: string, exchange: (step: SaslStep<string>) => Promise<string>): Promise<void> {
  const reasons = await exchange(messageOfText(`n,,\u0001auth=Bearer ${token}\u0001\u0001`));
  if (reasons === '') return;
  await exchange(messageOfText('\u0001'));
  throw new Error(`the token was refused: ${reasons}`);
}

/** One message to the broker, and its answer as text. Both begin with their length. */
function messageOfText(text: string): SaslStep<string> {
  const content = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return {
    request: { encode: () => Promise.resolve(Buffer.concat([length, content])) },
    response: {
      decode: (bytes) => Promise.resolve(bytes.subarray(4).toString('utf8')),
      parse: (answer) => Promise.resolve(answer),
    },
  };
}

/**
 * How long what let this process in before may be refused until that is taken for good: a rotation changes the brokers and the files
 * of this process one after the other. Unit: milliseconds.
 */
const ROTATION_MS = 30_000;

/**
 * Tells a definite no from a rotation under way, of credentials or of certificates.
 *
 * KFK-8  What never let this process in is refused for good at once: a start with wrong settings ends at once.
 * KFK-9  What did let it in may be refused by a broker for ROTATION_MS; each try reads the files anew. After that it is for good.
 */
export class Admission {
  readonly #clock: Clock | undefined;
  readonly #refusedSince = new Map<string, EpochMillis>();
  #admitted = false;

  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  admit(broker: string): void {
    this.#admitted = true;
    this.#refusedSince.delete(broker);
  }

  /** Whether that refusal by a broker is for good. */
  refuse(broker: string): boolean {
    if (!this.#admitted || this.#clock === undefined) return true;
    const now = this.#clock.now();
    const since = this.#refusedSince.get(broker) ?? now;
    this.#refusedSince.set(broker, since);
    return now - since >= ROTATION_MS;
  }
}
