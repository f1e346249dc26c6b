/**
 * Targets as NetBox's plugin, Consul and a cloud give them to Prometheus, and those of Prometheus' own document of its
 * HTTP service discovery.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { clientsXml } from '../../../src/cli/import/clients-xml.ts';
import { importList } from './support/import-list.ts';

/** The clients of each list, and the parts of it that are not taken. */
const lists: Readonly<Record<string, readonly [xml: string, skipped: readonly string[]]>> = {
  netbox: [
    '<client name="web-1" ip="192.0.2.12" labels="site=ber-2 role=web platform=debian-12"/>\n' +
      '<client name="vm-7" ip="198.51.100.7"/>\n',
    [
      'group 3, target 1: it is no HOST:PORT',
      'label __meta_netbox_id: not taken from web-1, vm-7',
      'label __meta_netbox_status: not taken from web-1',
      'label __meta_netbox_model: not taken from web-1, vm-7',
      'label __meta_netbox_site: not taken from web-1',
      'label __meta_netbox_role: not taken from web-1',
      'label __meta_netbox_platform: not taken from web-1',
      'label __meta_netbox_tags: not taken from web-1',
      'label __meta_netbox_tag_slugs: not taken from web-1',
      'label __meta_netbox_serial: not taken from web-1',
      'label __meta_netbox_custom_field_owner: not taken from web-1',
      'label __meta_netbox_cluster: not taken from vm-7',
      'port 9104, which is not that of SSH: not taken from web-1',
      'label role of a further target: not taken from web-1',
    ],
  ],
  consul: [
    '<client name="node-a" ip="10.0.0.5" labels="dc=fra1 env=prod"/>\n' +
      '<client name="node-b" ip="node-b.node.consul" labels="dc=fra1"/>\n',
    [
      'port 9100, which is not that of SSH: not taken from node-a, node-b',
      'label __meta_consul_service: not taken from node-a',
      'label __meta_consul_tags: not taken from node-a',
      'port 9187, which is not that of SSH: not taken from node-a',
      'label env of a further target: not taken from node-a',
    ],
  ],
  prometheus: [
    '<client name="10.0.10.2" labels="job=node"/>\n<client name="10.0.10.3" labels="job=node"/>\n' +
      '<client name="10.0.40.3" labels="job=alertmanager"/>\n<client name="web.example.org"/>\n',
    [
      'port 9100, which is not that of SSH: not taken from 10.0.10.2, 10.0.10.3',
      'label __meta_datacenter: not taken from 10.0.10.2, 10.0.10.3, 10.0.40.3',
      'label __meta_prometheus_job: not taken from 10.0.10.2, 10.0.10.3, 10.0.40.3',
      'port 9093, which is not that of SSH: not taken from 10.0.10.2, 10.0.40.3',
      'label job of a further target: not taken from 10.0.10.2',
    ],
  ],
  hetzner: [
    '<client name="app-1" ip="203.0.113.7" labels="dc=fsn1-dc14 role=app"/>\n' +
      '<client name="app-2" ip="203.0.113.8" labels="dc=nbg1-dc3"/>\n<client name="203.0.113.9"/>\n',
    [
      'port 80, which is not that of SSH: not taken from app-1, app-2, 203.0.113.9',
      'label __meta_hetzner_server_id: not taken from app-1',
      'label __meta_hetzner_server_status: not taken from app-1',
      'label __meta_hetzner_public_ipv4: not taken from app-1',
      'label __meta_hetzner_public_ipv6_network: not taken from app-1',
      'label note: not taken from app-2',
      'key source: not taken from group 3',
    ],
  ],
};

for (const [name, [xml, skipped]] of Object.entries(lists)) {
  test(`targets as ${name} gives them: machines with their labels, and what is not taken by its name`, () => {
    const file = path.join(import.meta.dirname, '../../testdata/http-sd', `${name}.json`);
    const imported = importList('http-sd', { file, text: readFileSync(file, 'utf8') });
    assert.equal(clientsXml(imported.hosts), xml);
    assert.deepEqual(
      imported.skipped.map(({ where, why }) => `${where}: ${why}`),
      skipped,
    );
  });
}
