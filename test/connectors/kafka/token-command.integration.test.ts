import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tokenOfCommand } from '../../../connectors/kafka/kafka-connection.ts';
import { redactor } from '../../../connectors/system/redactor.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const NAME = 'KAFKA_SASL_TOKEN_COMMAND';

it('is what the command prints, hidden from then on; runs that are asked for together are one', async () => {
  const count = join(folderForTest(), 'count');
  const token = tokenOfCommand(
    `echo run >> '${count}'; wc -l < '${count}' | tr -d ' ' | sed 's/^/canary-token-/'`,
    NAME,
  );
  expect(await Promise.all([token(), token(), token()])).toEqual(Array(3).fill('canary-token-1'));
  expect(await token()).toBe('canary-token-2');
  expect(redactor.redact('canary-token-1 canary-token-2')).toBe('[hidden] [hidden]');
});

it.each([
  ['exit 3', 'failed (exit code 3)'],
  ['true', 'printed nothing'],
  ['echo two words', 'printed more than a token'],
  ['no-such-command-here', 'failed (exit code 127)'],
])('%s: CREDENTIALS_UNAVAILABLE, without the command', async (command, why) => {
  await expect(tokenOfCommand(command, NAME)()).rejects.toMatchObject({
    code: 'CREDENTIALS_UNAVAILABLE',
    message: `${NAME}: the command ${why}`,
  });
});

it('one that gave a token before is only away', async () => {
  const file = join(folderForTest(), 'token');
  writeFileSync(file, 'a-good-token');
  const token = tokenOfCommand(`cat '${file}'`, NAME);
  expect(await token()).toBe('a-good-token');
  writeFileSync(file, '');
  await expect(token()).rejects.toMatchObject({ code: 'BROKER_AWAY', kind: 'transient' });
  writeFileSync(file, 'another-token');
  expect(await token()).toBe('another-token');
});
