/** Lists that apt's Ansible and Nagios read. `import` understands their output, and `check` accepts the result. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { exits, runCli } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const needs = (program: string): string | false => (existsSync(program) ? false : `${program} is not installed`);
const skipWithoutAnsible = needs('/usr/bin/ansible-inventory');
const skipWithoutNagios = needs('/usr/sbin/nagios4');

const inventory = `all:
  vars: {ansible_user: ops, ansible_ssh_private_key_file: keys/ops}
  children:
    web:
      hosts:
        web-[01:20]: {}
      vars: {ansible_ssh_common_args: "-J jump-1"}
    db:
      hosts:
        db-1: {ansible_host: "2001:db8::9", ansible_port: 2222}
        win-1: {ansible_connection: winrm}
`;

async function checked(folder: string, clients: string): Promise<void> {
  const config = path.join(folder, 'config.xml');
  const content = `<config><include file="${clients}"/><bastion name="jump-1" ip="192.0.2.1"/></config>`;
  writeFileSync(config, content, { mode: 0o600 });
  const { status, stdout, stderr } = await runCli(['-c', config, 'check']);
  assert.equal(status, 0, stdout + stderr);
}

test('an inventory of Ansible', { skip: skipWithoutAnsible }, async (t) => {
  const folder = tempFolder(t);
  const file = path.join(folder, 'inventory.yml');
  writeFileSync(file, inventory);
  const { status, stdout, stderr } = await runCli(['import', 'ansible', file, '-o', path.join(folder, 'clients.xml')]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^21 clients written/);
  assert.equal(stderr, 'left out: host win-1: it is reached by winrm, not by SSH\n');
  const xml = readFileSync(path.join(folder, 'clients.xml'), 'utf8');
  assert.match(xml, new RegExp(`<group name="web" username="ops" privateKey="${folder}/keys/ops" proxyJump="jump-1">`));
  assert.match(xml, /<client name="db-1" ip="2001:db8::9" port="2222" username="ops" privateKey=/);
  await checked(folder, 'clients.xml');
});

test('an inventory that Ansible cannot read', { skip: skipWithoutAnsible }, async (t) => {
  const file = path.join(tempFolder(t), 'inventory.yml');
  writeFileSync(file, 'all: [');
  const { status, stdout, stderr } = await runCli(['import', 'ansible', file]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /import-unreadable/);
});

test('a folder with an inventory that Ansible cannot read', { skip: skipWithoutAnsible }, async (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, 'good'), '[web]\nweb-1\n');
  writeFileSync(path.join(folder, 'bad.yml'), 'all: [\n');
  const { status, stdout, stderr } = await runCli(['import', 'ansible', folder]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /failed: ERROR! Completely failed to parse inventory source .*bad\.yml/);
});

test('the objects of Nagios', { skip: skipWithoutNagios }, async (t) => {
  const folder = tempFolder(t);
  // Nagios drops root's rights before it writes.
  chmodSync(folder, 0o777);
  cpSync('/etc/nagios4', path.join(folder, 'nagios4'), { recursive: true });
  const main = path.join(folder, 'nagios4', 'nagios.cfg');
  const precache = path.join(folder, 'objects.precache');
  const own = path.join(folder, 'nagios4', 'objects', 'own.cfg');
  writeFileSync(
    own,
    `define host {\n  use linux-server\n  host_name db-1\n  address 192.0.2.9\n}
define command {\n  command_name by_ssh\n  command_line $USER1$/check_by_ssh -H $HOSTADDRESS$ -C '/bin/check $ARG1$'\n}
define service {\n  use generic-service\n  host_name db-1\n  service_description Load\n  check_command by_ssh!-w 5\n}\n`,
  );
  const text = readFileSync(main, 'utf8').replaceAll('/etc/nagios4', path.join(folder, 'nagios4'));
  writeFileSync(main, `${text}\nprecached_object_file=${precache}\ncfg_file=${own}\n`);
  execFileSync('/usr/sbin/nagios4', ['-pv', main]);
  const clients = path.join(folder, 'clients.xml');
  const { status, stdout, stderr } = await runCli(['import', 'nagios', precache, '-o', clients]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^2 clients written/);
  assert.match(stderr, /^left out: define host: directives that are not taken: .*\bcheck_period\b/m);
  await exits(2, runCli(['import', 'nagios', own]), /only Nagios resolves/);
  assert.match(readFileSync(clients, 'utf8'), /<check name="Load" command="\/bin\/check -w 5"\/>/);
  await checked(folder, 'clients.xml');
});
