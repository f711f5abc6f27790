/**
 * The secrets of a simulated desk, and what others say with them in it: errors of HTTP libraries name the request with its headers, proxies
 * show it on their pages, and an exchange may repeat it.
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import { learnAddress } from '../../connectors/notify/notify-file.ts';
import { learnSecrets } from '../../connectors/system/settings.ts';

/** Part of every secret: whoever looks for it finds all of them, and pieces as well. */
export const MARK = 'q7SimulatedSecret';

const KEY = `vk9${MARK}OfTheAccount4hT2`;
const SECRET = `vs3${MARK}OfTheKeyZ81x`;
/** Whoever knows the address of an incoming webhook may write to the chat. */
const ADDRESS = `https://hooks.example.com/services/T024/B7/${MARK}OfTheChat`;

/** As a process has them before it starts. */
const ENVIRONMENT = { HARVESTLINE_API_KEY: KEY, HARVESTLINE_API_SECRET: SECRET };

/** A process learns what to hide from its environment, as cli/main.ts does, and from its notify file. */
export function giveSecrets(): void {
  learnSecrets(ENVIRONMENT, []);
  learnAddress(ADDRESS);
}

/** A request as ccxt sends it, signed. */
function requestOf(what: string): string {
  const query = `what=${encodeURIComponent(what)}&timestamp=1767571200000&recvWindow=5000&signature=${MARK}8f2c`;
  return `https://fapi.binance.com/fapi/v1/order?${query}`;
}

/** What an HTTP library throws where nothing answers. */
export function failedRequest(what: string): Error {
  const headers = JSON.stringify({ 'X-MBX-APIKEY': KEY });
  return new Error(`binanceusdm GET ${requestOf(what)} ${headers} request timed out, signed with ${SECRET}`);
}

/** A reply that refuses an order, and repeats it. */
export function refusedReply(code: string, why: string) {
  const msg = `the order is refused: ${why}. ${requestOf(why)} of ${KEY}`;
  const json = { code: Number(code), msg };
  return { status: 400, headers: {}, body: JSON.stringify(json), json };
}

/** What fetch throws where nothing answers. */
export function failedMessage(): Error {
  return new TypeError('fetch failed', { cause: new Error(`connect ETIMEDOUT, ${ADDRESS}`) });
}

export function pageOfProxy(): string {
  return `<h1>502 Bad Gateway</h1><p>POST ${new URL(ADDRESS).pathname} from ${ADDRESS}</p>`;
}

/** What the processes of a world say, as far as it holds a secret. */
export class Spoken {
  readonly secrets: string[] = [];

  /** A log line with its fields, or an error. */
  hear(who: string, what: string, fields: object): void {
    const text = [what, ...Object.values(fields).map(textOf)].join(' ');
    if (text.includes(MARK)) this.secrets.push(`${who}: ${text}`);
  }
}

/** An error with all that caused it. */
function textOf(value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? '';
  return value.cause === undefined ? messageOf(value) : `${messageOf(value)} ${textOf(value.cause)}`;
}
