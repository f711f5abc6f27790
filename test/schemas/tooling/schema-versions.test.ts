import { describe, expect, test } from 'vitest';
import {
  diffSchema,
  registerSchema,
  versionInFile,
  versionsReleased,
} from '../../../schemas/tooling/schema-versions.ts';
import { registrationLines } from '../../../cli/schemas.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { AvroRecord } from '../../../schemas/avro-schema.ts';
import { loadSchema, TOPICS, subjectOf } from '../../../schemas/topics.ts';
import { MemoryRegistry } from '../../fixtures/memory-registry.ts';

const TOPIC = TOPICS.tradeClosed;
const SUBJECT = subjectOf(TOPIC);
const OWN = loadSchema(TOPIC);

/** The schema as an older program had it: without its last nullable field, and with another doc. */
const OLDER: AvroRecord = { ...OWN, fields: OWN.fields.filter(({ name }) => name !== 'order_id') };
const BROKEN: AvroRecord = { ...OWN, fields: OWN.fields.filter(({ name }) => name !== 'exit_price') };

async function registryWith(...schemas: readonly AvroRecord[]): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry();
  for (const schema of schemas) await registry.register(SUBJECT, JSON.stringify(schema));
  return registry;
}

describe('registerSchema', () => {
  test('registers once, and then says that it is there', async () => {
    const registry = await registryWith();
    expect(await registerSchema(registry, TOPIC, { dryRun: false })).toMatchObject({ state: 'registered', version: 1 });
    expect(await registerSchema(registry, TOPIC, { dryRun: false })).toMatchObject({
      state: 'already there',
      version: 1,
      id: 1,
    });
    expect(await registry.versions(SUBJECT)).toHaveLength(1);
  });

  test('says in words what changed since the latest version', async () => {
    const registration = await registerSchema(await registryWith(OLDER), TOPIC, { dryRun: false });
    expect(registration).toMatchObject({
      state: 'registered',
      version: 2,
      diff: { version: 1, deploy_first: 'either', changes: [{ kind: 'field-added', path: 'order_id' }] },
    });
    expect(registrationLines(registration).join('\n')).toContain('order_id: added: string or null');
  });

  test('TOL-8: what breaks with any version in the registry is refused without asking it', async () => {
    const registry = await registryWith(BROKEN, OLDER);
    const registration = await registerSchema(registry, TOPIC, { dryRun: false });
    expect(registration).toMatchObject({
      state: 'refused',
      problems: [{ path: 'exit_price', version: 1, direction: 'new reader, old data' }],
    });
    expect(await registry.versions(SUBJECT)).toHaveLength(2);
  });

  test('what the registry itself refuses is refused, and an absent registry is no refusal', async () => {
    const registry = await registryWith();
    registry.register = () => Promise.reject(new HarvestlineError('SCHEMAS_INCOMPATIBLE', 'no'));
    expect(await registerSchema(registry, TOPIC, { dryRun: false })).toMatchObject({
      state: 'refused',
      problems: [{ path: '(root)', why: 'no' }],
    });
    registry.away = true;
    await expect(registerSchema(registry, TOPIC, { dryRun: false })).rejects.toMatchObject({ code: 'REGISTRY_AWAY' });
  });

  test('TOL-9: a dry run registers nothing', async () => {
    const registry = await registryWith(OLDER);
    expect(await registerSchema(registry, TOPIC, { dryRun: true })).toMatchObject({ state: 'would register' });
    expect(await registry.versions(SUBJECT)).toHaveLength(1);
  });
});

describe('diffSchema', () => {
  test('an equal schema has no change, an older one those up to the latest, a broken one names what it breaks with', () => {
    expect(diffSchema(TOPIC, OWN, versionsReleased(TOPIC))).toMatchObject({ changes: [], compatible: true });
    const versions = [OWN, OLDER].map((schema, index) => ({ version: index + 1, schema }));
    // An older program beside a newer registry: the registry has the news, and nothing is broken.
    expect(diffSchema(TOPIC, OWN, { origin: 'the registry', versions })).toMatchObject({
      held_as: 1,
      version: 2,
      compatible: true,
      changes: [{ kind: 'field-removed', path: 'order_id' }],
    });
    const diff = diffSchema(TOPIC, BROKEN, { origin: 'released', versions });
    expect(diff).toMatchObject({ version: 2, compatible: false, deploy_first: 'neither' });
    expect(new Set(diff.problems.map(({ version }) => version))).toEqual(new Set([1, 2]));
  });

  test('a file that holds no record schema is wrong usage', () => {
    expect(() => versionInFile(import.meta.filename)).toThrow(/is no schema/);
    expect(() => versionInFile('package.json')).toThrow(/not an Avro record/);
  });
});
