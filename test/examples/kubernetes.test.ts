import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readSettings } from '../../src/config/read-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import { aegis } from '../cli/aegis.ts';
import { parseDockerfile, restsOf } from '../project/dockerfile.ts';
import { root } from '../support/running.ts';
import { lacks } from '../support/services.ts';

const directory = join(root, 'examples/kubernetes');
const text = (name: string) => readFileSync(join(directory, name), 'utf8');

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
}

interface Labelled {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
}

/** What of a manifest these tests look at. */
interface Manifest extends Labelled {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

interface Workload extends Manifest {
  readonly spec: { readonly selector: { readonly matchLabels: Labels }; readonly template: Labelled & { spec: Pod } };
}

type Labels = Readonly<Record<string, string>>;

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly Container[];
  readonly volumes: readonly ({ readonly name: string; readonly configMap?: { readonly name: string } } & object)[];
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

const kustomization = parse(text('kustomization.yaml')) as Kustomization;
const documentsOf = (name: string) => parseAllDocuments(text(name)).map((document) => document.toJS() as Manifest);
const manifests = kustomization.resources.flatMap(documentsOf);
const ofKind = <T extends Manifest>(kind: string) => manifests.filter((one) => one.kind === kind) as T[];
const [active, replica] = ofKind<Workload>('Deployment');
if (active === undefined || replica === undefined) throw new Error('there are two deployments');

const containerOf = ({ spec }: Workload): Container => {
  const [container] = spec.template.spec.containers;
  if (container === undefined) throw new Error('a pod has a container');
  return container;
};

/** The settings of a pod, read as the server reads them, from the file that the ConfigMap puts there. */
function settingsOf(workload: Workload): Settings {
  const [program, ...args] = containerOf(workload).args;
  expect(program).toBe('/app/aegis-server');
  const here = args.map((arg) => arg.replace('/etc/aegis/settings/', `${directory}/`));
  const image = { DB_PATH: '/data/aegis.db' };
  const read = readSettings(here, image);
  if (read.kind !== 'settings') throw new Error(JSON.stringify(read));
  return read.settings;
}

const fits = (labels: Labels, wanted: Labels) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
const podLabels = (workload: Workload) => workload.spec.template.metadata.labels;

describe.skipIf(lacks('kubectl', 'kubernetes-validate'))('examples/kubernetes, by the schemas of the API', () => {
  // The last version with this API group's oldest form, and the newest that the checker has.
  it.each(['1.30', '1.37'])('is valid for Kubernetes %s, and every key in it is known there', (version) => {
    const rendered = execFileSync('kubectl', ['kustomize', directory], { encoding: 'utf8' });
    const command = 'exec kubernetes-validate --strict -k "$0" - 2>&1';
    const said = execFileSync('sh', ['-c', command, version], { encoding: 'utf8', input: rendered });
    expect(said.match(/ passed for resource /g)).toHaveLength(
      manifests.length + kustomization.configMapGenerator.length,
    );
  });
});

describe('examples/kubernetes', () => {
  it('names every file that is there', () => {
    const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
    const optional = ['servicemonitor.yaml']; // needs the Prometheus operator
    expect([...kustomization.resources, ...optional, 'aegis.yaml', 'kustomization.yaml'].sort()).toEqual(files.sort());
    const slos = readdirSync(join(directory, 'slos')).map((name) => `slos/${name}`);
    expect(kustomization.configMapGenerator.map(({ files: named }) => named)).toEqual([['aegis.yaml'], slos]);
  });

  it('has SLOs that load', async () => {
    expect(await aegis(['validate', '--dir', join(directory, 'slos')])).toMatchObject({ code: 0 });
  });

  it.each([active, replica])('starts $metadata.name with settings that fit its pod', (workload) => {
    const settings = settingsOf(workload);
    const { spec } = workload.spec.template;
    const container = containerOf(workload);
    const mounts = container.volumeMounts.map(({ mountPath }) => mountPath);
    expect(settings.readOnly).toBe(workload === replica);
    expect(mounts).toContain(settings.sloDir);
    expect(mounts.includes('/data')).toBe(workload === active);
    expect(container.ports).toEqual([{ name: 'http', containerPort: settings.port }]);
    // 10 s that a stop takes at most.
    expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(10_000 + settings.shutdownDelayMs);
    // A mount by subPath never changes.
    expect(container.volumeMounts.filter(({ subPath }) => subPath !== undefined)).toEqual([]);
    expect(mounts.length).toBe(spec.volumes.length);
    const generated = kustomization.configMapGenerator.map(({ name }) => name);
    for (const { configMap } of spec.volumes) if (configMap) expect(generated).toContain(configMap.name);
  });

  it.each([active, replica])('runs $metadata.name as the image is made', (workload) => {
    const stage = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')).at(-1);
    if (stage === undefined) throw new Error('the Dockerfile has stages');
    const { runAsUser, runAsGroup } = workload.spec.template.spec.securityContext;
    expect(restsOf(stage, 'USER')).toEqual([`${runAsUser}:${runAsGroup}`]);
    expect(restsOf(stage, 'EXPOSE')).toEqual([String(containerOf(workload).ports[0]?.containerPort)]);
    const [image] = kustomization.images;
    expect(containerOf(workload).image).toBe(`${image?.name ?? ''}:${image?.newTag ?? ''}`);
  });

  it('sends pipelines to the active server, and whoever asks for any to both', () => {
    interface Service extends Manifest {
      readonly spec: { readonly selector: Labels };
    }
    const selected = ofKind<Service>('Service').map(({ metadata: { name }, spec: { selector } }) => ({
      name,
      pods: [active, replica].filter((one) => fits(podLabels(one), selector)).map((one) => one.metadata.name),
    }));
    expect(selected).toEqual([
      { name: 'aegis', pods: ['aegis'] },
      { name: 'aegis-any', pods: ['aegis', 'aegis-replica'] },
    ]);
    for (const one of [active, replica]) expect(fits(podLabels(one), one.spec.selector.matchLabels)).toBe(true);
  });

  it('has the job of the alerts in the ServiceMonitor', () => {
    const [monitor] = documentsOf('servicemonitor.yaml') as (Manifest & {
      spec: { jobLabel: string; selector: { matchLabels: Labels }; endpoints: { port: string; path: string }[] };
    })[];
    const services = ofKind('Service').filter((one) =>
      fits(one.metadata.labels, monitor?.spec.selector.matchLabels ?? {}),
    );
    expect(services.map((one) => one.metadata.name)).toEqual(['aegis-any']); // each pod once
    expect(services[0]?.metadata.labels[monitor?.spec.jobLabel ?? '']).toBe('aegis');
    expect(monitor?.spec.endpoints).toMatchObject([{ port: 'http', path: '/metrics' }]);
  });
});
