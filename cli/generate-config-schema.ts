/**
 * Writes harvestline.schema.json from the options of every command. `--check` writes nothing and exits 1 when it is out of date. It runs with
 * `npm run docs:generate` and `npm run schemas`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { programFor } from './main.ts';
import { configSchema } from './config/config-schema.ts';

const file = new URL('./config/harvestline.schema.json', import.meta.url);
const options = { ...(await resolveConfig(file.pathname)), parser: 'json' };
const text = await format(JSON.stringify(configSchema(await programFor())), options);
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  process.stderr.write(
    'cli/config/harvestline.schema.json is out of date: run `npm run docs:generate` and commit it.\n',
  );
  process.exitCode = 1;
}
