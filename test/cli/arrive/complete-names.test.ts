/** `complete`: names for a shell, found without the rest of the program. The whole program prints the same names. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { printNames } from '../../../src/cli/arrive/complete-names.ts';
import { configFolder, runCli, succeeded } from '../../support/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const included = '<config><group name="inside"><client name="i" ip="192.0.2.9"/></group></config>';
const named = `<!-- <client name="none" ip="192.0.2.8"/> -->
  <group name="outer"><group\n name='in ner' ><client name="web-[01-03]" ip="192.0.2.[1-3]"><alert type="disk" enabled="no"/></client></group>
  <client name=" a&amp;b " ip="192.0.2.4"/></group><include file="more.xml"/><client ip="192.0.2.5" name="i2" state="retired"/>`;

/** Elements of config.xml, and the clients that are found without the rest of the program; null: the rest is needed. */
const cases: readonly (readonly [what: string, elements: string, clients: readonly string[] | null])[] = [
  ['names, ranges, groups and includes', named, ['web-01', 'web-02', 'web-03', 'a&b', 'i', 'i2']],
  ['a client without a name', '<ssh port="2222"/><client ip="192.0.2.1"/>', null],
  ['a pattern of includes', '<include file="m*.xml"/>', null],
];

/** A script that prints the loaded files of the program to stderr at the exit. */
const spy =
  `process.on('exit', () => process.stderr.write(Object.keys(require.cache).map((file) => ` +
  `require('path').basename(file)).join(' ')));`;

for (const [what, elements, clients] of cases) {
  test(`complete: ${what}`, async (t) => {
    const folder = configFolder(t, `<config>${elements}</config>`);
    writeFileSync(path.join(folder, 'more.xml'), included, { mode: 0o600 });
    const hook = path.join(tempFolder(t), 'spy.cjs');
    writeFileSync(hook, spy);
    const config = path.join(folder, 'config.xml');
    for (const kind of ['clients', 'groups']) {
      const whole = await succeeded(runCli(['-v', '-c', config, 'complete', kind]));
      const short = await runCli(['-c', config, 'complete', kind], { nodeArgs: ['-r', hook] });
      assert.equal(short.status, 0, short.stderr);
      assert.equal(short.stdout, whole);
      if (kind === 'groups') continue;
      assert.equal(short.stderr.includes('cli.cjs'), clients === null, short.stderr);
      if (clients !== null) assert.deepEqual(short.stdout.trimEnd().split('\n'), clients);
    }
  });
}

const few = '<client name="a" ip="192.0.2.1"/>';
for (const [what, elements] of [
  ['an unknown entity', '<client name="a&#x110000;" ip="192.0.2.1"/>'],
  ['comments without an end', few + '<!--'.repeat(500_000)],
  ['many includes', few + '<include file="none.xml"/>'.repeat(1001)],
  ['includes of themselves', few + '<include file="config.xml"/>'.repeat(8)],
  ['processing instructions', `${few}<?x <client name="b"/> ?>`],
] as const) {
  test(`complete leaves ${what} to the whole program`, (t) => {
    const folder = configFolder(t, `<config>${elements}</config>`);
    writeFileSync(path.join(folder, 'none.xml'), '<config/>');
    assert.equal(printNames(['-c', path.join(folder, 'config.xml'), 'complete', 'clients']), false);
  });
}

test('complete says what is wrong with config.xml', async (t) => {
  const folder = configFolder(t, '<config><client name="a"</config>');
  for (const [file, says] of [
    ['config.xml', /config\.xml:1: <client> is not well-formed/],
    ['none.xml', /none\.xml does not exist/],
  ] as const) {
    const { status, stdout, stderr } = await runCli(['-c', path.join(folder, file), 'complete', 'clients']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, says);
  }
});
