import { BlockList, isIP } from 'node:net';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AccessToken } from './access-token.ts';
import { RequestError } from './refusal.ts';

/** What may follow of such a request is not read: the connection ends with the answer. */
const METHOD_REFUSED = { status: 405, headers: { allow: 'GET, HEAD', connection: 'close' } };
const BODY_REFUSED = { status: 413, headers: { connection: 'close' } };

/** Answers about the process itself, for orchestrators and Prometheus, which have no token. */
const PROBES: ReadonlySet<string> = new Set(['/live', '/ready', '/metrics']);

/** Everything that a page is asked for is shorter: ids have bounds. Unit: characters. */
const LONGEST_ADDRESS = 2048;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only programs of this machine reach a server that listens there. */
export function isLoopback(host: string): boolean {
  const kind = isIP(host);
  return kind === 0 ? host.toLowerCase() === 'localhost' : LOOPBACK.check(host, kind === 4 ? 'ipv4' : 'ipv6');
}

/** Who may read what. */
export interface AccessRules {
  /** The address that is listened on. */
  readonly host: string;
  /** Names besides localhost by which the page may be opened, in lower case; with a port, only with that one. */
  readonly allowedHosts: readonly string[];
  /** Null: whoever reaches the server needs none. */
  readonly token: AccessToken | null;
}

/** What decides about a request. Headers are null where absent. */
export interface AskedFor {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly hasBody: boolean;
  readonly host: string | null;
  /** Where a browser says the request comes from: `none` for an address that a person typed. */
  readonly site: string | null;
  /** Whether a browser says that a tab opens it, and no page loads it into itself. */
  readonly opensPage: boolean;
  readonly authorization: string | null;
  readonly cookie: string | null;
  /** Of the other end of the connection. */
  readonly address: string;
}

/**
 * Lets a request pass, or throws the error that it is answered with.
 *
 * HTTP-2  No request changes anything: only GET and HEAD pass, without a body.
 * HTTP-3  A page of another site reads nothing, also where its name was pointed at this machine after it was loaded (DNS rebinding): the Host
 *         header must be a name that no stranger can own, and a browser must not say that another site asks.
 * HTTP-4  From another machine only who has the token reads anything but the probes; without a token there is nothing but the probes.
 */
export function admit(asked: AskedFor, { host, allowedHosts, token }: AccessRules): void {
  if (asked.method !== 'GET' && asked.method !== 'HEAD')
    throw new RequestError('REQUEST_REFUSED', `${asked.method} is not served`, METHOD_REFUSED);
  if (asked.hasBody) throw new RequestError('REQUEST_REFUSED', 'a request here has no body', BODY_REFUSED);
  if (asked.url.length > LONGEST_ADDRESS) {
    const message = `the address is longer than ${LONGEST_ADDRESS} characters`;
    throw new RequestError('REQUEST_REFUSED', message, { status: 414 });
  }
  // With a host in it, as proxies are asked: that host is not the one of the header, which is looked at below.
  if (!asked.url.startsWith('/')) throw new RequestError('REQUEST_REFUSED', 'the address does not begin with a /');
  const { path, query } = partsOf(asked.url);
  if (PROBES.has(path)) {
    if (!isOwnName(asked.host, allowedHosts) && !isNobodysName(asked.host)) throw wrongHost(asked.host);
    return;
  }
  if (!isOwnName(asked.host, allowedHosts) && !(isAddress(asked.host) && token !== null)) throw wrongHost(asked.host);
  // A link to the page may stand anywhere: what it opens is ours, and where it came from cannot read it. What another page loads without a
  // person is refused before its token is looked at: it would use up the attempts of the person's address.
  if (!(path === '/' && asked.opensPage) && (asked.site === 'cross-site' || asked.site === 'same-site'))
    throw new HarvestlineError('ORIGIN_REFUSED', 'another site asks for this');
  if (token === null && !isLoopback(host))
    throw new HarvestlineError('PAGE_CLOSED', `the page is not served on ${host} without a token`);
  token?.check({ ...asked, query: path === '/' ? query.get('token') : null }, asked.address);
}

/** Path and query of an address as sent. */
export function partsOf(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf('?');
  return at < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

function wrongHost(host: string | null): HarvestlineError {
  return new HarvestlineError(
    'ORIGIN_REFUSED',
    `asked for by the name ${host ?? '(none)'}, which is not one of its own`,
  );
}

function isOwnName(header: string | null, allowed: readonly string[]): boolean {
  const name = nameOf(header);
  return name !== null && (isLoopback(name) || allowed.includes(name) || allowed.includes(`${header}`.toLowerCase()));
}

/** An address was not looked up, so nobody can have pointed it here. */
function isAddress(header: string | null): boolean {
  return isIP(nameOf(header) ?? '') !== 0;
}

/** Also a name without a dot, as in a network of containers: no public name is so short. A program that sends no Host is no browser. */
function isNobodysName(header: string | null): boolean {
  return header === null || isAddress(header) || nameOf(header)?.includes('.') === false;
}

/** A Host header without its port, in lower case; an IPv6 address without its brackets. Null for what is no such header. */
function nameOf(header: string | null): string | null {
  const [, six, name] = /^(?:\[([^\]]*)\]|([^:[\]@]+))(?::\d{0,5})?$/.exec(header?.toLowerCase() ?? '') ?? [];
  return six ?? name ?? null;
}
