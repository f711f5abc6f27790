/** What kustomize makes of a folder, as far as the manifests of this repository need it: resources, and strategic merge patches. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(ROOT + path, 'utf8');

const Kustomization = z.object({
  resources: z.array(z.string()),
  patches: z.array(z.object({ path: z.string(), target: z.object({ kind: z.string() }).optional() })).default([]),
});

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const Manifest = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });
export type Manifest = z.infer<typeof Manifest>;

function manifestsIn(path: string): readonly Manifest[] {
  return parseAllDocuments(read(path)).map((document) => Manifest.parse(document.toJS()));
}

/** The manifests of a folder with its patches. */
export function build(folder: string): readonly Manifest[] {
  const { resources, patches } = Kustomization.parse(parse(read(`${folder}/kustomization.yaml`)));
  const all = resources.flatMap((name) => {
    const path = posix.join(folder, name);
    return name.endsWith('.yaml') ? manifestsIn(path) : build(path);
  });
  return patches.reduce<readonly Manifest[]>((manifests, { path, target }) => {
    const [patch] = manifestsIn(posix.join(folder, path));
    if (patch === undefined) throw new Error(`${path} is empty`);
    let matched = 0;
    const patched = manifests.map((manifest) => {
      const isMeant =
        target === undefined
          ? manifest.kind === patch.kind && manifest.metadata.name === patch.metadata.name
          : manifest.kind === target.kind;
      if (!isMeant) return manifest;
      matched += 1;
      return Manifest.parse({ ...(merge(manifest as Json, patch as Json) as object), metadata: manifest.metadata });
    });
    if (matched === 0) throw new Error(`${path} patches nothing`);
    return patched;
  }, all);
}

/** Objects by their fields; lists of named things by their names or mount paths; everything else is replaced. */
function merge(base: Json, patch: Json): Json {
  if (Array.isArray(base) && Array.isArray(patch)) {
    const [theirs, ours] = [patch.map(keyOf), base.map(keyOf)];
    if (theirs.includes(null)) return patch;
    const kept = base.map((item, at) => {
      const place = theirs.indexOf(ours[at] ?? null);
      return place === -1 ? item : merge(item, patch[place] ?? null);
    });
    return [...kept, ...patch.filter((_, at) => !ours.includes(theirs[at] ?? null))];
  }
  if (!isObject(base) || !isObject(patch)) return patch;
  const names = new Set([...Object.keys(base), ...Object.keys(patch)]);
  return Object.fromEntries(
    Array.from(names, (name) => {
      const [one, other] = [base[name], patch[name]];
      return [name, other === undefined ? (one ?? null) : one === undefined ? other : merge(one, other)];
    }),
  );
}

function keyOf(item: Json): string | null {
  if (!isObject(item)) return null;
  const key = item['mountPath'] ?? item['name'];
  return typeof key === 'string' ? key : null;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
