/**
 * `npm run check:static`: the checks that run no test, all at once, since most of them use one core. The output of each is printed when it has ended,
 * in the order below; one that fails fails all.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const CHECKS = ['format:check', 'lint', 'types', 'schemas'] as const;

const results = await Promise.all(
  CHECKS.map(async (name) => {
    const check = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors, [code]] = await Promise.all([text(check.stdout), text(check.stderr), once(check, 'close')]);
    return { name, said: output + errors, passed: code === 0 };
  }),
);
for (const { name, said, passed } of results) process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name}\n${said}`);
if (results.some(({ passed }) => !passed)) process.exitCode = 1;
