// Second tier: builds twice, installs, and visits a fleet.
/** The commands of README, as they stand there, from a fresh clone and in an empty home. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { noMachine, startDocumentMachine, type DocumentMachine } from './document-machine.ts';
import { isWide } from '../support/long-tests.ts';
import { pluck } from '../support/pluck.ts';
import { addMonitor, addReader, readersHosts, startReadersFleet, trusted } from './readers-fleet.ts';
import { runPage } from './run-page.ts';

/**
 * The packages of the lock file are there already; the second tier lets npm install them, from the cache of set-up. An
 * old cache is asked about at the registry, which nobody reaches from here.
 */
const withPackages = isWide
  ? `mkdir -p ~kim/.npm/_cacache && cd "$(npm config get cache)/_cacache" && cp -r content-v2 index-v5 ~kim/.npm/_cacache
     echo prefer-offline=true >~kim/.npmrc
     chown -R kim: ~kim/.npm ~kim/.npmrc`
  : 'cd ~kim/fleet-health && ln -s /srv/project/node_modules . && touch -d 2000-01-01 package-lock.json';
const allowKim = 'install -o monitor -m 600 ~kim/.ssh/id_ed25519.pub ~monitor/.ssh/authorized_keys';

const readme = {
  page: 'README.md',
  notRun: { 'npm test': 'this test is a part of it' },
  texts: {
    '$ fleet-health status': null,
    '<config>': '/home/kim/fleet/config.xml',
    'PATH=/usr/local/bin:/usr/bin:/bin': '/tmp/crontab',
  },
  lines: {
    'git clone <this repository> fleet-health && cd fleet-health': {
      instead: 'git clone -q /srv/tree fleet-health && cd fleet-health',
    },
    'npm run demo': { before: withPackages },
    'ssh-keygen -t ed25519': {
      typed: [
        ['save the key', ''],
        ['passphrase (', ''],
        ['passphrase again', ''],
      ],
    },
    'fleet-health trust': { before: `${allowKim} && echo secret >~kim/fleet/smtp.password`, typed: [['?', 'yes']] },
  },
} as const;

test('README: tried, installed, and mailed by cron', { skip: noMachine() }, async (t) => {
  const machine = await startDocumentMachine(t, { init: 'none', hosts: readersHosts });
  const { mails } = await startReadersFleet(machine);
  await addMonitor(machine);
  await addReader(machine, 'kim');
  await machine.prepare(`
    git config --system --add safe.directory '*' && mkdir /srv/tree && cd /srv/project
    git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'cp -P --parents "$@" /srv/tree || true' sh
    cd /srv/tree && git init -q && git add -A && git -c user.name=kim -c user.email=kim@example.org commit -q -m tree`);
  const printed = await runPage({ ...readme, machine, options: { account: 'kim', env: trusted } });
  assert.match(printed.get('fleet-health status')?.output ?? '', /of 2 clients asked, 2 answered/);
  await machine.prepare('crontab -u kim /tmp/crontab');
  for (const command of await cronCommands(machine, 'kim')) {
    const cron = `env -i HOME="$HOME" LOGNAME=kim SHELL=/bin/sh PATH=/usr/local/bin:/usr/bin:/bin /bin/sh -c '${command}'`;
    assert.deepEqual(await machine.run(cron, { account: 'kim' }), { status: 0, output: '' }, command);
  }
  const after = await machine.run('fleet-health --json status', { account: 'kim' });
  const { clients } = JSON.parse(after.output) as { readonly clients: readonly { readonly state: string }[] };
  assert.deepEqual(pluck(clients, 'state'), ['ok', 'ok']);
  assert.deepEqual(
    mails().map(({ to }) => to),
    ['you@example.org'],
    'the test mail',
  );
});

/** Returns the commands of an account's crontab without their pauses. */
async function cronCommands(machine: DocumentMachine, account: string): Promise<readonly string[]> {
  const lines = await machine.prepare(`crontab -u ${account} -l`);
  return [...lines.matchAll(/^(?:[\d*/]+\s+){5}(?:sleep \d+; )?(.*)$/gm)].map(([, command = '']) => command);
}
