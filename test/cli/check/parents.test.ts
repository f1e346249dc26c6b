import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alertFolder, firing } from '../support/stored-alerts.ts';

const config = `<config><alerts><mail to="ops@example.org"/></alerts><ssh username="u" config="none" password="x"/>
  <client name="hv-1" ip="192.0.2.1"/>
  <group on="sw-3"><client name="web-[1-2]" ip="192.0.3.[1-2]"/><client name="hv-2" ip="192.0.2.2"/></group>
  <client name="vm-1" ip="192.0.4.1" on="hv-1 hv-2"/><client name="vm-2" ip="192.0.4.2" on="hv-2"/>
  <client name="lone" ip="192.0.4.3" on="hv1"/></config>`;

test('check and explain name what a client stands on, and what is no client', async (t) => {
  const alerts = ['hv-2', 'vm-2'].map((client) => firing({ client, rule: 'unreachable', subject: '', value: null }));
  const { run, json } = await alertFolder(t, { config, alerts });
  const { stdout } = await run('check');
  for (const line of [/^sw-3 +4 +sw-3$/m, /^hv-1 and hv-2 +1 *$/m, /^hv-2 +1 *$/m]) assert.match(stdout, line);
  assert.match(stdout, /on names "hv1", which is no client and on which nothing else stands; did you mean "hv-1"\?/);
  const { parents } = (await json('check')) as { parents: readonly unknown[] };
  assert.deepEqual(parents[0], { parent: 'sw-3', no_client: ['sw-3'], clients: 4 });

  assert.match((await run('check', 'vm-1')).stdout, /^It stands on hv-1 or hv-2\.$/m);
  assert.match((await run('explain', 'vm-2')).stdout, /^It stands on sw-3, and on hv-2\.$/m);
  assert.deepEqual((await json('explain', 'vm-2'))['stands_on'], [['sw-3'], ['hv-2']]);

  assert.match((await run('explain', '--fleet')).stdout, /^hv-2 is away, and reported instead of 1 client on it\./m);
  const fleet = await json('explain', '--fleet');
  assert.deepEqual([fleet['bastions_gone'], fleet['parents_gone']], [[], [{ name: 'hv-2', behind: 1 }]]);
});
