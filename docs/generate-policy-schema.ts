/**
 * Writes pipelines/scoring/policy.schema.json from the schema of policies. `--check` writes nothing and exits 1 when it is
 * out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { policyJsonSchema } from '../pipelines/scoring/policy.ts';

const OUTPUT = new URL('../pipelines/scoring/policy.schema.json', import.meta.url);

const text = JSON.stringify({ title: 'A policy of harvestline', ...policyJsonSchema() });
const formatted = await format(text, { ...(await resolveConfig(OUTPUT.pathname)), parser: 'json' });

if (!process.argv.includes('--check')) {
  writeFileSync(OUTPUT, formatted);
} else if (!existsSync(OUTPUT) || readFileSync(OUTPUT, 'utf8') !== formatted) {
  process.stderr.write(
    'pipelines/scoring/policy.schema.json is out of date: run `npm run policy:generate` and commit it.\n',
  );
  process.exitCode = 1;
}
