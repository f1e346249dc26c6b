import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { asService } from '../../../src/cli/set-up/service-account.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('root acts as the service with sudo, else with runuser, which would keep the HOME of root', (t) => {
  const root = tempFolder(t);
  const words = (): string => asService({ home: '/var/lib/fleet-health' }, root);
  for (const [program, expected] of [
    ['usr/sbin/runuser', 'runuser -u fleet-health -- env HOME=/var/lib/fleet-health '],
    ['usr/bin/sudo', 'sudo -u fleet-health '],
  ] as const) {
    mkdirSync(path.join(root, path.dirname(program)), { recursive: true });
    writeFileSync(path.join(root, program), '');
    assert.equal(words(), expected);
  }
});
