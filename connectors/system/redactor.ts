/**
 * Removes the secrets of this process from all text that leaves it: logs, errors, standard output, output of libraries. Secrets are learned
 * where they are read (settings.ts), and at the start from the environment (cli/main.ts).
 *
 * SYS-1  No learned secret passes, neither verbatim nor as JSON, in a URL, in base64 at any alignment, or in hex.
 * SYS-2  Nor does a secret that is split over several writes to a stream: an end that may be the beginning of a secret is held back until the
 *        next write.
 * SYS-3  While no secret is known, text is neither searched nor copied.
 */
import { inspect } from 'node:util';

/** The replacement for a secret. */
const HIDDEN = '[hidden]';

/** Shorter secrets are not hidden: they occur in any text by chance, and hiding them would break machine-readable output. Unit: characters. */
export const SHORTEST_SECRET = 4;

/** The shortest part of base64 that is hidden. Unit: characters. */
const SHORTEST_PART = 6;

/** A scheme and the rest of a URL. */
const ADDRESS = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)([^\s"'\\]+)/gi;
const SIGNATURE = /(signature\\?["']?\s*[=:]\s*\\?["']?)[\w%+/=-]+/gi;

export class Redactor {
  readonly #forms = new Set<string>();
  #pattern: RegExp | null = null;

  /** Hides these secrets from now on. */
  learn(...secrets: readonly (string | null | undefined)[]): void {
    const known = this.#forms.size;
    for (const secret of secrets) {
      for (const form of secret === null || secret === undefined ? [] : formsOf(secret)) this.#forms.add(form);
    }
    if (this.#forms.size !== known) this.#compile();
  }

  /** Stops hiding a secret that has expired. No other secret may share a form with it. */
  forget(secret: string): void {
    for (const form of formsOf(secret)) this.#forms.delete(form);
    this.#compile();
  }

  #compile(): void {
    // The longest first: a secret may be a part of its other forms.
    const longestFirst = [...this.#forms].toSorted((one, other) => other.length - one.length);
    this.#pattern =
      longestFirst.length === 0 ? null : new RegExp(longestFirst.map((form) => RegExp.escape(form)).join('|'), 'g');
  }

  /** SYS-1. */
  redact(text: string): string {
    return this.#pattern === null ? text : text.replace(this.#pattern, HIDDEN);
  }

  /** For text from elsewhere, such as errors and logs: also hides user information and queries of URLs, and signatures, known or not. */
  redactForeign(text: string): string {
    return this.redact(text)
      .replace(ADDRESS, (_address, scheme: string, rest: string) => scheme + bareAddress(rest))
      .replace(SIGNATURE, `$1${HIDDEN}`);
  }

  /**
   * Redacts everything that is written to a stream (SYS-1, SYS-2, SYS-3); with `foreign` as redactForeign does. Returns a function that writes
   * what is still held back, for the end of the stream.
   */
  guard(stream: NodeJS.WriteStream, { foreign = false }: { readonly foreign?: boolean } = {}): () => void {
    const write = stream.write.bind(stream);
    let waiting = Buffer.alloc(0);
    /** Bytes are searched as Latin-1 (`form`), which preserves every byte and leaves ASCII secrets recognisable. */
    const passed = (text: string, form: 'utf8' | 'latin1'): string => {
      const given = waiting.toString(form) + text;
      const whole = foreign ? this.redactForeign(given) : this.redact(given);
      const end = whole.length - this.#unfinished(whole);
      waiting = Buffer.from(whole.slice(end), form);
      return whole.slice(0, end);
    };
    const guarded = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
      const [encoding] = rest;
      const callback = rest.find((one) => typeof one === 'function') as ((error?: Error | null) => void) | undefined;
      if (this.#pattern === null && !foreign) {
        return typeof encoding === 'string'
          ? write(chunk, encoding as BufferEncoding, callback)
          : write(chunk, callback);
      }
      if (typeof chunk === 'string' && (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding))) {
        return write(passed(chunk, 'utf8'), callback);
      }
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk);
      return write(Buffer.from(passed(bytes.toString('latin1'), 'latin1'), 'latin1'), callback);
    };
    stream.write = guarded;
    return () => {
      if (waiting.length > 0) write(waiting);
      waiting = Buffer.alloc(0);
    };
  }

  /** The length of the longest end that may be the beginning of a secret. No form has a line break, so a complete line has none. Unit: UTF-16 code units. */
  #unfinished(text: string): number {
    if (this.#pattern === null || text.endsWith('\n')) return 0;
    const line = text.slice(text.lastIndexOf('\n') + 1);
    let longest = 0;
    for (const form of this.#forms) {
      for (let length = Math.min(form.length - 1, line.length); length > longest; length--) {
        if (form.startsWith(line.slice(-length))) longest = length;
      }
    }
    return longest;
  }
}

/** The rest of a URL without user information and query. */
function bareAddress(rest: string): string {
  const asked = rest.indexOf('?');
  const path = asked < 0 ? rest : rest.slice(0, asked);
  const [authority = ''] = path.split(/[/#]/, 1);
  const user = authority.lastIndexOf('@');
  return (user < 0 ? path : `${HIDDEN}${path.slice(user)}`) + (asked < 0 ? '' : `?${HIDDEN}`);
}

/** The redactor of this process. */
export const redactor = new Redactor();

/** The forms in which a secret may appear. Each line of a secret with several lines (a PEM file) is a secret. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim());
  const spelled = lines
    .filter((line) => line.length >= SHORTEST_SECRET && !/^-----.*-----$/.test(line))
    .flatMap(spellings);
  const whole = secret.trim();
  const encoded =
    whole.length < SHORTEST_SECRET
      ? []
      : [
          ...base64Of(whole),
          ...hexOf(whole),
          ...(lines.length > 1 ? [JSON.stringify(whole).slice(1, -1), encodeURIComponent(whole)] : []),
        ];
  return [...spelled, ...encoded];
}

function spellings(line: string): readonly string[] {
  const forms = [
    line,
    JSON.stringify(line).slice(1, -1),
    inspect(line).slice(1, -1),
    encodeURI(line),
    encodeURIComponent(line),
    new URLSearchParams([['', line]]).toString().slice(1),
    // As a guarded stream reads bytes.
    Buffer.from(line).toString('latin1'),
  ];
  return forms.flatMap((form) => [form, form.replaceAll(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase())]);
}

function hexOf(text: string): readonly string[] {
  const hex = Buffer.from(text).toString('hex');
  return [hex, hex.toUpperCase(), hex.replaceAll(/..(?=.)/g, '$& ')];
}

/** The base64 of the text alone, and the part that depends on nothing else when 0, 1 or 2 other bytes precede it. */
function base64Of(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const parts = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const shared = (before + bytes.length) % 3 === 0 ? 0 : 1;
    return encoded.slice(before === 0 ? 0 : before + 1, encoded.length - shared);
  });
  const standard = [bytes.toString('base64'), ...parts.filter((part) => part.length >= SHORTEST_PART)];
  const urlSafe = standard.map((part) => part.replaceAll('+', '-').replaceAll('/', '_'));
  const percent = standard.map(encodeURIComponent);
  return [...standard, ...urlSafe, ...percent, bytes.toString('base64url')];
}
