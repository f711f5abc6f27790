import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems, messageOf } from '../../../errors/harvestline-error.ts';
import { parseJsonBytes } from '../../../schemas/strict-json.ts';
import { type KnownVenue, UNTRIED, knownVenue } from './known-venues.ts';

/** What the exchange knows the account by. */
export interface Credentials {
  readonly key: string;
  readonly secret: string;
  /** Null where the exchange asks for none. */
  readonly passphrase: string | null;
}

/** Where money is: practice accounts, or real ones. `data` asks for nothing but what anybody may know. */
export type Stake = 'demo' | 'live' | 'data';

export interface VenueSettings {
  /** ccxt's id. */
  readonly id: string;
  readonly stake: Stake;
  /** Null: public questions only. */
  readonly credentials: Credentials | null;
  /** In place of the scheme, host and port of every address of the exchange; null: its own. */
  readonly url: string | null;
  readonly traits: Pick<KnownVenue, 'clientOrderIds' | 'fillsWindowMs'>;
  /** Handed to ccxt's constructor. */
  readonly ccxt: Readonly<Record<string, unknown>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The settings file: what an exchange needs that is in no table. Secrets have no place in it. */
const SettingsFile = z.strictObject({
  client_order_ids: z.enum(['verbatim', 'alphanumeric-32']).optional(),
  fills_window_days: z.number().positive().nullable().optional(),
  ccxt: z
    .record(z.string(), z.unknown())
    .refine(
      (given) => !['apiKey', 'secret', 'password', 'token', 'privateKey'].some((name) => Object.hasOwn(given, name)),
      'must not carry secrets: use HARVESTLINE_API_KEY, _SECRET and _PASSPHRASE',
    )
    .optional(),
});

export interface VenueChoice {
  readonly id: string;
  readonly stake: Stake;
  readonly url?: string | undefined;
  readonly settingsFile?: string | undefined;
}

/**
 * Puts the settings of an exchange together, from the command line, a settings file and the environment:
 * HARVESTLINE_API_KEY, _API_SECRET, _API_PASSPHRASE, each also as NAME_FILE for a file that holds it. An empty variable counts
 * as left out. Throws USAGE with everything that is missing or wrong; no value appears in it.
 */
export function venueSettings(choice: VenueChoice, env: Environment): VenueSettings {
  const { id, stake, url, settingsFile } = choice;
  const problems: Problem[] = [];
  const file = settingsFile === undefined ? {} : readSettings(settingsFile, problems);
  const credentials = venueCredentials(env, problems);
  if (stake !== 'data' && credentials === null && problems.length === 0) {
    problems.push({ path: 'HARVESTLINE_API_KEY', why: 'is missing, and so is HARVESTLINE_API_KEY_FILE' });
  }
  if (url !== undefined && !isSafeUrl(url)) {
    problems.push({ path: '--venue-url', why: 'must be an https address, or http on this machine' });
  }
  const known = knownVenue(id);
  if (stake === 'demo' && known?.demo === false) {
    problems.push({ path: '--demo', why: `${id} has no practice accounts that ccxt can reach` });
  }
  if (problems.length > 0) {
    throw new HarvestlineError('USAGE', `the exchange ${id}: ${formatProblems(problems)}`, { problems });
  }
  const days = file.fills_window_days;
  const traits = known ?? UNTRIED;
  return {
    id,
    stake,
    credentials,
    url: url ?? null,
    traits: {
      clientOrderIds: file.client_order_ids ?? traits.clientOrderIds,
      fillsWindowMs: days === undefined ? traits.fillsWindowMs : days === null ? null : days * DAY_MS,
    },
    ccxt: file.ccxt ?? {},
  };
}

/** Whether the environment names an account. */
export function hasCredentials(env: Environment): boolean {
  return isGiven(env['HARVESTLINE_API_KEY']) || isGiven(env['HARVESTLINE_API_KEY_FILE']);
}

function venueCredentials(env: Environment, problems: Problem[]): Credentials | null {
  const key = secretOf(env, 'HARVESTLINE_API_KEY', problems);
  const secret = secretOf(env, 'HARVESTLINE_API_SECRET', problems);
  const passphrase = secretOf(env, 'HARVESTLINE_API_PASSPHRASE', problems);
  if (key === null && secret === null) return null;
  if (key === null) problems.push({ path: 'HARVESTLINE_API_KEY', why: 'is missing' });
  if (secret === null) problems.push({ path: 'HARVESTLINE_API_SECRET', why: 'is missing' });
  return { key: key ?? '', secret: secret ?? '', passphrase };
}

function secretOf(env: Environment, name: string, problems: Problem[]): string | null {
  const value = env[name];
  const file = env[`${name}_FILE`];
  if (!isGiven(file)) return isGiven(value) ? value : null;
  if (isGiven(value)) problems.push({ path: `${name}_FILE`, why: `is given, and so is ${name}` });
  try {
    // Editors and secret managers end a file with a line break that is no part of the secret.
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    problems.push({ path: `${name}_FILE`, why: `cannot be read: ${messageOf(error)}` });
    return '';
  }
}

function readSettings(path: string, problems: Problem[]): z.infer<typeof SettingsFile> {
  let json: unknown;
  try {
    const found = parseJsonBytes(readFileSync(path));
    problems.push(...found.problems.map((one) => ({ ...one, path: `${path}: ${one.path}` })));
    json = found.value;
  } catch (error) {
    problems.push({ path, why: `cannot be read as JSON: ${messageOf(error)}` });
    return {};
  }
  const parsed = SettingsFile.safeParse(json);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    problems.push({ path: `${path}: ${issue.path.join('.') || '(root)'}`, why: issue.message });
  }
  return {};
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

/** Signed requests in the clear would show the key to everybody on the way. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
