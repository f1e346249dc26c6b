// Second tier: makes the Debian package, and runs systemd and MariaDB
/** The commands of docs/installation.md, as they stand there, on a machine with systemd. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packProgram } from '../../build/packages/npm-package.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { noMachine, startDocumentMachine, type DocumentMachine } from './document-machine.ts';
import { addReader, debianPackages, readersHosts, startReadersFleet, trusted } from './readers-fleet.ts';
import { runPage, type LineRun } from './run-page.ts';

const service = 'setpriv --reuid=fleet-health --regid=fleet-health --init-groups env HOME=/var/lib/fleet-health ';
const pub = '/var/lib/fleet-health/.ssh/id_ed25519.pub';
const rootOnClients = `
  ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 && cat ~/.ssh/id_ed25519.pub >>~/.ssh/authorized_keys
  echo "web-1 $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >~/.ssh/known_hosts`;
const logged =
  '*/5 * * * * fleet-health  fleet-health -c /etc/fleet-health/config.xml collect ' +
  '>>/var/log/fleet-health/collect.log 2>&1';
const noDaemon = 'timeout --preserve-status -s TERM 20 ';
const collectEvery = 'fleet-health -c /etc/fleet-health/config.xml collect --every 5m';
const alertEvery = 'fleet-health -c /etc/fleet-health/config.xml alert --every 1m';

const lines: Readonly<Record<string, LineRun>> = {
  'npm install -g --ignore-scripts fleet-health-0.2.0.tgz': { before: 'apt-get remove -y -qq fleet-health' },
  'sudo -u fleet-health fleet-health check --connect': { status: 1 },
  'restrict,from="192.0.2.10" ssh-ed25519 AAAA... fleet-health': {
    instead: `echo 'restrict,from="192.0.2.10"' $(cat ${pub}) >~monitor/.ssh/authorized_keys && chown monitor ~monitor/.ssh/authorized_keys && chmod 600 ~monitor/.ssh/authorized_keys`,
  },
  [collectEvery]: { instead: `${noDaemon}${service}${collectEvery}` },
  [alertEvery]: { instead: `${noDaemon}${service}${alertEvery}` },
  'sudo -u fleet-health fleet-health trust web-1': { typed: [['[y/N]', 'yes']] },
  'sudo -u fleet-health fleet-health cleanup': {
    typed: [['[y/N]', 'yes']],
    status: 1,
    says: /restricted key runs nothing but its agent/,
  },
  'sudo -u fleet-health fleet-health authorize web-1 --script | ssh root@web-1 sh': { before: rootOnClients },
  'sudo -u fleet-health fleet-health trust --from known_hosts': {
    before: 'install -m 644 ~/.ssh/known_hosts /tmp/known_hosts',
    instead: 'sudo -u fleet-health fleet-health trust --from /tmp/known_hosts',
  },
  'sudo -u fleet-health fleet-health trust': { says: /./ },
  'source <(fleet-health completion zsh)': {
    instead: "zsh -c 'autoload -U compinit && compinit -u && source <(fleet-health completion zsh)'",
  },
  "GRANT SELECT ON fleet.migrations TO 'fleet_collector'@'192.0.2.10';": {
    before: `mariadb -e "CREATE USER 'fleet_collector'@'192.0.2.10'"`,
  },
  'fleet-health completion fish | source': { instead: "fish -c 'fleet-health completion fish | source'" },
};
const twoMachines = 'needs a second machine: test/end-to-end/split-trust.test.ts';
const notRun = {
  'opener$     fleet-health keys generate': twoMachines,
  'collector$  fleet-health keys import-public 20261120T100000Z-6d31c1d4f0a9be27.pem': twoMachines,
  'collector$  fleet-health check': twoMachines,
  'apt install ./fleet-health_0.2.0_amd64.deb ./fleet-health-node_0.2.0_amd64.deb':
    'the machine has a Node.js of this year',
};

const config = `<config>
  <smtp host="mail.example.org" from="fleet@example.org"/>
  <ssh username="monitor" privateKey="/var/lib/fleet-health/.ssh/id_ed25519"/>
  <alerts><mail to="you@example.org"/></alerts>
  <client name="web-1" ip="192.0.2.10"/>
</config>
`;

test('installation.md: from an empty machine to cleanup', { skip: noMachine() }, async (t) => {
  const machine = await startDocumentMachine(t, { init: 'systemd', hosts: readersHosts });
  await startReadersFleet(machine);
  await addReader(machine, 'kim');
  await debianPackages(machine, '/root');
  packProgram(packageDir, path.join(machine.root, 'root'));
  writeFileSync(path.join(machine.root, 'root/config.xml'), config);
  await startDatabase(machine);
  const printed = await runPage({
    page: 'docs/installation.md',
    machine,
    options: { env: trusted },
    lines,
    notRun,
    texts: {
      '<ssh username="monitor" privateKey="/var/lib/fleet-health/.ssh/id_ed25519"/>': null,
      '*/5 * * * * fleet-health  fleet-health -q -c /etc/fleet-health/config.xml collect': '/etc/cron.d/fleet-health',
      '<smtp host="mail.example.org" username="fleet" passwordFile="$CREDENTIALS_DIRECTORY/smtp"/>': null,
      '[Service]': null,
      [logged]: '/etc/cron.d/fleet-health',
      '/var/log/fleet-health/*.log {': '/etc/logrotate.d/fleet-health',
    },
  });
  assert.match(printed.get('fleet-health -c admin.xml migrate')?.output ?? '', /^Applied: 001-initial, /);
  assert.match(printed.get('sudo -u fleet-health fleet-health cleanup')?.output ?? '', /web-1/);
});

async function startDatabase(machine: DocumentMachine): Promise<void> {
  const admin = config.replace(
    '<ssh',
    '<storage url="mysql://fleet_admin@192.0.2.10/fleet" password="..." tls="no"/><ssh',
  );
  writeFileSync(path.join(machine.root, 'root/admin.xml'), admin, { mode: 0o600 });
  writeFileSync(path.join(machine.root, 'etc/mysql/mariadb.conf.d/99.cnf'), '[mysqld]\nbind-address=0.0.0.0\n');
  await machine.prepare('systemctl start mariadb');
}
