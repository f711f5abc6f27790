import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { writePaged } from '../../../connectors/system/pager.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const LINES = ['one', 'two', 'three'];

/** What reaches the terminal itself; what a pager got is in the file that it writes. */
async function written(rows: number, pager: string | undefined, { wanted = true, isTTY = true } = {}): Promise<string> {
  const stream = Object.assign(new PassThrough(), { rows, isTTY });
  const stdout = stream as unknown as NodeJS.WriteStream;
  await writePaged(LINES, { stdout, env: { PATH: process.env['PATH'], PAGER: pager }, wanted });
  stream.end();
  return text(stream);
}

const WHOLE = 'one\ntwo\nthree\n';

describe('long output on a terminal', () => {
  const temporary = temporaryFolder();
  afterAll(() => temporary.remove());
  const folder = temporary.path;
  const out = join(folder, 'paged');
  const pager = join(folder, 'pager.sh');
  writeFileSync(pager, `#!/bin/sh\ncat > "$1"\necho "$LESS" >> "$1"\n`);
  chmodSync(pager, 0o700);

  it('goes to the pager with its arguments, and tells less to quit where all fits', async () => {
    expect(await written(3, `${pager} ${out}`)).toBe('');
    expect(readFileSync(out, 'utf8')).toBe(`${WHOLE}FRX\n`);
  });

  it.each([
    { why: 'it fits', rows: 4, named: pager },
    { why: 'it is a pipe', rows: 3, named: pager, options: { isTTY: false } },
    { why: '--no-pager', rows: 3, named: pager, options: { wanted: false } },
    { why: 'PAGER=cat', rows: 3, named: 'cat' },
    { why: 'PAGER is empty', rows: 3, named: '' },
    { why: 'the pager is not there', rows: 3, named: join(folder, 'no-such-pager') },
  ])('goes straight out: $why', async ({ rows, named, options }) => {
    expect(await written(rows, named, options)).toBe(WHOLE);
  });

  it('a pager that is quit early is no error', async () => {
    expect(await written(3, 'true')).toBe('');
  });
});
