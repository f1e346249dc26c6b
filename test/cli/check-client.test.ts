import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { configFolder, runCli, succeeded } from '../support/programs/run-cli.ts';
import { pluckAll } from '../support/pluck.ts';

const content = `<config>
  <alerts defaults="no"><mail to="ops@example.org"/><window days="sun" start="02:00" duration="1h"/></alerts>
  <group name="web">
    <alert type="memory" warning="70%" critical="80%" for="4x"/>
    <window date="2099-12-24" start="08:00" duration="2h"/>
    <client name="new-9" ip="192.0.2.9" privateKey="none" agent="env"><mail to="web@example.org" severity="critical"/></client>
  </group>
  <client name="old-1" ip="192.0.2.1" privateKey="none" agent="env" state="paused"/>
</config>`;

test('check CLIENT shows its rules, recipients and windows, without a database', async (t) => {
  const dir = configFolder(t, content);
  const stdout = await succeeded(runCli(['check', 'new-9', 'old-1'], { cwd: dir }));
  const [own = '', other = ''] = stdout.split(/^client old-1/m);
  assert.match(own, /^memory +warning 70%, critical 80%, for 4x +\S*config\.xml:4$/m);
  assert.match(own, /^ops@example\.org +warning +1 +all/m);
  assert.match(own, /^web@example\.org +critical +1 /m);
  assert.match(own, /^window for everything of 1 client: \d{4}-\d\d-\d\d 02:00 to /m);
  assert.match(other, /it is paused: nobody is notified of it/);
  assert.doesNotMatch(other, /^memory /m);
  assert.equal(existsSync(path.join(dir, 'state')), false);

  const json = JSON.parse((await runCli(['--json', 'check', 'new-9'], { cwd: dir })).stdout) as {
    readonly clients: readonly {
      readonly rules: readonly { readonly rule: string; readonly critical: number | null }[];
      readonly recipients: readonly { readonly recipient: string; readonly clients: number }[];
      readonly windows: readonly unknown[];
    }[];
  };
  const [client] = json.clients;
  assert.equal(client?.rules.find(({ rule }) => rule === 'memory')?.critical, 80);
  assert.deepEqual(pluckAll(client.recipients, 'recipient', 'clients'), [
    ['ops@example.org', 1],
    ['web@example.org', 1],
  ]);
  assert.equal(client.windows.length, 2);
});
