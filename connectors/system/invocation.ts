import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import { shellWord } from '../../render/output.ts';

const NAME = 'harvestline';

interface Place {
  /** The launcher's file, links resolved. */
  readonly launcher: string;
  /** Where the user stands. */
  readonly folder: string;
  /** The variable PATH. */
  readonly path: string;
  /** The Node that runs this process. */
  readonly node: string;
}

/**
 * The word that starts this program again in the user's shell. The registry is asked for `harvestline` by npx where npm finds no such
 * command in the user's folder, and anybody could own that name: `npx harvestline` is the answer only where npm finds this one.
 */
export function invocationOf({ launcher, folder, path, node }: Place): string {
  // npm puts folders of its own in front of the PATH: the user's shell does not have them.
  const folders = path
    .split(delimiter)
    .filter((entry) => entry !== '' && !entry.endsWith(join('node_modules', '.bin')));
  const onPath = folders.map((entry) => join(entry, NAME)).find((file) => existsSync(file));
  if (onPath !== undefined && realpathSync(onPath) === launcher) return NAME;

  const spec = npxSpecOf(launcher, folder);
  if (spec !== undefined) return `npx ${shellWord(spec)}`;
  if (npmFolderOf(folder) === holderOf(launcher)) return `npx ${NAME}`;

  const hasNode = folders.some((entry) => existsSync(join(entry, 'node')));
  return hasNode ? shellWord(launcher) : `${shellWord(node)} ${shellWord(launcher)}`;
}

/** Where the user stands: `npm start` runs in the checkout, wherever it was typed. */
export function userFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd = process.cwd(),
): string {
  const typedIn = env['npm_lifecycle_event'] === 'start' ? env['INIT_CWD'] : undefined;
  return typedIn ?? cwd;
}

/** The folder whose `npx harvestline` is this program: the checkout, or the project that has it among its packages. */
function holderOf(launcher: string): string {
  const end = launcher.indexOf(`${sep}node_modules${sep}`);
  return end === -1 ? dirname(dirname(launcher)) : launcher.slice(0, end);
}

/** The folder that npm works in: the nearest with a package.json or a node_modules, as npm has it. */
function npmFolderOf(folder: string): string | undefined {
  const found = ['package.json', 'node_modules'].some((name) => existsSync(join(folder, name)));
  if (found) return realpathSync(folder);
  const parent = dirname(resolve(folder));
  return parent === folder ? undefined : npmFolderOf(parent);
}

/**
 * What npx was given, where it keeps this program in its cache: a package of the registry, or a tarball. npx takes the absolute path of a
 * tarball for a program, so it is written as an address.
 */
function npxSpecOf(launcher: string, folder: string): string | undefined {
  const [, cached] = /^(.*[\\/]_npx[\\/][^\\/]+)[\\/]node_modules[\\/]/.exec(launcher) ?? [];
  if (cached === undefined) return undefined;
  const spec = onlyPackageOf(join(cached, 'package.json'));
  if (spec === undefined || /^@?[\w-]+(?:\/[\w-]+)?(?:@[^/\\]+)?$/.test(spec)) return spec;
  const file = resolve(folder, spec.replace(/^file:/, ''));
  return existsSync(file) ? `file:${file}` : undefined;
}

/** Undefined where this npm keeps its notes in another form: the path of the launcher serves as well. */
function onlyPackageOf(manifest: string): string | undefined {
  try {
    const { _npx: notes } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      readonly _npx?: { readonly packages?: unknown };
    };
    const packages = notes?.packages;
    return Array.isArray(packages) && packages.length === 1 && typeof packages[0] === 'string'
      ? packages[0]
      : undefined;
  } catch {
    return undefined;
  }
}
