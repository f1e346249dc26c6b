// Second tier: makes the Debian package, and runs systemd
/** The commands of docs/quick-start.md, as they stand there, on a machine with systemd. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { pluck } from '../support/pluck.ts';
import { noMachine, startDocumentMachine } from './document-machine.ts';
import { addMonitor, addReader, debianPackages, readersHosts, startReadersFleet, trusted } from './readers-fleet.ts';
import { runPage } from './run-page.ts';

const firstInit =
  'sudo fleet-health init --mail-to you@example.org --smtp mail.example.org ' +
  '--login monitor:/var/lib/fleet-health/.ssh/id_ed25519 --clients web-1,db-1=192.0.2.7';
const inventory = `all:
  vars: { ansible_user: monitor, ansible_ssh_private_key_file: ~/.ssh/fleet_key }
  hosts: { web-1: {}, db-1: { ansible_host: 192.0.2.7 } }
`;
const authorize = (key: string): string =>
  `cat ${key} >>~monitor/.ssh/authorized_keys && chown monitor ~monitor/.ssh/authorized_keys`;

const quickStart = {
  page: 'docs/quick-start.md',
  lines: {
    [firstInit]: { before: authorize('/var/lib/fleet-health/.ssh/id_ed25519.pub') },
    // In one pipe both share stderr, which Node.js makes non-blocking, and Ansible refuses that.
    'sudo fleet-health import ansible inventory.json -o /etc/fleet-health/hosts.xml': {
      before: 'rm /etc/fleet-health/config.xml',
    },
    'sudo fleet-health init ... --clients hosts.xml': {
      instead: firstInit.replace(/--clients .*/, '--clients hosts.xml'),
    },
    'sudo -u fleet-health fleet-health check --connect': {
      status: 1,
      says: /host-key-unknown[^]*\nFailed: 2 of 2 logins\. Works: /,
    },
    'sudo -u fleet-health fleet-health trust': { typed: [['? [y/N]', 'yes']] },
  },
  notRun: {
    'sudo apt install ./fleet-health_*_amd64.deb ./fleet-health-node_*_amd64.deb':
      'the machine has a Node.js of this year',
  },
} as const;

test('quick-start.md: installed, tried, and left to systemd', { skip: noMachine() }, async (t) => {
  const machine = await startDocumentMachine(t, { init: 'systemd', hosts: readersHosts });
  await startReadersFleet(machine);
  await addMonitor(machine);
  await addReader(machine, 'kim');
  await debianPackages(machine, '/home/kim');
  writeFileSync(path.join(machine.root, 'home/kim/inventory.yml'), inventory);
  await machine.prepare(`
    echo 'Defaults env_keep += NODE_EXTRA_CA_CERTS' >>/etc/sudoers.d/reader
    install -d -o kim -m 700 ~kim/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~kim/.ssh/fleet_key
    ${authorize('~kim/.ssh/fleet_key.pub')} && chown kim ~kim/.ssh/*`);
  const printed = await runPage({ ...quickStart, machine, options: { account: 'kim', env: trusted } });
  assert.match(printed.get('sudo -u fleet-health fleet-health status')?.output ?? '', /of 2 clients asked, 2 answered/);
  await machine.prepare(`
    systemctl is-active fleet-health-collect.timer fleet-health-alert.timer
    systemctl start fleet-health-collect.service fleet-health-alert.service`);
  const { clients } = JSON.parse(await machine.prepare('sudo -u fleet-health fleet-health --json status')) as {
    readonly clients: readonly { readonly state: string }[];
  };
  assert.deepEqual(pluck(clients, 'state'), ['ok', 'ok']);
});
