/** `complete`: the words that may end a command line, for a shell. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { agentProgram, configFolder, runCli, succeeded } from '../../support/programs/run-cli.ts';

const included = '<config><group name="inside"><client name="i" ip="192.0.2.9"/></group></config>';
const named = `<!-- <client name="none" ip="192.0.2.8"/> -->
  <group name="outer"><group\n name='in ner' ><client name="web-[01-03]" ip="192.0.2.[1-3]"><alert type="disk" enabled="no"/></client></group>
  <client name=" a&amp;b " ip="192.0.2.4"/></group><include file="more.xml"/><client ip="192.0.2.5" name="i2" state="retired"/>`;

/** Returns the words that a program offers for the last word of a command line. */
async function offered(line: readonly string[], program?: string): Promise<readonly string[]> {
  const printed = await succeeded(runCli(['complete', '--', ...line], program === undefined ? {} : { program }));
  return printed
    .split('\n')
    .slice(0, -1)
    .map((each) => each.replace(/(?<=.)\t.*/, ''));
}

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
    const collect = ['-c', path.join(folder, 'config.xml'), 'collect'];
    assert.deepEqual(await offered([...collect, '']), names.clients);
    assert.deepEqual(await offered([...collect, '--group', '']), names.groups);
  });
}

const files = ['\tfiles'];
const lines: readonly (readonly [line: readonly string[], words: readonly string[], program?: string])[] = [
  [['col'], ['collect']],
  [['--ver'], ['--verbose', '--version']],
  [['collect', '--dry'], ['--dry-run']],
  [
    ['silence', ''],
    ['add', 'list', 'expire', 'help'],
  ],
  [['silence', 'add', '--cl'], ['--client']],
  [['silence', 'add', '--client', 'o'], ['own']],
  [['silence', 'add', '--rule', ''], []],
  [['import', 'a'], ['ansible']],
  [['collect', '--dry-run', ''], ['own']],
  [['import', 'csv', '--out', ''], files],
  [['complete', ''], []],
  [['sta'], ['start', 'status'], agentProgram],
  [['start', 'e'], ['edge'], agentProgram],
  [['push', '--on'], ['--once'], agentProgram],
];
test('complete: commands, options and their values', async (t) => {
  const file = path.join(configFolder(t, '<config><client name="own" ip="192.0.2.1"/></config>'), 'config.xml');
  for (const [line, words, program] of lines) {
    const found = await offered(program === undefined ? ['-c', file, ...line] : line, program);
    assert.deepEqual([...found].sort(), [...words].sort(), line.join(' '));
  }
});
