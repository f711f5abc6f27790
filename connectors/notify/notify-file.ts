/**
 * The file of `--notify`: where alerts are sent, and when not. YAML (JSON is YAML, too). Every wrong path is named at once.
 *
 *     targets:
 *       - type: webhook
 *         url: https://ops.example.com/alerts
 *         secret_file: /run/secrets/alerts-hmac
 *       - type: telegram
 *         token_file: /run/secrets/telegram
 *         chat_id: "-1001234567890"
 *         from_severity: WARNING
 *     quiet_hours: { from: "22:00", to: "07:00", time_zone: Europe/Berlin, below: CRITICAL }
 *     remind_after_minutes: 240
 */
import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { HarvestlineError, type Problem, formatProblems } from '../../errors/harvestline-error.ts';
import {
  type ConfiguredTarget,
  type Heartbeat,
  type NotifySettings,
  type NotifyTarget,
  type Secret,
  SEVERITIES,
} from '../../ports/notify.ts';
import { redactor } from '../system/redactor.ts';
import { readAgain, readPlainFile, readSecretFile } from '../system/settings.ts';
import { emailTarget } from './email-target.ts';
import { chatTarget, telegramTarget, webhookTarget } from './http-targets.ts';

const Severity = z.enum(SEVERITIES);
/** fetch takes no address with a login in it. */
const NO_LOGIN = 'must hold no user and password';
const Url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
  .refine((url) => !holdsLogin(url), NO_LOGIN);
const Path = z.string().min(1);
const ClockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "22:00"');

/** Of every target. `name` is the type where left out, numbered from the second of a type on. */
const EVERY = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9 and -: it names a consumer group')
    .optional(),
  from_severity: Severity.default('INFO'),
};
/** An address that holds a secret may stand in a file of its own. */
const ADDRESS = { url: Url.optional(), url_file: Path.optional() };

const Target = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('webhook'), ...EVERY, ...ADDRESS, secret_file: Path.optional() }),
  z.strictObject({ type: z.literal('slack'), ...EVERY, ...ADDRESS }),
  z.strictObject({
    type: z.literal('telegram'),
    ...EVERY,
    token_file: Path,
    chat_id: z.union([z.string().min(1), z.number().int()]).transform(String),
    api_url: Url.default('https://api.telegram.org'),
  }),
  z.strictObject({
    type: z.literal('email'),
    ...EVERY,
    host: z.string().min(1),
    port: z.number().int().min(1).max(65_535).default(587),
    security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
    user: z.string().min(1).optional(),
    password_file: Path.optional(),
    from: z.string().min(1),
    to: z.union([
      z
        .string()
        .min(1)
        .transform((one) => [one]),
      z.array(z.string().min(1)).min(1),
    ]),
  }),
  z.strictObject({
    type: z.literal('heartbeat'),
    name: EVERY.name,
    ...ADDRESS,
    every_seconds: z.number().int().min(5).max(3600).default(60),
  }),
]);

const NotifyFile = z.strictObject({
  targets: z.array(Target).min(1, 'must name at least one target').max(50),
  quiet_hours: z
    .strictObject({
      from: ClockTime,
      to: ClockTime,
      time_zone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').default('UTC'),
      below: Severity.default('CRITICAL'),
    })
    .optional(),
  remind_after_minutes: z.number().int().min(5).max(10_080).default(240),
});

/** Where a target listens. */
export interface NotifyPlace {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Reads a notify file with the secrets that it names. Throws NOTIFY_FILE_INVALID with every failing path. */
export function readNotifyFile(file: string): NotifySettings {
  return readTargets(file).settings;
}

/** Where the targets of a notify file listen, heartbeats included. Throws NOTIFY_FILE_INVALID. */
export function readNotifyPlaces(file: string): readonly NotifyPlace[] {
  return readTargets(file).places;
}

function readTargets(file: string): { readonly settings: NotifySettings; readonly places: readonly NotifyPlace[] } {
  const problems: Problem[] = [];
  const text = readPlainFile(file, '--notify', problems);
  const refuse = (): never => {
    const message = `${file} is not a file of notify targets: ${formatProblems(problems)}`;
    throw new HarvestlineError('NOTIFY_FILE_INVALID', message, { at: { file }, problems });
  };
  if (problems.length > 0) refuse();
  const document = parseDocument(text);
  problems.push(...document.errors.map(({ message }) => ({ path: '(root)', why: message.split('\n')[0] ?? message })));
  if (problems.length > 0) refuse();
  const { data, error } = NotifyFile.safeParse(valueOf(document, problems));
  if (problems.length > 0) refuse();
  if (data === undefined) {
    problems.push(...(error?.issues ?? []).map(({ path, message }) => ({ path: pathText(path), why: message })));
    return refuse();
  }
  const counts = new Map<string, number>();
  const targets: ConfiguredTarget[] = [];
  const heartbeats: Heartbeat[] = [];
  const places: NotifyPlace[] = [];
  for (const [index, entry] of data.targets.entries()) {
    const at = `targets[${index}]`;
    const name = entry.name ?? numbered(counts, entry.type);
    if ([...targets.map(({ target }) => target), ...heartbeats].some((other) => other.name === name)) {
      problems.push({ path: `${at}.name`, why: `${name} is the name of another target` });
    }
    places.push({ name, ...placeOf(entry) });
    if (entry.type === 'heartbeat') {
      heartbeats.push({ name, url: addressOf(entry, at, problems), everyMs: 1000 * entry.every_seconds });
    } else {
      targets.push({ target: targetOf(name, entry, at, problems), fromSeverity: entry.from_severity });
    }
  }
  if (problems.length > 0) refuse();
  const quiet = data.quiet_hours;
  const settings: NotifySettings = {
    targets,
    heartbeats,
    quietHours:
      quiet === undefined
        ? null
        : { from: minutesOf(quiet.from), to: minutesOf(quiet.to), timeZone: quiet.time_zone, below: quiet.below },
    remindAfterMs: 60_000 * data.remind_after_minutes,
  };
  return { settings, places };
}

/** Aliases (`*name`) are not taken: a few of them make a small file endless. */
function valueOf(document: Document, problems: Problem[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown;
    problems.push({ path: '(root)', why: 'must hold no alias (*name): write out what it stands for' });
    return undefined;
  }
}

type TargetEntry = Exclude<z.output<typeof Target>, { readonly type: 'heartbeat' }>;

function targetOf(name: string, entry: TargetEntry, at: string, problems: Problem[]): NotifyTarget {
  const secret = (file: string, field: string): Secret =>
    readAgain((found) => readSecretFile(file, `${at}.${field}`, found), problems);
  if (entry.type === 'webhook') {
    const signed = entry.secret_file === undefined ? null : secret(entry.secret_file, 'secret_file');
    return webhookTarget(name, addressOf(entry, at, problems), signed);
  }
  if (entry.type === 'slack') return chatTarget(name, addressOf(entry, at, problems));
  if (entry.type === 'telegram') {
    const { api_url, token_file, chat_id } = entry;
    return telegramTarget(name, api_url.replace(/\/+$/, ''), secret(token_file, 'token_file'), chat_id);
  }
  const { host, port, security, user = null, password_file, from, to } = entry;
  if ((user === null) !== (password_file === undefined)) {
    problems.push({ path: at, why: 'user and password_file go together' });
  }
  const password = password_file === undefined ? null : secret(password_file, 'password_file');
  return emailTarget(name, { host, port, security, user, password, from, to });
}

/** An address that is missing or wrong is reported by `addressOf`. */
function placeOf(entry: z.output<typeof Target>): { readonly host: string; readonly port: number } {
  if (entry.type === 'email') return { host: entry.host, port: entry.port };
  const given = entry.type === 'telegram' ? entry.api_url : (entry.url ?? readPlainFile(entry.url_file ?? '', '', []));
  if (!URL.canParse(given)) return { host: '', port: 0 };
  const { hostname, port, protocol } = new URL(given);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
}

/** The address from `url` or `url_file`. Both are hidden: chats and monitors let in whoever knows the address. */
function addressOf(
  { url, url_file: file }: { readonly url?: string | undefined; readonly url_file?: string | undefined },
  at: string,
  problems: Problem[],
): Secret {
  if ((url === undefined) === (file === undefined)) {
    problems.push({ path: `${at}.url`, why: 'give either url or url_file' });
    return () => '';
  }
  if (url !== undefined) {
    learnAddress(url);
    return () => url;
  }
  return readAgain((found) => {
    const address = readSecretFile(file ?? '', `${at}.url_file`, found);
    if (holdsLogin(address)) found.push({ path: `${at}.url_file`, why: NO_LOGIN });
    else if (!Url.safeParse(address).success) found.push({ path: `${at}.url_file`, why: 'holds no http address' });
    else learnAddress(address);
    return address;
  }, problems);
}

/** A shorter path, such as /alerts, lets nobody in who does not know it. Unit: characters. */
const SHORTEST_SECRET_PATH = 16;

/** Hides an address, and its path alone as well: servers answer `Cannot POST /services/…`, and what they answer stands in alerts. */
export function learnAddress(address: string): void {
  const { pathname } = new URL(address);
  redactor.learn(address, ...(pathname.length < SHORTEST_SECRET_PATH ? [] : [pathname]));
}

function holdsLogin(address: string): boolean {
  const { username, password } = URL.canParse(address) ? new URL(address) : { username: '', password: '' };
  return username !== '' || password !== '';
}

function numbered(counts: Map<string, number>, type: string): string {
  const count = (counts.get(type) ?? 0) + 1;
  counts.set(type, count);
  return count === 1 ? type : `${type}-${count}`;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return 60 * hours + minutes;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format() !== '';
  } catch {
    return false;
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}
