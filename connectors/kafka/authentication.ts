/**
 * Authentication to brokers: the SASL exchange, carried by kafkajs's messages, and how long refused credentials or certificates may be
 * a rotation in progress (Admission).
 *
 * KFK-5  Credentials are read for each exchange: every connection and every re-authentication (connections.max.reauth.ms) uses the current
 *        content of the file or output of the command.
 * KFK-6  An exchange without an answer is an outage. kafkajs reports it as a failed authentication (kafkajs#1550), so the error that broke
 *        the exchange is thrown here instead.
 * KFK-7  Only the broker's own answer is a refusal: an error code, or a SCRAM answer that proves that the broker does not know the password.
 */
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { protocolType } from './broker-errors.ts';
import type { SaslSettings } from './kafka-connection.ts';
import { SCRAM, SCRAM_DIGESTS, type SaslStep } from './kafkajs-internals.ts';

const DIGESTS = { 'scram-sha-256': SCRAM_DIGESTS.SHA256, 'scram-sha-512': SCRAM_DIGESTS.SHA512 } as const;

/** The settings as kafkajs takes them. */
export function kafkajsSasl(settings: SaslSettings, admission: Admission): Mechanism {
  return {
    mechanism: settings.mechanism,
    authenticationProvider: (connection) => ({ authenticate: () => authenticate(settings, connection, admission) }),
  };
}

/** Runs one exchange (KFK-5, KFK-6, KFK-7). Throws CREDENTIALS_UNAVAILABLE too. */
async function authenticate(
  settings: SaslSettings,
  { host, port, logger, saslAuthenticate }: AuthenticationProviderArgs,
  admission: Admission,
): Promise<void> {
  const broker = `${host}:${port}`;
  // kafkajs's types say that `parse` takes bytes. It takes what `decode` returned.
  const send = saslAuthenticate as <T>(step: SaslStep<T>) => Promise<T>;
  let broken: unknown = null;
  // KFK-6: of an error inside its SCRAM kafkajs keeps only the message.
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

/** KFK-9. The error has no cause: kafkajs would throw the cause in its place. */
function refusal(settings: SaslSettings, broker: string, why: string, forGood: boolean): HarvestlineError {
  const who = 'username' in settings ? `user ${settings.username}` : 'the token';
  const message = `${broker} does not let in ${who} by ${settings.mechanism.toUpperCase()}: ${why}`;
  return forGood
    ? new HarvestlineError('BROKER_AUTH_REFUSED', message)
    : new HarvestlineError('BROKER_AWAY', `${message}; it did before, so the credentials may be about to change`);
}

/**
 * OAUTHBEARER (RFC 7628). A broker that refuses a token answers with its reasons, and sends the error code only after another byte from
 * the client. kafkajs's own implementation does not read that answer and takes the connection for authenticated.
 */
async function sendToken(token: string, exchange: (step: SaslStep<string>) => Promise<string>): Promise<void> {
  const reasons = await exchange(messageOfText(`n,,\u0001auth=Bearer ${token}\u0001\u0001`));
  if (reasons === '') return;
  await exchange(messageOfText('\u0001'));
  throw new Error(`the token was refused: ${reasons}`);
}

/** One message to the broker and its answer, both as text. On the wire each is preceded by its length. */
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
 * How long a rotation may take: brokers and the files of this process change one after the other, and meanwhile credentials that worked
 * before are refused. Unit: milliseconds.
 */
const ROTATION_MS = 30_000;

/**
 * Tells a final refusal of credentials or certificates from a rotation in progress.
 *
 * KFK-8  Before any broker has let this process in, a refusal is final at once: a start with wrong settings ends at once.
 * KFK-9  Afterwards a broker may refuse it for ROTATION_MS, while each attempt reads the files again; then the refusal is final.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #refusedSince = new Map<string, EpochMillis>();
  #admitted = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  admit(broker: string): void {
    this.#admitted = true;
    this.#refusedSince.delete(broker);
  }

  /** Records a refusal by a broker. True where it is final. */
  refuse(broker: string): boolean {
    if (!this.#admitted) return true;
    const now = this.#clock.now();
    const since = this.#refusedSince.get(broker) ?? now;
    this.#refusedSince.set(broker, since);
    return now - since >= ROTATION_MS;
  }
}
