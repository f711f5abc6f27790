import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KafkaClusterProbe } from '../../../connectors/kafka/cluster-probe.ts';
import { kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { runProgram } from '../../cli/program.ts';
import { certificate } from './certificates.ts';
import { SaslProxy } from './sasl-proxy.ts';
import { PATIENCE, type User, passwordOf, secureDesk, startSecureDesk } from './secure-desk.ts';

/** Short, so that an exchange without an answer is soon given up. Unit: milliseconds. */
fixKafkajs({ saslTimeoutMs: 2000 });

const broker = await startSecureDesk();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('authentication to a broker with TLS and SASL', () => {
  const { at, fileWith, passwordFile, environmentOf, proxied, open, withLog, folder, clock, start, produce, scored } =
    secureDesk(broker);

  it('refuses wrong settings at the start, with a remedy', async () => {
    const { ca: other } = { ca: fileWith('other.pem', certificate({ name: 'another authority' }).cert) };
    const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
      [
        'wrong password',
        { KAFKA_SASL_PASSWORD_FILE: fileWith('wrong', 'not-the-one') },
        'BROKER_AUTH_REFUSED',
        'user scoring by SCRAM-SHA-512',
      ],
      ['unknown authority', { KAFKA_TLS_CA_FILE: other }, 'BROKER_CERTIFICATE', 'KAFKA_TLS_CA_FILE'],
      ['no TLS there', { KAFKA_BROKERS: at.admin }, 'BROKER_LISTENER', 'speaks no TLS'],
      ['TLS there', { KAFKA_TLS: 'false' }, 'BROKER_LISTENER', 'wants TLS'],
    ];
    const told = await Promise.all(
      cases.map(async ([name, change, , text]) => {
        const env = { ...environmentOf('scoring'), ...change };
        const { code, stderr } = await runProgram(['run', 'scoring', '--data', folder.path], '', undefined, env);
        expect(stderr).not.toContain('not-the-one');
        return [name, code, /error ([A-Z_]+)/.exec(stderr)?.[1], stderr.includes(text) ? text : stderr];
      }),
    );
    expect(told).toEqual(cases.map(([name, , code, text]) => [name, 1, code, text]));
    const {
      KAFKA_SASL_MECHANISM: _,
      KAFKA_SASL_USERNAME: _user,
      KAFKA_SASL_PASSWORD_FILE: _file,
      ...none
    } = environmentOf('scoring');
    await withLog(none, (log) =>
      expect(log.offsets('x')).rejects.toMatchObject({
        code: 'BROKER_LISTENER',
        message: expect.stringContaining('wants SASL') as unknown,
      }),
    );
    await withLog({ ...proxied('scoring'), KAFKA_BROKERS: at.admin }, (log) =>
      expect(log.offsets('x')).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' }),
    );
    const mutual = { ...none, KAFKA_BROKERS: at.mutual };
    await withLog(mutual, (log) => expect(log.offsets('x')).rejects.toMatchObject({ code: 'BROKER_CERTIFICATE' }));
  });

  it('tells what `doctor` asks: TLS, the login, and the time where the user may describe the cluster', async () => {
    const probing = <T>(env: Record<string, string>, ask: (probe: KafkaClusterProbe) => Promise<T>): Promise<T> =>
      withLog(env, (log) => ask(new KafkaClusterProbe(kafkaConnection(env).kafka, log)));
    const reader = environmentOf('reader');
    await probing(reader, async (probe) => {
      expect(probe.login).toBe('SCRAM-SHA-512 as reader');
      expect(await probe.tls()).toEqual({ protocol: 'TLSv1.3', validUntil: expect.any(Number) as number });
      expect(await probe.brokers()).toBe(1);
      expect(await probe.time()).toBeNull();
    });
    const { cert: other } = certificate({ name: 'another authority' });
    const untrusted = { ...reader, KAFKA_TLS_CA_FILE: fileWith('other.pem', other) };
    await probing(untrusted, (probe) => expect(probe.tls()).rejects.toMatchObject({ code: 'BROKER_CERTIFICATE' }));
    const plain = { ...reader, KAFKA_BROKERS: at.admin };
    await probing(plain, (probe) => expect(probe.tls()).rejects.toMatchObject({ code: 'BROKER_LISTENER' }));
    const withoutLogin = { KAFKA_BROKERS: at.admin, SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1/' };
    const before = clock.now();
    const time = await probing(withoutLogin, (probe) => probe.time());
    // Broker and test have one clock.
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(clock.now());
  });

  it('lets in by every mechanism in any case, by a token from a file or a command, and by a certificate', async () => {
    const { name: topic } = TOPICS.positionSnapshot;
    const offsets = (env: Record<string, string>): Promise<number> =>
      withLog(env, (log) => log.offsets(topic)).then(({ length }) => length);
    for (const mechanism of ['plain', 'PLAIN', 'Scram-Sha-256', 'scram-sha-512', 'SCRAM-SHA-512']) {
      expect([mechanism, await offsets(environmentOf('reader', mechanism))]).toEqual([mechanism, 6]);
    }
    const {
      KAFKA_SASL_USERNAME: _,
      KAFKA_SASL_PASSWORD_FILE: _file,
      ...bearer
    } = environmentOf('reader', 'OAuthBearer');
    const file = fileWith('token', tokenOf('reader', clock.now()));
    const fromFile = { ...bearer, KAFKA_SASL_TOKEN_FILE: file };
    expect(await offsets(fromFile)).toBe(6);
    expect(await offsets({ ...bearer, KAFKA_SASL_TOKEN_COMMAND: `cat '${file}'` })).toBe(6);
    await withLog({ ...bearer, KAFKA_SASL_TOKEN_COMMAND: 'exit 3' }, (log) =>
      expect(log.offsets(topic)).rejects.toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' }),
    );
    // The file is read again for each connection, and its token is refused now.
    const log = open(fromFile);
    onTestFinished(() => log.close());
    fileWith('token', tokenOf('reader', clock.now() - 3_600_000));
    await expect(log.offsets(topic)).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' });
    fileWith('token', tokenOf('reader', clock.now()));
    expect((await log.offsets(topic)).length).toBe(6);
    // A certificate alone lets in, but has no rights here.
    const { cert, key } = certificate({ name: 'a client', by: at.authority });
    const own = { KAFKA_TLS_CERT_FILE: fileWith('cert.pem', cert), KAFKA_TLS_KEY_FILE: fileWith('key.pem', key) };
    const mutual = { ...bearer, ...own, KAFKA_BROKERS: at.mutual, KAFKA_SASL_MECHANISM: '' };
    await withLog(mutual, (one) => expect(one.offsets(topic)).rejects.toMatchObject({ code: 'ACCESS_DENIED' }));
  });

  it('KFK-5, KFK-6: waits for an exchange that is broken off or not answered, at the start and at work, and uses a rotated password', async () => {
    const proxy = await SaslProxy.start({ port: at.proxied.advertised, target: at.proxied.port });
    onTestFinished(() => proxy.stop());
    const waits = (part: { said: readonly { code: unknown }[] }, times: number): Promise<void> =>
      vi.waitFor(() => {
        expect(proxy.broken).toBeGreaterThan(0);
        expect(part.said.filter(({ code }) => code === 'BROKER_AWAY').length).toBeGreaterThanOrEqual(times);
      }, PATIENCE);
    proxy.mode = 'close';
    const scoring = start('scoring', proxied('scoring'));
    await waits(scoring, 2);
    proxy.mode = 'pass';
    await scoring.ready();

    for (const mode of ['close', 'swallow'] as const) {
      scoring.said.length = 0;
      proxy.broken = 0;
      proxy.mode = mode;
      proxy.cut();
      await waits(scoring, 1);
      proxy.mode = 'pass';
      await produce(3);
      await scored();
    }

    // First on the broker, then in the file. Meanwhile the processor waits.
    scoring.said.length = 0;
    at.setPassword('scoring', 'another-secret');
    proxy.cut();
    await vi.waitFor(
      () =>
        expect(scoring.said).toContainEqual({
          code: 'BROKER_AWAY',
          message: expect.stringContaining('does not let in user scoring') as unknown,
        }),
      PATIENCE,
    );
    passwordFile('scoring', 'another-secret');
    await produce(3);
    await scored();
    await scoring.stop();
    await withLog({ ...proxied('scoring'), KAFKA_SASL_PASSWORD_FILE: fileWith('old', passwordOf('scoring')) }, (log) =>
      expect(log.offsets(TOPICS.harvestIntent.name)).rejects.toMatchObject({ code: 'BROKER_AUTH_REFUSED' }),
    );
  });
});

/** An unsigned token, issued at that time and valid for half an hour. Unit: epoch milliseconds. */
function tokenOf(user: User, now: number): string {
  const claims = { sub: user, iat: Math.floor(now / 1000) - 1, exp: Math.floor(now / 1000) + 1800 };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
