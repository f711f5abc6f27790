/**
 * Lets Node run this program's TypeScript where npm has installed it: under node_modules Node itself refuses to. The package holds the
 * sources as they stand in the repository, so that nothing is built for a release, and positions in a stack trace are those of the sources.
 *
 * To be imported before the first module in TypeScript, by each thread.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const PACKAGE = new URL('../../', import.meta.url).href;

// Node says once that the function may still change. Whether it works with this Node is for the tests to know, not for each start to print.
const own = Object.getOwnPropertyDescriptor(process, 'emitWarning');
process.emitWarning = () => {};
stripTypeScriptTypes('');
Object.defineProperty(process, 'emitWarning', own);

registerHooks({
  load: (url, context, next) =>
    url.startsWith(PACKAGE) && url.endsWith('.ts')
      ? { format: 'module', source: stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8')), shortCircuit: true }
      : next(url, context),
});
