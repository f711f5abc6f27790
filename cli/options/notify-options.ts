import { InvalidArgumentError, Option } from 'commander';
import { redactor } from '../../connectors/system/redactor.ts';
import type { Heartbeat } from '../../ports/notify.ts';

/** Monitors call after a few missed calls, so that silence is heard within minutes. Unit: milliseconds. */
const HEARTBEAT_EVERY_MS = 60_000;

/** `--notify FILE`. */
export function notifyOption(description: string): Option {
  return new Option('--notify <file>', description);
}

/** `--heartbeat URL`. The address is a secret: whoever knows it can keep the monitor quiet. */
export function heartbeatOption(): Option {
  return new Option(
    '--heartbeat <url>',
    'an address of a monitor elsewhere, called every minute while all is well with this process: it raises the alarm when the calls cease',
  )
    .env('HARVESTLINE_HEARTBEAT')
    .argParser(heartbeat);
}

function heartbeat(text: string): Heartbeat {
  redactor.learn(text);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Give an address that begins with https:// or http://.');
  }
  // fetch takes no such address.
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('Give an address without user and password.');
  }
  return { name: 'heartbeat', url: () => text, everyMs: HEARTBEAT_EVERY_MS };
}
