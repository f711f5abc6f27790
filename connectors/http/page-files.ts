import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The page that a browser loads: scripts and styles as they are, without a build. */
const PAGE_FOLDER = fileURLToPath(new URL('page/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files of the libraries that the page uses, by the name under `lib/`. lit-html's import each other by relative names, so they lie as in its package. */
const LIBRARIES: Readonly<Record<string, readonly [library: string, file: string]>> = {
  ...Object.fromEntries(
    [
      'lit-html.js',
      'directive.js',
      'directive-helpers.js',
      'async-directive.js',
      ...['class-map', 'guard', 'if-defined', 'keyed', 'live', 'ref', 'repeat'].map((name) => `directives/${name}.js`),
    ].map((file) => [file, ['lit-html', file] as const]),
  ),
  'uPlot.esm.js': ['uplot', 'dist/uPlot.esm.js'],
  'uPlot.min.css': ['uplot', 'dist/uPlot.min.css'],
};

/** One file as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  /** Changes with the content. */
  readonly etag: string;
}

/**
 * The files of the page by their names under /page/.
 *
 * HTTP-5  Only files of a list that is made at the start are sent, whatever a name looks like: a path is never made from a request.
 */
export class PageFiles {
  readonly #paths: ReadonlyMap<string, string>;

  private constructor(paths: ReadonlyMap<string, string>) {
    this.#paths = paths;
  }

  static async list(folder: string = PAGE_FOLDER): Promise<PageFiles> {
    const paths = new Map<string, string>();
    for (const [name, [library, file]] of Object.entries(LIBRARIES)) {
      const manifest = findPackageJSON(library, import.meta.url);
      if (manifest !== undefined) paths.set(`lib/${name}`, join(dirname(manifest), file));
    }
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(folder.length).replaceAll('\\', '/').replace(/^\//, '');
      if (entry.isFile() && posix.extname(name) in TYPES) paths.set(name, path);
    }
    return new PageFiles(paths);
  }

  /** Null for a name that is not on the list. */
  async read(name: string): Promise<PageFile | null> {
    const path = this.#paths.get(name);
    const type = TYPES[posix.extname(name)];
    if (path === undefined || type === undefined) return null;
    const content = await readFile(path);
    return { type, content, etag: `"${createHash('sha256').update(content).digest('base64url')}"` };
  }
}
