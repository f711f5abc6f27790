/**
 * Tests work on logs, desks and keys of their own: what a shell exports for `harvestline` (KAFKA_BROKERS as `npm run kafka` prints it, keys of an
 * account) must reach none of them, nor any process that they start.
 */
const OURS = /^(?:KAFKA_|SCHEMA_REGISTRY_|HARVESTLINE_(?!REQUIRE_))/;

for (const name of Object.keys(process.env)) if (OURS.test(name)) delete process.env[name];

// Of the test files alone (vitest.config.ts): what they start compiles as it does for people.
delete process.env['NODE_COMPILE_CACHE'];
