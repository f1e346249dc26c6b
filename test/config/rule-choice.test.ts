import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientOf, faults, load, ruleOf, warnings } from './support/config-files.ts';

/** Loads one client with these alerts. */
function rulesOf(alerts: string, outer = ''): readonly string[] {
  const config = load(`<alerts mail="a@b">${outer}</alerts><client ip="10.0.0.1">${alerts}</client>`);
  return clientOf(config).rules.flatMap(({ name, origin, critical, except }) => {
    const left = except.length === 0 ? '' : ` without ${JSON.stringify(except)}`;
    return origin === 'condition' ? [] : [`${origin} ${name}${critical === null ? '' : ` ${critical}`}${left}`];
  });
}
const further = [
  ...['default open-files', 'default conntrack', 'default clock-unsynchronised', 'default check'],
  'default file-system-errors',
  ...['default sectors-rising', 'default security-updates'],
];
const foreseen = ['default disk-full', 'default inodes-full'];
const others = ['default inodes', ...foreseen, 'default memory 97', 'default service', ...further];

test('nameless alerts of one type with the same selectors are numbered in the order of the file', () => {
  const alerts = '<alert type="memory" limit="99"/><alert type="memory" limit="1"/><alert type="memory" limit="1"/>';
  assert.deepEqual(rulesOf(alerts).slice(0, 2), ['file memory 99', 'file memory 2 1']);
  const mounts = '<alert type="disk" mount="/" limit="80"/><alert type="disk" mount="/" limit="95"/>';
  assert.deepEqual(rulesOf(mounts).slice(0, 2), ['file disk mount=/ 80', 'file disk mount=/ 2 95']);
});

test('a number that somebody gave as a name is a fault', () => {
  const nameless = '<alert type="memory" limit="6"/>\n<alert type="memory" limit="7"/>';
  const alerts = `<alert name="memory 2" type="memory" limit="5"/>\n${nameless}`;
  assert.deepEqual(faults(`<client ip="10.0.0.1" mail="a@b">${alerts}</client>`), [
    'config.xml:4: <alert> "memory 2" stands twice in this <client>; give one of them another name',
  ]);
});

test('the name of a default belongs to its type', () => {
  assert.deepEqual(faults('<client ip="10.0.0.1" mail="a@b"><alert name="disk" type="inodes" limit="5"/></client>'), [
    'config.xml:2: <alert> "disk" is of disk by default and cannot become inodes; give it another name',
  ]);
});

test('what a written rule excludes stays excluded from the default', () => {
  assert.deepEqual(rulesOf('<alert type="disk" mount="!/backup,!/scratch" limit="98"/>'), [
    'file disk mount=!/backup,!/scratch 98',
    'default disk 95 without [{"mount":"/backup,/scratch"}]',
    ...others,
  ]);
  const service = rulesOf('<alert type="service" unit="!motd-news"/>').at(-1 - further.length);
  assert.equal(service, 'default service without [{"unit":"motd-news.service"}]');
});

test('enabled="no" on a type ends every rule of the type, also those of elements further out', () => {
  const outer = '<alert type="disk" mount="/" limit="80"/><alert name="busy" type="cpu" limit="80"/>';
  assert.deepEqual(rulesOf('<alert type="disk" enabled="no"/>', outer), ['file busy 80', ...others]);
  const disks = ['file disk mount=/ 80', 'default disk 95'];
  assert.deepEqual(rulesOf('<alert type="cpu" enabled="no"/>', outer), [...disks, ...others]);
  const another = '<alert type="disk" enabled="no"/><alert type="disk" mount="/x" limit="5"/>';
  assert.deepEqual(rulesOf(another, outer), ['file disk mount=/x 5', 'file busy 80', ...others]);
});

test('enabled="no" on a type with selectors ends the evaluation of what they select', () => {
  const outer = '<alert name="full" type="disk" mount="/*" limit="80"/>';
  assert.deepEqual(rulesOf('<alert type="disk" mount="/scratch" enabled="no"/>', outer), [
    'file full 80 without [{"mount":"/scratch"}]',
    'default disk 95 without [{"mount":"/scratch"}]',
    ...others,
  ]);
});

test('enabled="no" on a name ends the rule of that name alone, whether written or by default', () => {
  const outer = '<alert name="full" type="disk" mount="/*" limit="80"/><alert type="memory" limit="80"/>';
  const left = rulesOf('<alert name="full" enabled="no"/><alert name="memory" enabled="no"/>', outer);
  assert.deepEqual(left, ['default disk 95', 'default inodes', ...foreseen, 'default service', ...further]);
});

test('a rule takes the other level from the default as <alerts> tunes it, and nothing from an ended one', () => {
  const inner = '<client ip="10.0.0.1" mail="a@b"><alert type="disk" mount="/x" critical="98"/></client>';
  const warningOf = (alerts: string) => ruleOf(load(`${alerts}${inner}`), 'disk mount=/x')?.warning;
  assert.equal(warningOf('<alerts><alert name="disk" warning="70"/></alerts>'), 70);
  assert.equal(warningOf('<alerts><alert name="disk" enabled="no"/></alerts>'), null);
  assert.equal(warningOf('<alerts defaults="no"/>'), null);
});

test('a rule that can evaluate nothing because of a rule further in is named', () => {
  const idle = (outer: string, inner: string, more = ''): readonly string[] =>
    warnings(`<alerts mail="a@b">\n${outer}\n</alerts><ssh agent="env"/>
      <client ip="10.0.0.1">${inner}</client>${more}`);
  const line = (name: string, taker: string): string =>
    `config.xml:3: <alert> "${name}" can evaluate nothing: "${taker}" further in evaluates all that it matches; ` +
    'write also="yes", or remove one of them';
  const [cpu, load1] = ['<alert name="a" type="cpu" limit="50"/>', '<alert name="b" type="cpu" limit="90"/>'];
  assert.deepEqual(idle(cpu, load1), [line('a', 'b')]);
  assert.deepEqual(idle(cpu, load1, '<client ip="10.0.0.2"/>'), [], 'it evaluates the other client');
  assert.deepEqual(idle(cpu.replace('/>', ' also="yes"/>'), load1), []);
  const [paths, glob] = ['<alert type="disk" mount="/a,/b" limit="5"/>', '<alert type="disk" mount="/*" limit="9"/>'];
  assert.deepEqual(idle(paths, glob), [line('disk mount=/a,/b', 'disk mount=/*')]);
  assert.deepEqual(idle(glob, paths), []);
  assert.deepEqual(idle(`${cpu}${load1}`, ''), [], 'all rules of one element are evaluated');
});
