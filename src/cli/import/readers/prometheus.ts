import { isIP } from 'node:net';

import * as v from 'valibot';

import { parseClientLabels } from '../../../config/values/labels.ts';
import { anyObject } from '../../../platform/parse-json.ts';
import { isDeeper } from '../../../report/check-value.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { createLeftKeys, type LeftKeys } from '../left-keys.ts';
import { unreadable } from '../unreadable.ts';
import { yamlDocument } from './yaml-document.ts';

const advice = 'Give targets as for file_sd_configs or http_sd_configs: [{"targets":["web-1:9100"],"labels":{}}].';
/** Labels that have the machine's own name or address, in the order in which they are taken. */
const nameLabels = [
  // A service of NetBox has its own name beside that of its machine.
  ...['__meta_netbox_parent', '__meta_netbox_name', '__meta_consul_node', '__meta_hetzner_server_name'],
  ...['__meta_ec2_tag_Name', '__meta_gce_instance_name', '__meta_azure_machine_name'],
  ...['__meta_openstack_instance_name', '__meta_digitalocean_droplet_name', '__meta_linode_instance_label'],
  ...['__meta_puppetdb_certname', '__meta_scaleway_instance_name', '__meta_vultr_instance_label'],
  ...['__meta_ionos_server_name', '__meta_uyuni_minion_hostname', '__meta_lightsail_instance_name'],
  ...['__meta_dockerswarm_node_hostname', '__meta_kubernetes_node_name', 'nodename', 'hostname'],
];
const addressLabels = [
  ...['__meta_netbox_primary_ip4', '__meta_netbox_primary_ip', '__meta_netbox_primary_ip6', '__meta_consul_address'],
];
/** Labels of services, and their names in config.xml, where no name begins with two underlines. */
const metaLabels: Readonly<Record<string, string>> = {
  ...{ __meta_netbox_site_slug: 'site', __meta_netbox_role_slug: 'role', __meta_netbox_platform_slug: 'platform' },
  ...{ __meta_netbox_tenant_slug: 'tenant', __meta_consul_dc: 'dc', __meta_hetzner_datacenter: 'dc' },
  ...{ __meta_ec2_availability_zone: 'zone' },
};
/** Labels that people gave a machine in their cloud or in Consul. */
const ownLabel = /^__meta_(?:hetzner_hcloud_label|ec2_tag|gce_label|azure_machine_tag|consul_metadata)_(\w+)$/;
/** A list is a list of groups, which have lists and labels. */
const maxLevels = 8;

/**
 * Reads targets of Prometheus (https://prometheus.io/docs/prometheus/latest/http_sd/): a client for each machine, with
 * the labels that config.xml can have. The port of a target is that of an exporter, and is not taken.
 */
export function readPrometheus(source: SourceText): Imported {
  const skipped: Skipped[] = [];
  const groups = documentOf(source, skipped);
  const hosts = new Map<string, ImportedHost>();
  const left = createLeftKeys();
  for (const [index, group] of groups.entries()) {
    const { targets, labels, ...others } = v.parse(groupForm, group);
    if (targets === null) {
      skipped.push({ where: `group ${index + 1}`, why: 'it has no list of targets' });
      continue;
    }
    for (const key of Object.keys(others)) left.leave(`key ${wordOf(key)}`, `group ${index + 1}`);
    for (const [at, target] of targets.entries()) {
      const where = `group ${index + 1}, target ${at + 1}`;
      const place = typeof target === 'string' ? placeOf(target) : null;
      if (place === null) skipped.push({ where, why: 'it is no HOST:PORT' });
      else if (typeof place === 'string') skipped.push({ where, why: place });
      else {
        const host = hostOf(place, labels, where, left);
        const known = hosts.get(host.name);
        // A machine has a target for each of its exporters.
        if (known === undefined) hosts.set(host.name, host);
        else for (const what of differing(host, known)) left.leave(`${what} of a further target`, host.name);
      }
    }
  }
  return { hosts: [...hosts.values()], skipped: [...skipped, ...left.skipped()] };
}

const groupForm = v.fallback(
  v.looseObject({
    targets: v.fallback(v.nullable(v.array(v.unknown())), null),
    labels: v.fallback(anyObject, {}),
  }),
  { targets: null, labels: {} },
);

function documentOf(source: SourceText, skipped: Skipped[]): readonly unknown[] {
  const isJson = /^\s*\[/.test(source.text);
  if (isJson && isDeeper(Buffer.from(source.text), maxLevels)) {
    throw unreadable(source, `its JSON is nested deeper than ${maxLevels} levels`, advice);
  }
  const document = (isJson ? jsonOf(source.text) : null) ?? yamlDocument(source, advice);
  const groups = Array.isArray(document) ? (document as readonly unknown[]) : groupsWithin(document, skipped);
  if (groups === null) throw unreadable(source, 'it is no list of targets', advice);
  return groups;
}

const configForm = v.object({
  scrape_configs: v.array(
    v.fallback(v.looseObject({ static_configs: v.fallback(v.array(v.unknown()), []) }), { static_configs: [] }),
  ),
});
const activeForm = v.object({
  data: v.object({
    activeTargets: v.array(v.fallback(v.object({ discoveredLabels: anyObject }), { discoveredLabels: {} })),
  }),
});

/** Returns the groups of prometheus.yml, or of an answer of /api/v1/targets; null if a document is neither. */
function groupsWithin(document: unknown, skipped: Skipped[]): readonly unknown[] | null {
  const config = v.safeParse(configForm, document);
  if (config.success) {
    return config.output.scrape_configs.flatMap((job, index) => {
      for (const key of Object.keys(job).filter((one) => one.endsWith('_sd_configs'))) {
        const why = `${wordOf(key)} are not followed; import what they name, or the answer of /api/v1/targets`;
        skipped.push({ where: `job ${index + 1}`, why });
      }
      const isOfExporter = JSON.stringify(job['relabel_configs'] ?? null).includes('"__param_target"');
      if (!isOfExporter) return job.static_configs;
      const why = 'an exporter asks its targets, such as pages and switches: import them as a list of their own';
      skipped.push({ where: `job ${index + 1}`, why });
      return [];
    });
  }
  const active = v.safeParse(activeForm, document);
  if (!active.success) return null;
  return active.output.data.activeTargets.map(({ discoveredLabels }) => ({
    targets: [discoveredLabels['__address__']],
    labels: Object.fromEntries(Object.entries(discoveredLabels).filter(([name]) => !/^__(?!meta_)/.test(name))),
  }));
}

/** Returns null for a text that is no JSON, as a list in YAML that begins with a bracket. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

interface Target {
  readonly host: string;
  readonly port: string | null;
}

/**
 * Returns the host and port of `web-1:9100`, `[2001:db8::1]:9100`, `web-1`, or of a URL; the reason why a text may be
 * read in two ways; null for any other text.
 */
function placeOf(target: string): Target | string | null {
  const text = target
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '');
  // `fd00::1:9100` is an address too, of another machine.
  const [, bare = '', last = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (isIP(bare) === 6) return `an IPv6 address with a port has brackets: [${bare}]:${last}`;
  if (isIP(text) !== 0) return { host: text, port: null };
  const [, literal, name, port = null] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = literal ?? name;
  return host === undefined ? null : { host, port };
}

function hostOf(
  { host, port }: Target,
  labels: Readonly<Record<string, unknown>>,
  where: string,
  left: LeftKeys,
): ImportedHost {
  const firstOf = (names: readonly string[]): string | null => {
    const value = names.map((name) => labels[name]).find((one) => typeof one === 'string' && one !== '');
    return typeof value === 'string' ? value : null;
  };
  const name = firstOf(nameLabels) ?? host;
  const address = firstOf(addressLabels)?.replace(/\/\d{1,3}$/, '') ?? (host === name ? null : host);
  if (port !== null && port !== '22') left.leave(`port ${port}, which is not that of SSH`, name);
  const taken: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (nameLabels.includes(label) || addressLabels.includes(label)) continue;
    const ownName = metaLabels[label] ?? ownLabel.exec(label)?.[1] ?? label;
    const text = `${ownName}=${typeof value === 'string' ? value : ''}`;
    const isLabel = parseClientLabels([...taken, text].join(' ')) !== null && !/\s/.test(text);
    if (isLabel) taken.push(text);
    else left.leave(`label ${wordOf(label)}`, name);
  }
  return { ...hostNamed(name, where), ip: address === name ? null : address, labels: taken.join(' ') || null };
}

/** Returns what a further target of a machine says that its first one does not. */
function differing({ ip, labels }: ImportedHost, known: ImportedHost): readonly string[] {
  const own = new Set(known.labels?.split(' '));
  const others = (labels?.split(' ') ?? []).filter((label) => !own.has(label));
  const names = others.map((label) => `label ${label.split('=', 1)[0] ?? ''}`);
  return ip === null || ip === known.ip ? names : ['another address', ...names];
}

function wordOf(key: string): string {
  return /^\w{1,64}$/.test(key) ? key : 'that is no word';
}
