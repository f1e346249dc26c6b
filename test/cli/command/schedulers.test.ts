import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { startingCommand } from '../../../src/cli/command/schedulers.ts';
import { configOf } from '../../alerter/support/config-of.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const file = '/etc/fleet-health/config.xml';
const units = ['collect', 'alert'].map((name) => `usr/lib/systemd/system/fleet-health-${name}.timer`);
const { clients } = configOf('<client name="a" ip="192.0.2.1"/>');
const { clients: local } = configOf('<client name="a" transport="local"/>');
const enable = 'systemctl enable --now fleet-health-collect.timer fleet-health-alert.timer';

for (const [what, config, missing, command] of [
  ['its timers', { file, clients }, [], enable],
  ['units of its own for this machine', { file, clients: local }, [], /^fleet-health -c \S+ crontab --systemd \S+$/],
  ['nothing for another file', { file: '/srv/config.xml', clients }, [], null],
  ['nothing without systemd', { file, clients }, ['run/systemd/system'], null],
  ['nothing without the timers', { file, clients }, units.slice(1), null],
] as const) {
  test(`the Debian package starts ${what}`, (t) => {
    const root = tempFolder(t);
    for (const place of ['run/systemd/system', ...units].filter(
      (one) => !(missing as readonly string[]).includes(one),
    )) {
      mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
      writeFileSync(path.join(root, place), '');
    }
    const found = startingCommand(config, root);
    if (command instanceof RegExp) assert.match(found ?? '', command);
    else assert.equal(found, command);
  });
}
