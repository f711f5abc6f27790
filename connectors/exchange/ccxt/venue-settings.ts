import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../../errors/harvestline-error.ts';
import { type Environment, readSecret } from '../../system/settings.ts';
import { parseJsonBytes } from '../../../schemas/strict-json.ts';
import { knownVenue } from './venues/known-venues.ts';
import { type VenueTraits, DEFAULT_TRAITS } from './venues/venue-traits.ts';
import type { Exchange as CcxtExchange } from 'ccxt';
import { didYouMean } from '../../../errors/nearest.ts';

/** The API key of an account. */
export interface Credentials {
  readonly key: string;
  readonly secret: string;
  /** Null where the exchange has none. */
  readonly passphrase: string | null;
}

/** Which account is used: a practice one (`demo`), a real one (`live`), or none: `data` sends public requests only. */
type Stake = 'demo' | 'live' | 'data';

export interface VenueSettings {
  /** ccxt's id. */
  readonly id: string;
  readonly stake: Stake;
  /** Null: public requests only. */
  readonly credentials: Credentials | null;
  /** Replaces scheme, host and port in every address of the exchange; null: no replacement. */
  readonly url: string | null;
  readonly traits: VenueTraits;
  /** Passed to ccxt's constructor. */
  readonly ccxt: Readonly<Record<string, unknown>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A word by which an exchange names a type of market or account. */
const Word = z.string().regex(/^[\w:-]{1,40}$/, 'must be a word of letters, digits, _, : and -, at most 40');

/** Allowed entries of ccxt's `options`: which markets and accounts are meant, and how requests are made. */
const CcxtOptions = z.strictObject({
  defaultType: Word.optional(),
  defaultSubType: Word.optional(),
  defaultSettle: Word.optional(),
  defaultMarginMode: Word.optional(),
  marginMode: Word.optional(),
  portfolioMargin: z.boolean().optional(),
  unifiedAccount: z.boolean().optional(),
  enableUnifiedAccount: z.boolean().optional(),
  hedged: z.boolean().optional(),
  broker: Word.optional(),
  brokerId: Word.optional(),
  fetchMarkets: z.array(Word).max(10).optional(),
  recvWindow: z.int().min(1000).max(60_000).optional(),
});

/**
 * The settings file, for exchanges that are not known. It allows named settings only: ccxt accepts anything, including settings that print
 * requests with their keys, redirect them, or hold secrets.
 */
const SettingsFile = z.strictObject({
  client_order_ids: z.enum(['verbatim', 'alphanumeric-32']).optional(),
  fills_window_days: z.number().positive().nullable().optional(),
  ccxt: z
    .strictObject({
      timeout: z.int().min(100).max(60_000).optional(),
      rateLimit: z.number().positive().max(60_000).optional(),
      options: CcxtOptions.optional(),
    })
    .optional(),
});

/** The paths of all settings of the file, for docs/exchanges.md. */
export const ALLOWED_SETTINGS: readonly string[] = pathsOf(SettingsFile);

function pathsOf(shape: z.ZodObject, prefix = ''): readonly string[] {
  return Object.entries(shape.shape).flatMap(([name, field]) => {
    const inner = field instanceof z.ZodOptional ? field.unwrap() : field;
    return inner instanceof z.ZodObject ? pathsOf(inner, `${prefix}${name}.`) : [`${prefix}${name}`];
  });
}

export interface VenueChoice {
  readonly id: string;
  readonly stake: Stake;
  readonly url?: string | undefined;
  readonly settingsFile?: string | undefined;
}

/**
 * The settings of an exchange from the command line, a settings file and the environment: HARVESTLINE_API_KEY, _API_SECRET and
 * _API_PASSPHRASE, each also as NAME_FILE for a file that holds it. An empty variable counts as unset. Throws USAGE with everything that is
 * missing or wrong, or KEYS_UNUSABLE if only the content of a key or its file is wrong. No value appears in either.
 */
export function venueSettings(choice: VenueChoice, env: Environment): VenueSettings {
  const { id, stake, url, settingsFile } = choice;
  const problems: Problem[] = [];
  const file = settingsFile === undefined ? {} : readSettings(settingsFile, problems);
  const unusable: Problem[] = [];
  const credentials = venueCredentials(env, problems, unusable);
  if (stake !== 'data' && credentials === null && problems.length + unusable.length === 0) {
    problems.push({ path: 'HARVESTLINE_API_KEY', why: 'is missing, and so is HARVESTLINE_API_KEY_FILE' });
  }
  if (url !== undefined && !isSafeUrl(url)) {
    const why = 'must be an https address, or http on this machine, without user information and query';
    problems.push({ path: '--venue-url', why });
  }
  const { timeout = TIMEOUT_MS, options } = file.ccxt ?? {};
  if (options?.recvWindow !== undefined && options.recvWindow > timeout) {
    const why = 'must be at most ccxt.timeout (5000 where left out): what was given up could still become an order';
    problems.push({ path: 'ccxt.options.recvWindow', why });
  }
  const traits = knownVenue(id)?.traits ?? DEFAULT_TRAITS;
  if (stake === 'demo' && traits.practice === null) {
    problems.push({ path: '--demo', why: `${id} has no practice accounts that ccxt can reach` });
  }
  const all = [...unusable, ...problems];
  if (all.length > 0) {
    const code = problems.length > 0 ? 'USAGE' : 'KEYS_UNUSABLE';
    throw new HarvestlineError(code, `the exchange ${id}: ${formatProblems(all)}`, { problems: all });
  }
  const days = file.fills_window_days;
  const windowMs = days === undefined ? traits.fills.windowMs : days === null ? null : days * DAY_MS;
  return {
    id,
    stake,
    credentials,
    url: url ?? null,
    traits: {
      ...traits,
      clientOrderIds: file.client_order_ids ?? traits.clientOrderIds,
      fills: { ...traits.fills, windowMs },
    },
    ccxt: file.ccxt ?? {},
  };
}

/** Whether the environment names an account. */
export function hasCredentials(env: Environment): boolean {
  return isGiven(env['HARVESTLINE_API_KEY']) || isGiven(env['HARVESTLINE_API_KEY_FILE']);
}

function venueCredentials(env: Environment, problems: Problem[], unusable: Problem[]): Credentials | null {
  const key = readSecret(env, 'HARVESTLINE_API_KEY', unusable);
  const secret = readSecret(env, 'HARVESTLINE_API_SECRET', unusable);
  const passphrase = readSecret(env, 'HARVESTLINE_API_PASSPHRASE', unusable) ?? null;
  if (key === undefined && secret === undefined) return null;
  if (key === undefined) problems.push({ path: 'HARVESTLINE_API_KEY', why: 'is missing' });
  if (secret === undefined) problems.push({ path: 'HARVESTLINE_API_SECRET', why: 'is missing' });
  // The key is sent in a header of each request.
  if (key !== undefined && problems.length + unusable.length === 0 && !/^[\x21-\x7e]+$/.test(key)) {
    const name = isGiven(env['HARVESTLINE_API_KEY']) ? 'HARVESTLINE_API_KEY' : 'HARVESTLINE_API_KEY_FILE';
    unusable.push({ path: name, why: 'holds blanks, line breaks or letters that no key has' });
  }
  return { key: key ?? '', secret: secret ?? '', passphrase };
}

function readSettings(path: string, problems: Problem[]): z.infer<typeof SettingsFile> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    problems.push({ path, why: `cannot be read${code}` });
    return {};
  }
  let json: unknown;
  try {
    const found = parseJsonBytes(bytes);
    problems.push(...found.problems.map((one) => ({ ...one, path: `${path}: ${one.path}` })));
    json = found.value;
  } catch {
    // The parser's message quotes the file, which may be a file of secrets named by mistake.
    problems.push({ path, why: 'is not JSON' });
    return {};
  }
  const parsed = SettingsFile.safeParse(json);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (issue.code !== 'unrecognized_keys') {
      problems.push({ path: `${path}: ${issue.path.join('.') || '(root)'}`, why: issue.message });
      continue;
    }
    for (const key of issue.keys) {
      const name = [...issue.path, key].join('.');
      problems.push({ path: `${path}: ${name}`, why: 'is not among what may be set' });
    }
  }
  problems.push({ path, why: `may hold ${ALLOWED_SETTINGS.join(', ')}` });
  return {};
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

/** HTTPS, or HTTP on this machine: signed requests in the clear would expose the key. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '' || search !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}

/** A healthy exchange answers within this time. Unit: milliseconds. */
const TIMEOUT_MS = 5000;

/**
 * The exchange rejects signed requests that are older. A delayed request therefore never becomes an order after execution has stopped looking
 * it up, which it does for twice as long; nor after its time-out, when a halt may be acknowledged (DSK-16), so it is never longer than that.
 * Unit: milliseconds.
 */
const RECV_WINDOW_MS = 5000;

/** Loads ccxt and creates its client of an exchange. Throws USAGE for an id that ccxt does not know. */
export async function openCcxt(settings: VenueSettings): Promise<CcxtExchange> {
  const { default: ccxt } = await import('ccxt');
  const classes: Readonly<Record<string, unknown>> = { ...ccxt };
  const constructor = ccxt.exchanges.includes(settings.id) ? classes[settings.id] : undefined;
  if (!isConstructor(constructor)) {
    const named = didYouMean(settings.id, ccxt.exchanges);
    const flag = settings.stake === 'data' ? '--data-venue' : '--venue';
    throw new HarvestlineError(
      'USAGE',
      `${flag}: ccxt knows no exchange ${named}; docs/exchanges.md says which were tried`,
    );
  }
  const api = new constructor(configOf(settings));
  // Wallets are not needed, and futures keys may lack the permission.
  api.has['fetchCurrencies'] = false;
  // Verbose output would print whole requests, keys included.
  api.verbose = false;
  if (settings.stake === 'demo') toPractice(api, settings.traits.practice);
  if (settings.url !== null) redirect(api, settings.url);
  // Otherwise ccxt would load these during the first request, at the expense of its time-out.
  await api.loadProxyModules();
  await api.loadFetchImplementation();
  return api;
}

function isConstructor(given: unknown): given is new (config: object) => CcxtExchange {
  return typeof given === 'function';
}

function configOf({ credentials, traits, ccxt }: VenueSettings): object {
  const options = typeof ccxt['options'] === 'object' && ccxt['options'] !== null ? ccxt['options'] : {};
  const timeout = typeof ccxt['timeout'] === 'number' ? ccxt['timeout'] : TIMEOUT_MS;
  return {
    ...ccxt,
    timeout,
    // Makes ccxt await a turn of the RequestQueue before each request.
    enableRateLimit: true,
    // Decimal texts instead of doubles, so that no digit is lost.
    number: String,
    options: {
      recvWindow: Math.min(RECV_WINDOW_MS, timeout),
      warnOnFetchOpenOrdersWithoutSymbol: false,
      ...traits.ccxtOptions,
      ...options,
    },
    ...(credentials === null
      ? {}
      : {
          apiKey: credentials.key,
          secret: credentials.secret,
          ...(credentials.passphrase === null ? {} : { password: credentials.passphrase }),
        }),
  };
}

/** Switches ccxt to practice accounts. Throws EXCHANGE_UNSUPPORTED where ccxt has no address of them. */
function toPractice(api: CcxtExchange, practice: VenueTraits['practice']): void {
  const { urls } = api;
  const hasDemo = urls['demo'] !== undefined || urls['demotrading'] !== undefined;
  if (practice === 'demo-trading' || (practice === 'any' && hasDemo)) {
    api.enableDemoTrading(true);
    return;
  }
  if (practice === 'sandbox' || (practice === 'any' && urls['test'] !== undefined)) {
    api.setSandboxMode(true);
    return;
  }
  const message = `--demo: ccxt knows no address of practice accounts of ${api.id}`;
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', message);
}

/** Replaces scheme, host and port in every address, and keeps the paths. */
function redirect(api: CcxtExchange, url: string): void {
  const { origin } = new URL(url);
  const moved = (address: unknown): unknown => {
    if (typeof address === 'string') return address.replace(/^https?:\/\/[^/]+/, origin);
    if (typeof address !== 'object' || address === null) return address;
    return Object.fromEntries(Object.entries(address).map(([name, one]) => [name, moved(one)]));
  };
  Object.assign(api.urls, { api: moved(api.urls['api']) });
}
