import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Reading } from '../system/settings.ts';
import { RequestError } from './refusal.ts';

const CHALLENGE = { headers: { 'www-authenticate': 'Bearer realm="harvestline"' } };

/** Wrong tokens that one address may send in a window. A person mistypes a few times; more come from a program. What is not guessed is a long token. */
const WRONG_IN_A_WINDOW = 10;

/** Unit: milliseconds. */
const WINDOW_MS = 60_000;

/** Addresses that are remembered; the oldest is forgotten, so that a flood from many addresses takes no more memory. */
const REMEMBERED_ADDRESSES = 1024;

/** What a request brought to be let in; each is null where it brought none. */
export interface Credentials {
  /** The header `authorization`. */
  readonly authorization: string | null;
  /** The header `cookie`. */
  readonly cookie: string | null;
  /** The token of the query. */
  readonly query: string | null;
}

/**
 * The token that lets a reader in, from a file that is read anew for each request, so that a new token counts at once and the old one no more.
 *
 * A browser cannot send a header for a page or for server-sent events, so it is given a cookie. The cookie holds a digest of the token, not
 * the token, and its name differs by token: cookies do not differ by port, and several processes serve a page on one machine.
 *
 * HTTP-1  Tokens are compared in constant time, and to an address that sent ten wrong ones within a minute any other wrong one is answered with
 *         TOKEN_ATTEMPTS until the minute is over. Who has the token is let in all the same, and cannot be locked out by others of the address.
 */
export class AccessToken {
  readonly #read: Reading;
  readonly #clock: Clock;
  readonly #wrong = new Map<string, { count: number; readonly until: EpochMillis }>();

  constructor(read: Reading, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** Throws TOKEN_NEEDED where none of the credentials is good, and TOKEN_ATTEMPTS after too many that were wrong. */
  check({ authorization, cookie, query }: Credentials, address: string): void {
    const token = this.#read();
    const [name, value] = sessionOf(token);
    const bearer = authorization === null ? null : (/^Bearer +(\S+)\s*$/i.exec(authorization)?.[1] ?? '');
    const session = cookie === null ? null : cookieNamed(cookie, name);
    const given = [
      [bearer, token],
      [query, token],
      [session, value],
    ] as const;
    if (given.some(([sent, right]) => sent !== null && isEqual(sent, right))) return;
    if (given.some(([sent]) => sent !== null)) {
      this.#countWrong(networkOf(address), this.#clock.now());
      throw new RequestError('TOKEN_NEEDED', 'this is not the token that stands in the file now', CHALLENGE);
    }
    throw new RequestError('TOKEN_NEEDED', 'the page is shown to whoever has the token', CHALLENGE);
  }

  /** A value of the header Set-Cookie. For the session of the browser, sent to this server only and out of reach of scripts. */
  cookie(): string {
    const [name, value] = sessionOf(this.#read());
    return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Stands for the token that counts now: another one means that earlier readers are to be let in anew. */
  version(): string {
    return sessionOf(this.#read())[1];
  }

  /** Throws TOKEN_ATTEMPTS where there were too many before. */
  #countWrong(from: string, now: EpochMillis): void {
    const wrong = this.#wrong.get(from);
    if (wrong !== undefined && wrong.until > now) {
      if (wrong.count >= WRONG_IN_A_WINDOW) {
        const seconds = Math.ceil((wrong.until - now) / 1000);
        const message = `too many wrong tokens from this address; the next is looked at in ${seconds} s`;
        throw new RequestError('TOKEN_ATTEMPTS', message, { headers: { 'retry-after': `${seconds}` } });
      }
      wrong.count += 1;
      return;
    }
    this.#wrong.delete(from);
    const [oldest] = this.#wrong.keys();
    if (oldest !== undefined && this.#wrong.size >= REMEMBERED_ADDRESSES) this.#wrong.delete(oldest);
    this.#wrong.set(from, { count: 1, until: now + WINDOW_MS });
  }
}

/** Name and value of the cookie that stands for a token. */
function sessionOf(token: string): readonly [string, string] {
  const digest = createHmac('sha256', token).update('harvestline page').digest('hex');
  return [`harvestline_${digest.slice(0, 8)}`, digest.slice(8)];
}

function cookieNamed(header: string, name: string): string | null {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

/** In a time that depends on neither: digests have the same length. */
function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Of an IPv6 address its /64, all of which belongs to one subscriber. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length;
  return [...groups, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after].slice(0, 4).join(':');
}
