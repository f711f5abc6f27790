import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SchemaRegistry as ConfluentClient } from '@kafkajs/confluent-schema-registry';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { schemaText, TOPICS, subjectOf } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

let subjects = 0;

function newSubject(): string {
  subjects += 1;
  return `registry-test-${subjects}`;
}

function schema(change: object = {}): string {
  const amount = { type: 'double', logicalType: 'bounded', minimum: 0 };
  return JSON.stringify({
    type: 'record',
    name: 'Amount',
    namespace: 'desk',
    doc: 'One amount.',
    fields: [{ name: 'amount', type: amount, doc: 'Unit: contracts.' }],
    ...change,
  });
}

describe.skipIf('skipped' in broker)('ConfluentRegistry on a real registry', () => {
  const { registryUrl } = started(broker);
  const registry = new ConfluentRegistry({ url: registryUrl });

  it('KFK-17: a missing subject, version or id is null', async () => {
    expect(await registry.idOf(newSubject(), schema())).toBeNull();
    expect(await registry.versions(newSubject())).toEqual([]);
    expect(await registry.schemaOf(999_999)).toBeNull();
  });

  it('registers explicitly, at FULL_TRANSITIVE, and the same again is the same version', async () => {
    const subject = newSubject();
    const id = await registry.register(subject, schema());
    expect(await registry.register(subject, schema())).toBe(id);
    expect(await registry.versions(subject)).toMatchObject([{ version: 1, id }]);
    expect(JSON.parse((await registry.schemaOf(id)) ?? '')).toEqual(JSON.parse(schema()));
    const level = await fetch(`${registryUrl}/config/${subject}`);
    expect(await level.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  });

  it('the registry refuses what breaks an older version', async () => {
    const subject = newSubject();
    await registry.register(subject, schema());
    const other = schema({ fields: [{ name: 'quantity', type: 'string' }] });
    await expect(registry.register(subject, other)).rejects.toMatchObject({ code: 'SCHEMAS_INCOMPATIBLE' });
    expect(await registry.versions(subject)).toHaveLength(1);
  });

  it('KFK-18: finds a reworded schema, but not one with another doc or bound', async () => {
    const subject = newSubject();
    const id = await registry.register(subject, schema());
    const { type, ...rest } = JSON.parse(schema()) as { type: string };
    expect(await registry.idOf(subject, JSON.stringify({ ...rest, type }, null, 4))).toBe(id);
    expect(await registry.idOf(subject, schema({ doc: 'Another.' }))).toBeNull();
    const bounded = { type: 'double', logicalType: 'bounded', minimum: 1 };
    const stricter = schema({ fields: [{ name: 'amount', type: bounded, doc: 'Unit: contracts.' }] });
    expect(await registry.idOf(subject, stricter)).toBeNull();
    expect(await registry.idOf(newSubject(), schema())).toBeNull();
  });

  it('what the codec writes with it, the Confluent client reads from the registry, and the other way round', async () => {
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    const client = new ConfluentClient({ host: registryUrl });
    const topic = TOPICS.tradeClosed;
    const record = GOOD_RECORDS[topic.name];
    expect({ ...(await client.decode(Buffer.from(codec.encode(topic.name, record)))) }).toEqual(record);
    const id = await registry.idOf(subjectOf(topic), schemaText(topic));
    const theirs = await client.encode(id ?? 0, record);
    await codec.prepare(topic.name, [{ value: theirs }]);
    expect({ ...codec.decode(topic.name, { value: theirs }) }).toEqual(record);
  });

  it.each(['89791762-2336-4186-9674-299b90a802e2', 2 ** 31, 2 ** 32 - 1])(
    'KFK-19: does not know %s, which it cannot store, once it has answered with another id',
    async (id) => {
      const fresh = new ConfluentRegistry({ url: registryUrl });
      const subject = newSubject();
      await fresh.register(subject, schema());
      await fresh.idOf(subject, schema());
      expect(await fresh.schemaOf(id)).toBeNull();
      await expect(new ConfluentRegistry({ url: registryUrl }).schemaOf(id)).rejects.toMatchObject({
        code: 'REGISTRY_AWAY',
      });
    },
  );

  it('KFK-17: a registry that is down is REGISTRY_AWAY, and answers again when it is up', async () => {
    const owner = started(broker);
    await owner.killRegistry();
    await expect(registry.schemaOf(1)).rejects.toMatchObject({ code: 'REGISTRY_AWAY' });
    await expect(registry.idOf('any', schema())).rejects.toMatchObject({ code: 'REGISTRY_AWAY' });
    await owner.startRegistryAgain();
    expect(await registry.schemaOf(999_999)).toBeNull();
  });
});

describe('ConfluentRegistry on servers that are no registry', () => {
  /** A server with the same answer to every request. */
  async function answering(status: number, body: string): Promise<{ url: string; seen: string[] }> {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization ?? '');
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  it.each([
    ['an unavailable server', 503, '', 'REGISTRY_AWAY'],
    ['too many requests', 429, '{"error_code": 42901}', 'REGISTRY_AWAY'],
    ["a proxy's 404", 404, '<html>not found</html>', 'REGISTRY_AWAY'],
    ['a path outside the API', 404, '{"error_code": 404, "message": "HTTP 404 Not Found"}', 'REGISTRY_AWAY'],
    ['a page instead of an answer', 200, '<html>welcome</html>', 'REGISTRY_AWAY'],
    ["another server's answer", 200, '{"hello": "world"}', 'REGISTRY_AWAY'],
    ['KFK-20: credentials that are wrong', 401, '{"error_code": 401, "message": "Unauthorized"}', 'REGISTRY_AWAY'],
    ['KFK-20: a permission that is gone', 403, '{"error_code": 40301, "message": "Forbidden"}', 'REGISTRY_AWAY'],
    ['a schema that is none', 422, '{"error_code": 42201, "message": "Invalid Avro schema"}', 'REGISTRY_REFUSED'],
  ])('KFK-17: %s (%i) is REGISTRY_AWAY', async (_, status, body, code) => {
    const { url } = await answering(status, body);
    await expect(new ConfluentRegistry({ url }).schemaOf(1)).rejects.toMatchObject({ code });
  });

  it('KFK-19: asks for a GUID where Confluent’s registries have it, and for the unsigned id', async () => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      response.end(JSON.stringify({ schema: '"string"' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const registry = new ConfluentRegistry({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    for (const id of ['89791762-2336-4186-9674-299b90a802e2', 2 ** 31 + 5])
      expect(await registry.schemaOf(id)).toBe('"string"');
    expect(paths).toEqual(['/schemas/guids/89791762-2336-4186-9674-299b90a802e2', '/schemas/ids/2147483653']);
  });

  it('KFK-17: wrong credentials are REGISTRY_REFUSED at the start', async () => {
    const { url } = await answering(401, '{"error_code": 401, "message": "Unauthorized"}');
    const registry = new ConfluentRegistry({ url });
    await expect(registry.idOf('any', schema())).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    await expect(registry.versions('any')).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
  });

  it('sends the credentials, and keeps them out of its errors', async () => {
    const { url, seen } = await answering(401, '{}');
    const registry = new ConfluentRegistry({ url, auth: { username: 'desk', password: 'correct-horse' } });
    const error: unknown = await registry.schemaOf(1).catch((thrown: unknown) => thrown);
    expect(seen).toEqual([`Basic ${Buffer.from('desk:correct-horse').toString('base64')}`]);
    expect(JSON.stringify([String(error), error])).not.toContain('correct-horse');
  });
});
