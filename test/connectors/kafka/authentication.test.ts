import type { AuthenticationProviderArgs } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { Admission, kafkajsSasl } from '../../../connectors/kafka/authentication.ts';
import { isUnavailable, logError } from '../../../connectors/kafka/broker-errors.ts';
import type { SaslSettings } from '../../../connectors/kafka/kafka-connection.ts';
import { errorOfCode } from '../../../connectors/kafka/kafkajs-internals.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';

const user = { username: 'desk', password: 'correct-horse' };
const EVERY: readonly SaslSettings[] = [
  { mechanism: 'plain', ...user },
  { mechanism: 'scram-sha-256', ...user },
  { mechanism: 'scram-sha-512', ...user },
  { mechanism: 'oauthbearer', token: () => 'a-token' },
];

const SASL_AUTHENTICATION_FAILED = 58;
const ILLEGAL_SASL_STATE = 34;

/** The error of an exchange in which the broker answers so; null without one. */
async function endOf(
  settings: SaslSettings,
  answer: () => Promise<unknown>,
  admission = new Admission(new VirtualClock(0)),
) {
  const logger = {
    ...SILENT_LOGGER,
    setLogLevel: () => {},
    namespace: () => logger,
  } as unknown as AuthenticationProviderArgs['logger'];
  const saslAuthenticate = answer as AuthenticationProviderArgs['saslAuthenticate'];
  const provider = kafkajsSasl(settings, admission).authenticationProvider;
  try {
    await provider({ host: 'broker', port: 9092, logger, saslAuthenticate }).authenticate();
    return null;
  } catch (thrown) {
    return logError(thrown, 'consuming');
  }
}

describe.each(EVERY)('a SASL exchange by $mechanism', (settings) => {
  it.each([
    ['is closed', { name: 'KafkaJSConnectionClosedError' }],
    ['is not answered', { name: 'KafkaJSConnectionError', retriable: false }],
    ['gets no answer in time', { name: 'KafkaJSRequestTimeoutError' }],
    ['is reset', { name: 'KafkaJSConnectionError', code: 'ECONNRESET' }],
  ])('KFK-6: that %s is an outage', async (why, error) => {
    const end = await endOf(settings, () => Promise.reject(Object.assign(new Error(why), error)));
    expect({ code: end?.code, away: isUnavailable(end) }).toEqual({ code: 'BROKER_AWAY', away: true });
  });

  it('KFK-7: is refused by an error code of the broker, at once and without the secret', async () => {
    const end = await endOf(settings, () => Promise.reject(errorOfCode(SASL_AUTHENTICATION_FAILED)));
    expect({ code: end?.code, away: isUnavailable(end) }).toEqual({ code: 'BROKER_AUTH_REFUSED', away: false });
    expect(end?.message).toContain(settings.mechanism.toUpperCase());
    expect(end?.message).not.toMatch(/correct-horse|a-token/);
  });

  it('KFK-8: a refusal is final as long as no broker has let this process in', async () => {
    const end = await endOf(settings, () => Promise.reject(errorOfCode(SASL_AUTHENTICATION_FAILED)));
    expect(end?.code).toBe('BROKER_AUTH_REFUSED');
  });

  it('KFK-9: credentials that worked before may be refused for half a minute, while they are rotated', async () => {
    const clock = new VirtualClock(0);
    const admission = new Admission(clock);
    admission.admit('broker:9092');
    const refused = () => endOf(settings, () => Promise.reject(errorOfCode(SASL_AUTHENTICATION_FAILED)), admission);
    expect((await refused())?.code).toBe('BROKER_AWAY');
    clock.set(29_999);
    expect((await refused())?.code).toBe('BROKER_AWAY');
    clock.set(30_000);
    expect((await refused())?.code).toBe('BROKER_AUTH_REFUSED');
    admission.admit('broker:9092');
    expect((await refused())?.code).toBe('BROKER_AWAY');
  });
});

it('a missing mechanism and a listener without SASL are final', () => {
  // kafkajs calls the latter retriable.
  const illegal = Object.assign(errorOfCode(ILLEGAL_SASL_STATE), { retriable: true });
  expect(logError(illegal, 'consuming')).toMatchObject({ code: 'BROKER_AUTH_REFUSED' });
  expect(isUnavailable(illegal)).toBe(false);
});

it('a token is refused by the reasons of the broker, although their answer has no error code', async () => {
  let messages = 0;
  const answer = () => {
    messages += 1;
    return messages === 1
      ? Promise.resolve('{"status":"invalid_token"}')
      : Promise.reject(errorOfCode(SASL_AUTHENTICATION_FAILED));
  };
  expect(await endOf({ mechanism: 'oauthbearer', token: () => 'a-token' }, answer)).toMatchObject({
    code: 'BROKER_AUTH_REFUSED',
  });
  expect(messages).toBe(2);
});
