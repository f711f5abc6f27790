import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { AVRO_SCHEMA_FORMAT, asyncApiDocument } from '../../docs/asyncapi-document.ts';
import { DEAD_LETTER_HEADERS } from '../../pipelines/runtime/dead-letter.ts';
import { loadSchema, TOPICS, allTopicSpecs } from '../../schemas/topics.ts';

/** The parts of AsyncAPI 3 that a reader of ours looks at; asserted on the file that is handed out. */
interface Document {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: Readonly<Record<string, { readonly host: string; readonly protocol: string }>>;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

interface Reference {
  readonly $ref: string;
}

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, Reference>>;
  readonly bindings: {
    readonly kafka: {
      readonly topic: string;
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}

interface Operation {
  readonly action: string;
  readonly channel: Reference;
  readonly messages: readonly Reference[];
}

interface Message {
  readonly headers?: { readonly properties: Readonly<Record<string, unknown>> };
  readonly payload: { readonly schemaFormat?: string; readonly schema?: avsc.Schema };
  readonly bindings: { readonly kafka: { readonly key: unknown } };
}

const file = readFileSync(new URL('../../docs/asyncapi.yaml', import.meta.url), 'utf8');
const document = parse(file) as Document;

/** What a local reference names; throws where it names nothing. */
function resolve({ $ref }: Reference): unknown {
  let found: unknown = document;
  for (const part of $ref.replace(/^#\//, '').split('/')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part))
      throw new Error(`${$ref} is dangling`);
    found = (found as Readonly<Record<string, unknown>>)[part];
  }
  return found;
}

describe('docs/asyncapi.yaml', () => {
  test('is the generated document, with the required parts of AsyncAPI 3', () => {
    expect(document).toEqual(JSON.parse(JSON.stringify(asyncApiDocument())));
    expect(document.asyncapi).toBe('3.0.0');
    expect(document.info.title).not.toBe('');
    expect(document.info.version).toMatch(/^\d+\.\d+\.\d+/);
    for (const { host, protocol } of Object.values(document.servers)) expect([host, protocol]).not.toContain('');
  });

  test('has a channel for every topic of the table, dead letters too, with its partitions and cleanup', () => {
    expect(Object.keys(document.channels)).toEqual(allTopicSpecs().map(({ name }) => name));
    for (const spec of allTopicSpecs()) {
      const { address, bindings } = document.channels[spec.name] as Channel;
      expect([address, bindings.kafka.topic, bindings.kafka.partitions]).toEqual([
        spec.name,
        spec.name,
        spec.partitions,
      ]);
      expect(bindings.kafka.topicConfiguration).toEqual({
        'cleanup.policy': [spec.cleanup],
        'retention.ms': spec.retentionMs ?? -1,
      });
    }
  });

  test('every reference leads somewhere, and every channel is sent to', () => {
    for (const channel of Object.values(document.channels)) {
      for (const message of Object.values(channel.messages)) expect(resolve(message)).toHaveProperty('payload');
    }
    const sentTo = new Set<unknown>();
    for (const { action, channel, messages } of Object.values(document.operations)) {
      expect(['send', 'receive']).toContain(action);
      const found = resolve(channel) as Channel;
      if (action === 'send') sentTo.add(found);
      for (const message of messages) expect(Object.values(found.messages)).toContainEqual(resolve(message));
    }
    expect(sentTo).toEqual(new Set(Object.values(document.channels)));
  });

  test('every record topic carries its schema as Avro that compiles, and its key', () => {
    for (const topic of Object.values(TOPICS)) {
      const schema = loadSchema(topic);
      const { payload, bindings } = document.components.messages[schema.name] as Message;
      expect(payload).toEqual({ schemaFormat: AVRO_SCHEMA_FORMAT, schema });
      expect(avsc.Type.forSchema(payload.schema ?? 'null').name).toBe(`${schema.namespace}.${schema.name}`);
      expect(bindings.kafka.key).toMatchObject({ type: 'string' });
    }
  });

  test('the dead letter names every header that one has', () => {
    const headers = document.components.messages['DeadLetter']?.headers?.properties ?? {};
    expect(Object.keys(headers)).toEqual(expect.arrayContaining(Object.values(DEAD_LETTER_HEADERS)));
  });
});
