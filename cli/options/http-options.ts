import { type Command, InvalidArgumentError } from 'commander';
import { AccessToken } from '../../connectors/http/access-token.ts';
import { type AccessRules, isLoopback } from '../../connectors/http/access.ts';
import { learnToken, readAgain, readSecretFile } from '../../connectors/system/settings.ts';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';

/** A header and a cookie carry it as it is. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Shorter ones are hidden nowhere, since they occur in any text. Unit: characters. */
const SHORTEST_TOKEN = 4;

/** 16 hex digits are 64 bits, which nobody guesses over a network. Unit: characters. */
const LONG_ENOUGH = 16;

const HIGHEST_PORT = 65_535;

/** The options that `httpOptions` adds to a command. */
export interface HttpCliOptions {
  readonly httpPort?: number;
  readonly httpHost: string;
  readonly httpTokenFile?: string;
  readonly httpAllowedHosts?: readonly string[];
}

/** Where to serve, and to whom. */
export interface HttpChoice extends AccessRules {
  /** 0 picks a free one. */
  readonly port: number;
}

/** The options of a command that serves the page. */
export function httpOptions(command: Command): Command {
  return command
    .option('--http-port <n>', 'serve the page there, with /live, /ready and /metrics; 0 picks a free port', port)
    .option('--http-host <host>', 'address to listen on', '127.0.0.1')
    .option(
      '--http-token-file <file>',
      'a file with a token: the page is shown only to whoever has it; read anew each time',
    )
    .option(
      '--http-allowed-hosts <list>',
      'names besides localhost by which the page may be opened, such as that of a proxy, separated by commas',
      hostNames,
    );
}

/** Null where nothing is to be served. Throws USAGE for a token that cannot be used, and for options that need --http-port. */
export function chosenHttp(
  cli: HttpCliOptions,
  { clock, logger }: { clock: Clock; logger: Logger },
): HttpChoice | null {
  const { httpPort, httpHost: host, httpTokenFile: file, httpAllowedHosts: names = [] } = cli;
  if (httpPort === undefined) {
    const alone = file !== undefined ? '--http-token-file' : names.length > 0 ? '--http-allowed-hosts' : null;
    if (alone !== null) throw new HarvestlineError('USAGE', `${alone} goes with --http-port`);
    return null;
  }
  const token = file === undefined ? null : tokenIn(file, clock, logger);
  return { host, port: httpPort, allowedHosts: [host.toLowerCase(), ...names], token };
}

/** Throws USAGE where the page would be open to other machines without a token. */
export function requireToken({ host, token }: AccessRules): void {
  if (token !== null || isLoopback(host)) return;
  throw new HarvestlineError(
    'USAGE',
    `--http-host ${host} is reached from other machines: give --http-token-file FILE, with a token as \`openssl rand -hex 32\` makes it`,
  );
}

function tokenIn(file: string, clock: Clock, logger: Logger): AccessToken {
  const problems: Problem[] = [];
  const read = readAgain((found) => {
    const token = readSecretFile(file, '--http-token-file', found, learnToken);
    if (found.length === 0 && (!TOKEN.test(token) || token.length < SHORTEST_TOKEN))
      found.push({
        path: '--http-token-file',
        why: `must hold one word of at least ${SHORTEST_TOKEN} ASCII characters, as \`openssl rand -hex 32\` prints it`,
      });
    return token;
  }, problems);
  if (problems.length > 0) throw new HarvestlineError('USAGE', formatProblems(problems), { problems });
  if (read().length < LONG_ENOUGH)
    logger.warn(
      { option: '--http-token-file' },
      `the token is short: \`openssl rand -hex 32\` makes one that nobody guesses`,
    );
  return new AccessToken(read, clock);
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= HIGHEST_PORT) return value;
  throw new InvalidArgumentError(`Give a whole number from 0 to ${HIGHEST_PORT}.`);
}

function hostNames(text: string, before: readonly string[] | undefined): readonly string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (names.every((name) => /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(name)))
    return [...(before ?? []), ...names];
  throw new InvalidArgumentError('Give names as a browser shows them, NAME or NAME:PORT, separated by commas.');
}
