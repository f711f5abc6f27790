import type { IncomingMessage } from 'node:http';

/** A request as it came. */
export interface Received {
  /** Its number. */
  readonly seq: number;
  /** The exchange's time. Unit: milliseconds. */
  readonly at: number;
  /** `METHOD path` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  /** Query and body as they were sent, one after the other: what is signed. */
  readonly payload: string;
  /** Of both; the query's first. */
  readonly parameters: URLSearchParams;
  /** Of the order that is sent, or looked up, or cancelled. */
  readonly clientOrderId: string | null;
}

export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

export function receive(request: IncomingMessage, body: string, at: number, count: (name: string) => number): Received {
  const { method = 'GET', url = '', headers } = request;
  const path = pathOf(request);
  const query = url.slice(path.length + 1);
  const name = `${method} ${path}`;
  const key = headers['x-mbx-apikey'];
  const parameters = new URLSearchParams([query, body].filter((part) => part !== '').join('&'));
  return {
    seq: count(name),
    at,
    name,
    method,
    path,
    key: typeof key === 'string' ? key : undefined,
    payload: query + body,
    parameters,
    clientOrderId: parameters.get('newClientOrderId') ?? parameters.get('origClientOrderId'),
  };
}

/** Null where it is larger than `most`: the rest is not read. Unit: bytes. */
export async function bodyOf(request: IncomingMessage, most: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > most) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
