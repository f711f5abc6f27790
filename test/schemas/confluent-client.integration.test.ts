import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SchemaRegistry as ConfluentClient } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

/**
 * Other teams read the topics with the ordinary client, which knows nothing of our bounds. The server speaks the one
 * call that reading takes.
 */
const registry = await MemoryRegistry.withOwnSchemas();
const codec = await RecordCodec.open(registry);

async function answer(url: string, response: ServerResponse): Promise<void> {
  const schema = await registry.schemaOf(Number(/^\/schemas\/ids\/(\d+)/.exec(url)?.[1]));
  response.writeHead(schema === null ? 404 : 200, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
  response.end(JSON.stringify(schema === null ? { error_code: 40403, message: 'Schema not found' } : { schema }));
}

const server = createServer((request, response) => void answer(request.url ?? '', response));

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

function client(): ConfluentClient {
  const { port } = server.address() as AddressInfo;
  return new ConfluentClient({ host: `http://127.0.0.1:${port}` });
}

test.each(Object.values(TOPICS))('the Confluent client reads what the codec wrote to $name', async (topic) => {
  const value = Buffer.from(codec.encode(topic.name, GOOD_RECORDS[topic.name]));
  // As JSON both ways: the client gives objects of avsc's classes.
  const decoded: unknown = await client().decode(value);
  expect(JSON.parse(JSON.stringify(decoded))).toEqual(GOOD_RECORDS[topic.name]);
});

test('the codec reads what the Confluent client wrote', async () => {
  const topic = TOPICS.positionSnapshot;
  const id = Buffer.from(codec.encode(topic.name, GOOD_RECORDS[topic.name])).readInt32BE(1);
  const value = await client().encode(id, GOOD_RECORDS[topic.name]);
  expect(codec.decode(topic.name, { value })).toEqual(GOOD_RECORDS[topic.name]);
});
