/**
 * The installed program on this machine's Node, with cron's empty environment. test/wide.sh tries it on the others that
 * are promised.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { program } from './support/programs/installed.ts';
import { tempFolder } from './support/temp-folder.ts';

test('the installed program checks, collects and reports under cron: no HOME, no USER, a PATH without Node', (t) => {
  const dir = tempFolder(t);
  const config = path.join(dir, 'config.xml');
  writeFileSync(config, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n', { mode: 0o600 });
  const fleetHealth = (...args: string[]): string => {
    const command = ['-i', 'PATH=/usr/bin:/bin', process.execPath, program, '-c', config, ...args];
    const { status, stdout, stderr } = spawnSync('/usr/bin/env', command, {
      cwd: dir,
      timeout: 60_000,
      encoding: 'utf8',
    });
    assert.deepEqual({ args, status, stderr }, { args, status: 0, stderr: '' }, stdout);
    return stdout;
  };

  assert.match(fleetHealth('--version'), /^\d+\.\d+\.\d+\n$/);
  assert.equal((JSON.parse(fleetHealth('--json', 'check')) as { valid: boolean }).valid, true);
  assert.equal(fleetHealth('-q', 'collect'), '');
  const { clients } = JSON.parse(fleetHealth('--json', 'status')) as {
    clients: { client: string; state: string; memory_percent: number | null }[];
  };
  assert.deepEqual(
    clients.map(({ client, state }) => ({ client, state })),
    [{ client: 'here', state: 'ok' }],
  );
  assert.equal(typeof clients[0]?.memory_percent, 'number');
  assert.match(fleetHealth('keys', 'list'), /seals and opens/);
});
