/** `complete`: names of config.xml for a shell. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { configFolder, runCli, succeeded } from '../../support/run-cli.ts';

const included = '<config><group name="inside"><client name="i" ip="192.0.2.9"/></group></config>';
const named = `<!-- <client name="none" ip="192.0.2.8"/> -->
  <group name="outer"><group\n name='in ner' ><client name="web-[01-03]" ip="192.0.2.[1-3]"><alert type="disk" enabled="no"/></client></group>
  <client name=" a&amp;b " ip="192.0.2.4"/></group><include file="more.xml"/><client ip="192.0.2.5" name="i2" state="retired"/>`;

/** Elements of config.xml, and the names that are printed. */
const cases = [
  {
    what: 'names, ranges, groups and includes',
    elements: named,
    clients: ['web-01', 'web-02', 'web-03', 'a&b', 'i', 'i2'],
    groups: ['outer', 'in ner', 'inside'],
  },
  { what: 'a client without a name', elements: '<client ip="192.0.2.1"/>', clients: ['192.0.2.1'], groups: [] },
  { what: 'a pattern of includes', elements: '<include file="m*.xml"/>', clients: ['i'], groups: ['inside'] },
] as const;

for (const { what, elements, ...names } of cases) {
  test(`complete: ${what}`, async (t) => {
    const folder = configFolder(t, `<config>${elements}</config>`);
    writeFileSync(path.join(folder, 'more.xml'), included, { mode: 0o600 });
    for (const kind of ['clients', 'groups'] as const) {
      const printed = await succeeded(runCli(['-c', path.join(folder, 'config.xml'), 'complete', kind]));
      assert.deepEqual(printed.split('\n').filter(Boolean), names[kind]);
    }
  });
}
