import { Command } from 'commander';
import { expect, it } from 'vitest';
import { heartbeatOption } from '../../../cli/options/notify-options.ts';

it.each([
  ['http://u:p@hc.example.com/uuid', 'without user and password'],
  ['ftp://hc.example.com/uuid', 'begins with https:// or http://'],
])('--heartbeat refuses an address that cannot be called: %s', (url, why) => {
  const command = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addOption(heartbeatOption());
  expect(() => command.parse(['--heartbeat', url], { from: 'user' })).toThrow(why);
});
