import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { EXCHANGE_SETTINGS, KAFKA_SETTINGS, REGISTRY_SETTINGS } from '../../connectors/system/settings.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { refusalOf } from '../architecture/printed-commands.ts';
import { type Manifest, build } from './kustomize.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['deploy/kubernetes/base', 'deploy/kubernetes/overlays/exchange'] as const;

/** A process drains for 25 seconds at most (cli/compose/run.ts). */
const DRAIN_S = 25;

const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const Container = z.object({
  name: z.literal('harvestline'),
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
  resources: z.object({ requests: z.record(z.string(), z.string()), limits: z.object({ memory: z.string() }) }),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
});
const Pod = z.object({
  automountServiceAccountToken: z.literal(false),
  serviceAccountName: z.string(),
  terminationGracePeriodSeconds: z.number().optional(),
  securityContext: z.object({
    runAsNonRoot: z.literal(true),
    runAsUser: z.number().min(1),
    fsGroup: z.number().min(1),
    seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([Container]),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const Running = Container.extend({
  ports: z.tuple([z.object({ name: z.literal('http'), containerPort: z.number() })]),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
});
const Deployment = z.object({
  replicas: z.number(),
  strategy: z.object({ type: z.enum(['Recreate', 'RollingUpdate']) }),
  selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
  template: z.object({
    metadata: z.object({ labels: z.record(z.string(), z.string()) }),
    spec: Pod.extend({ terminationGracePeriodSeconds: z.number(), containers: z.tuple([Running]) }),
  }),
});

const SETTINGS: ReadonlySet<string> = new Set(
  [...KAFKA_SETTINGS, ...REGISTRY_SETTINGS, ...EXCHANGE_SETTINGS].flatMap(({ name }) => [name, `${name}_FILE`]),
);

const specOf = (manifest: Manifest): unknown => manifest['spec'];
const ofKind = (manifests: readonly Manifest[], kind: string): readonly Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind);

describe.each(FOLDERS)('%s', (folder) => {
  const manifests = build(folder);
  const deployments = ofKind(manifests, 'Deployment').map(
    (manifest) => [manifest.metadata.name, Deployment.parse(specOf(manifest))] as const,
  );
  const pods = [
    ...deployments.map(([name, { template }]) => [name, Pod.parse(template.spec)] as const),
    ...ofKind(manifests, 'Job').map((manifest) => {
      const { template } = z.object({ template: z.object({ spec: Pod }) }).parse(specOf(manifest));
      return [manifest.metadata.name, template.spec] as const;
    }),
  ];

  it('runs each processor in a Deployment of its own, by a command that the program takes', async () => {
    expect(deployments.map(([name]) => name).toSorted()).toEqual(['clm', 'execution', 'scoring', 'snapshots', 'watch']);
    for (const [name, { containers }] of pods) expect(await refusalOf(containers[0].args), name).toBeNull();
    for (const [name, { template }] of deployments)
      expect(template.spec.containers[0].args.slice(0, 2)).toEqual(['run', name]);
  });

  it('asks for health at the port and the paths that the program serves, and waits for the drain', () => {
    for (const [name, { template }] of deployments) {
      const [{ args, ports, ...probes }] = template.spec.containers;
      expect(args[args.indexOf('--http-port') + 1], name).toBe(String(ports[0].containerPort));
      expect(args[args.indexOf('--http-host') + 1], name).toBe('0.0.0.0');
      expect(probes.livenessProbe.httpGet).toEqual({ path: '/live', port: 'http' });
      expect(probes.startupProbe.httpGet.path).toBe('/live');
      expect(probes.readinessProbe.httpGet).toEqual({ path: '/ready', port: 'http' });
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(DRAIN_S);
    }
  });

  it('never has two writers of one account: execution and snapshots are replaced, the others overlap', () => {
    for (const [name, { replicas, strategy }] of deployments) {
      const isAlone = name === 'execution' || name === 'snapshots';
      expect({ replicas, type: strategy.type }, name).toEqual(
        isAlone ? { replicas: 1, type: 'Recreate' } : { replicas: 2, type: 'RollingUpdate' },
      );
    }
  });

  it('gives settings that exist, secrets as files that are mounted, and each volume one source', () => {
    const configured = new Set(['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL']);
    for (const [name, { containers, volumes }] of pods) {
      const [{ env, volumeMounts }] = containers;
      const mounted = volumeMounts.map(({ mountPath }) => mountPath);
      for (const { name: variable, value } of env) {
        expect([...SETTINGS], name).toContain(variable);
        if (variable.endsWith('_FILE'))
          expect(
            mounted.some((path) => value.startsWith(`${path}/`)),
            value,
          ).toBe(true);
        else expect(variable, name).not.toMatch(/PASSWORD|SECRET|KEY|TOKEN/);
        configured.add(variable);
      }
      expect(volumeMounts.map((mount) => mount.name).toSorted(), name).toEqual(
        volumes.map((one) => one.name).toSorted(),
      );
      for (const { name: _name, ...sources } of volumes) expect(Object.keys(sources), name).toHaveLength(1);
    }
    expect([...configured]).toContain('KAFKA_SASL_PASSWORD_FILE');
  });

  it('has a disruption budget for each processor, and a policy that closes the network to all of them', () => {
    const Selector = z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) });
    const budgets = ofKind(manifests, 'PodDisruptionBudget').map(
      (one) => Selector.parse(specOf(one)).selector.matchLabels,
    );
    const selected = deployments.map(([, { selector }]) => selector.matchLabels);
    expect(budgets).toEqual(expect.arrayContaining(selected));
    expect(budgets).toHaveLength(selected.length);
    for (const [, { selector, template }] of deployments)
      expect(template.metadata.labels).toMatchObject(selector.matchLabels);

    const Policy = z.object({
      podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      policyTypes: z.array(z.string()),
    });
    const policies = ofKind(manifests, 'NetworkPolicy').map((one) => Policy.parse(specOf(one)));
    const closing = policies.find(
      ({ policyTypes }) => policyTypes.includes('Ingress') && policyTypes.includes('Egress'),
    );
    for (const [, { template }] of deployments)
      expect(template.metadata.labels).toMatchObject(closing?.podSelector.matchLabels ?? { none: '' });
  });

  it.runIf(spawnSync('kubectl', ['kustomize', '--help']).status === 0)('is what kustomize itself builds', () => {
    const built = execFileSync('kubectl', ['kustomize', ROOT + folder], { encoding: 'utf8' });
    const theirs = parseAllDocuments(built).map((document) => document.toJS() as Manifest);
    const imageOf = (manifest: Manifest): string | undefined =>
      JSON.stringify(manifest).match(/"image":"([^"]+)"/)?.[1];
    for (const [name, { template }] of deployments) {
      const their = theirs.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
      if (their === undefined) throw new Error(`kustomize builds no ${name}`);
      expect(imageOf(their)).toBe(`registry.example/harvestline:${packageJson.version}`);
      const { spec } = Deployment.parse(specOf(their)).template;
      const sorted = (pod: z.infer<typeof Pod>): unknown => ({
        args: pod.containers[0].args,
        env: pod.containers[0].env.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
        volumes: pod.volumes.map((one) => one.name).toSorted(),
        security: [pod.securityContext, pod.containers[0].securityContext],
      });
      expect(sorted(Pod.parse(spec)), name).toEqual(sorted(Pod.parse(template.spec)));
    }
  });
});

describe('the settings of the base', () => {
  it('exist', () => {
    const Base = z.object({ configMapGenerator: z.tuple([z.object({ literals: z.array(z.string()) })]) });
    const { configMapGenerator } = Base.parse(parse(readFileSync(`${ROOT}${FOLDERS[0]}/kustomization.yaml`, 'utf8')));
    const names = configMapGenerator[0].literals.map((literal) => literal.split('=')[0] ?? '');
    expect(names).toEqual(expect.arrayContaining(['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL']));
    expect(names.filter((name) => !SETTINGS.has(name))).toEqual([]);
  });
});
