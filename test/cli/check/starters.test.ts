/** Crontabs and timers that start the programs on a machine, also with missing files. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { findStarters, goneFiles, warningsOf } from '../../../src/cli/check/starters.ts';
import { systemConfigPath } from '../../../src/state-folder/paths.ts';
import { makeConfig } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Makes a machine with these files below /. Returns its root. */
function machine(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = tempFolder(t);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return root;
}

const service = '[Service]\nExecStart=/usr/bin/fleet-health -c /etc/fleet-health/config.xml collect\n';

test('crontabs and enabled timers start the programs', (t) => {
  const root = machine(t, {
    'etc/crontab': '17 * * * * root run-parts\n',
    'etc/cron.d/fleet': 'MAILTO=me\n*/5 * * * * fleet fleet-health -q collect\n# * * * * * fleet fleet-health alert\n',
    'etc/systemd/system/fleet-health-collect.service': service,
    'usr/lib/systemd/system/fleet-health-alert.service': service.replace('collect', 'alert'),
  });
  const wants = path.join(root, 'etc/systemd/system/timers.target.wants');
  mkdirSync(wants);
  symlinkSync('/usr/lib/systemd/system/fleet-health-collect.timer', path.join(wants, 'fleet-health-collect.timer'));
  const crontab = '@hourly /opt/fleet-health ingest\n0 4 * * * /usr/bin/fleet-health-agent push; collect\n';
  assert.deepEqual(findStarters({ crontab, root }), [
    { where: 'the crontab of this account', command: '/opt/fleet-health ingest' },
    { where: '/etc/cron.d/fleet', command: 'fleet fleet-health -q collect' },
    {
      where: 'fleet-health-collect.service',
      command: '/usr/bin/fleet-health -c /etc/fleet-health/config.xml collect',
    },
  ]);
  assert.deepEqual(findStarters({ crontab: null, root: machine(t, {}) }), []);
});

test('where one of the timers of the package is missing, its command is named', (t) => {
  const root = machine(t, {
    'usr/lib/systemd/system/fleet-health-collect.timer': '',
    'usr/lib/systemd/system/fleet-health-alert.timer': '',
    'usr/lib/systemd/system/fleet-health-collect.service': service.replace('/usr/bin/', ''),
    'etc/systemd/system/timers.target.wants/fleet-health-collect.timer': '',
    'run/systemd/system/x': '',
  });
  const config = { ...makeConfig('/var/lib/fleet-health', []), file: systemConfigPath };
  const words = (crontab: string): string =>
    warningsOf(config, { crontab, root })
      .map(({ message }) => message)
      .join();
  assert.match(
    words(''),
    /starts alert .*as root: systemctl enable --now fleet-health-collect\.timer fleet-health-alert/,
  );
  assert.match(words('* * * * * fleet-health collect'), /starts alert .*see: fleet-health crontab/);
});

for (const [what, command, gone] of [
  ['Node', '/no/such/node /bin/sh -q -c /etc/none.xml collect', ['/no/such/node']],
  ['the program', `sleep 5; /bin/sh '/no such/fleet-health.cjs' -q -c "/etc/x" alert`, ['/no such/fleet-health.cjs']],
  ['nothing', '/bin/sh -c /no/such/config.xml collect', []],
  ['nothing of a log', 'fleet-health collect >>/no/such/log 2>&1', []],
] as const) {
  test(`a line names ${what} that is gone`, () => assert.deepEqual(goneFiles({ where: 'here', command }), gone));
}
