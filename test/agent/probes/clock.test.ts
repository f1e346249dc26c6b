import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { clock } from '../../../agent/probes/clock.ts';
import { contextOf, onlyRow } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const hourMs = 3_600_000;

for (const [what, files, expected] of [
  ['timesyncd that heard a server lately', { '/run/systemd/timesync/synchronized': 0.5 }, 1],
  ['timesyncd that heard none for long', { '/run/systemd/timesync/synchronized': 5 }, 0],
  ['timesyncd that never heard one', { '/run/systemd/timesync/other': 0 }, 0],
  ['chrony that wrote its drift lately', { '/var/lib/chrony/drift': 1 }, 1],
  ['chrony that wrote it long ago', { '/var/lib/chrony/chrony.drift': 30 }, null],
  ['ntpd', { '/var/lib/ntp/ntp.drift': 1 }, 1],
] as const) {
  test(`${what}: ${expected}`, async (t) => {
    const root = tempFolder(t);
    for (const [file, hoursAgo] of Object.entries(files)) {
      mkdirSync(path.dirname(root + file), { recursive: true });
      writeFileSync(root + file, '');
      const when = new Date(Date.now() - hoursAgo * hourMs);
      utimesSync(root + file, when, when);
    }
    assert.equal(onlyRow((await clock.run(contextOf(root))).functions, 'clock')['synchronised'], expected);
  });
}
