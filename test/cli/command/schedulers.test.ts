import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { lastingCommand, startingCommand } from '../../../src/cli/command/schedulers.ts';
import { configOf } from '../../alerter/support/config-of.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const file = '/etc/fleet-health/config.xml';
const units = ['collect', 'alert'].map((name) => `usr/lib/systemd/system/fleet-health-${name}.timer`);
const enable = 'systemctl enable --now fleet-health-collect.timer fleet-health-alert.timer';
const own = `fleet-health -c ${file} crontab --systemd /etc/systemd/system`;
const remote = '<client name="a" ip="192.0.2.1"/>';
const usual = '<state dir="/var/lib/fleet-health"/>';
const share = '<storage url="mysql://fleet@127.0.0.1/fleet"/><collector share="yes" site="fra"/>';

for (const [what, elements, missing, command] of [
  ['its timers', usual + remote, [], enable],
  ['units of its own for this machine', `${usual}<client name="a" transport="local"/>`, [], own],
  ['units of its own for another rhythm', `${usual}<collector every="10m"/>${remote}`, [], own],
  ['units of its own for reports that it does not open', `${usual}<collector open="no"/>${remote}`, [], own],
  ['units of its own for a shared fleet', usual + share + remote, [], own],
  ['units of its own for another state folder', `<state dir="/srv/fleet"/>${remote}`, [], own],
  ['units of its own for another database', `${usual}<storage url="sqlite:/srv/fleet.db"/>${remote}`, [], own],
  ['units of its own for metrics', `${usual}<metrics textfile="/srv/fleet.prom"/>${remote}`, [], own],
  ['nothing without systemd', usual + remote, ['run/systemd/system'], null],
  ['nothing without the timers', usual + remote, units.slice(1), null],
] as const) {
  test(`the Debian package starts ${what}`, (t) => {
    const root = tempFolder(t);
    for (const place of ['run/systemd/system', ...units].filter(
      (one) => !(missing as readonly string[]).includes(one),
    )) {
      mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
      writeFileSync(path.join(root, place), '');
    }
    const config = configOf(elements);
    assert.equal(startingCommand({ ...config, file }, root), command);
    assert.equal(startingCommand({ ...config, file: '/srv/config.xml' }, root), null);
  });
}

for (const [what, places, command] of [
  ['the crontab of the account', ['bin/crontab', 'run/systemd/system'], 'fh crontab --install'],
  ['units where there is no cron', ['run/systemd/system'], 'fh crontab --systemd /etc/systemd/system'],
  ['the lines where there is neither', ['bin/other'], 'fh crontab'],
] as const) {
  test(`what starts the programs from now on: ${what}`, (t) => {
    const root = tempFolder(t);
    for (const place of places) {
      mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
      writeFileSync(path.join(root, place), '');
    }
    const config = { ...configOf(usual + remote), file: '/srv/config.xml' };
    assert.equal(lastingCommand(config, 'fh', { root, searched: `/none:${root}/bin` }), command);
  });
}
