import assert from 'node:assert/strict';
import { chmodSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../../../src/state-folder/paths.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import {
  assertFault,
  clientOf,
  configFolder,
  faults,
  faultsOfFile,
  load,
  namesOf,
  nowMs,
} from '../support/config-files.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { pluck } from '../../support/pluck.ts';

const inner = (children: string): string => `<config>\n${children}\n</config>\n`;
const client = '<client ip="10.0.0.1"/>';

test('children are spliced in their place, also inside groups and alerts', () => {
  const config = load(
    `<client name="first" ip="10.0.0.1"/><include file="two.xml"/>
     <group name="web" mail="web@x"><include file="more/three.xml"/><client name="last" ip="10.0.0.9"/></group>
     <alerts mail="a@b"><include file="rules.xml"/></alerts>`,
    {
      'two.xml': inner('<client name="second" ip="10.0.0.2"/><bastion name="b" ip="10.0.0.8"/>'),
      'more/three.xml': inner('<client name="third" ip="10.0.0.3"/><include file="four.xml"/><mail to="more@x"/>'),
      'more/four.xml': inner('<group name="edge"><client name="fourth" ip="10.0.0.4"/></group>'),
      'rules.xml': inner('<alert type="cpu" limit="5%"/>'),
    },
  );
  assert.deepEqual(namesOf(config), ['first', 'second', 'third', 'fourth', 'last']);
  assert.deepEqual(clientOf(config, 'fourth').groups, ['web', 'edge']);
  assert.deepEqual(pluck(clientOf(config, 'last').recipients, 'to'), ['a@b', 'web@x', 'more@x']);
  assert.equal(path.basename(clientOf(config, 'fourth').file), 'four.xml');
  assert.equal(clientOf(config, 'second').rules[0]?.name, 'cpu');
  assert.equal(config.bastions.length, 1);
});

test('patterns take files in the order of their names, no hidden ones, and may find none', () => {
  const files = {
    'clients.d/b.xml': inner('<client name="b" ip="10.0.0.2"/>'),
    'clients.d/a.xml': inner('<client name="a" ip="10.0.0.1"/>'),
    'clients.d/.hidden.xml': inner('<client name="h" ip="10.0.0.3"/>'),
    'clients.d/c.xml~': 'rubbish',
    'clients.d/sub/d.xml': inner('<client name="d" ip="10.0.0.4"/>'),
  };
  const names = (pattern: string) => namesOf(load(`<include file="${pattern}"/>`, files));
  assert.deepEqual(names('clients.d/*.xml'), ['a', 'b']);
  assert.deepEqual(names('clients.d/*/*.xml'), ['d']);
  assert.deepEqual(names('*/[b-z].xml'), ['b']);
  assert.deepEqual(names('none.d/*.xml'), []);
  assert.match(load('<include file="none.d/*.xml"/>').warnings[0]?.message ?? '', /there is no client/);
});

test('what cannot be included is a fault with the place that wants it', () => {
  assert.deepEqual(faults('<include file="none.xml"/>'), [
    'config.xml:2: <include> names none.xml, which does not exist; write it, or a pattern',
  ]);
  assert.deepEqual(faults(`${client}\n<include/>`), ['config.xml:3: <include> names no file; write file="..."']);
  assertFault('<include path="x" file="a.xml"/>', /<include> has no attribute path/, {
    'a.xml': inner(client),
  });
  assertFault(`<include file="."/>${client}`, /^config\.xml:2: .*is no ordinary file/);
  // A read of these files would never end.
  for (const file of ['/dev/zero', '/dev/./urandom', '/dev/null/../zero', '/proc/self/fd/../../../dev/zero']) {
    assertFault(`<include file="${file}"/>${client}`, /^config\.xml:2: .*(?:is no ordinary file|does not exist)/);
  }
  assertFault(`<include file="/dev/zer?"/>${client}`, /^config\.xml:2: \/dev\/zero: is no ordinary file/);
  const rootless = faults('<include file="a.xml"/>', { 'a.xml': '<clients/>' });
  assert.deepEqual(rootless, ['a.xml:1: the root element is <clients>; it must be <config>']);
  assertFault('<client ip="10.0.0.1"><include file="a.xml"/></client>', /<include> cannot stand in <client>/);
});

test('faults of included files bear their names, after those of the file before', () => {
  const notified = faults('<include file="clients.d/a.xml"/>\n<client ip="10.0.0.300"/>', {
    'clients.d/a.xml': inner('<client ip="10.0.0.1"/>\n<client ip="10.0.0.301"/>\n<collector every="1"/>'),
  });
  const places = notified.map((line) => line.replace(/: .*/, ''));
  assert.deepEqual(places, ['config.xml:3', 'clients.d/a.xml:3', 'clients.d/a.xml:4']);
});

test('an included file may hold what fits its place only', () => {
  const mixed = { 'a.xml': inner(`${client}\n<smtp host="x"/>`) };
  const notified = faults('<group><include file="a.xml"/></group>', mixed);
  assert.deepEqual(notified, ['a.xml:3: <smtp> cannot stand in <group>; it belongs in <config>']);
  const second = { 'a.xml': inner(`${client}<collector/>`) };
  const twice = faults('<collector every="1m"/><include file="a.xml"/>', second);
  assert.deepEqual(twice, ['a.xml:2: a second <collector>; the first is at config.xml:2, write all into one']);
});

test('a link that leads nowhere is a fault, whether it is named or found, and so is config.xml itself', () => {
  for (const [name, from] of [
    ['clients.d/*.xml', '<include> of clients.d/x.xml: it is'],
    ['clients.d/x.xml', '<include> of clients.d/x.xml: it is'],
  ]) {
    const folder = configFolder({
      'config.xml': inner(`<include file="${name ?? ''}"/>`),
      'clients.d/a.xml': inner(client),
    });
    symlinkSync('gone', path.join(folder, 'clients.d/x.xml'));
    // The lock of an editor.
    symlinkSync('me@here.123', path.join(folder, 'clients.d/.#a.xml'));
    assert.ok(
      faultsOfFile(path.join(folder, 'config.xml')).includes(
        `config.xml:2: ${from ?? ''} a symbolic link to gone, which does not exist`,
      ),
    );
  }
  const folder = configFolder({});
  symlinkSync('gone', path.join(folder, 'config.xml'));
  assert.throws(() => loadConfig({ file: path.join(folder, 'config.xml'), nowMs: 0 }), {
    code: 'config-missing',
    message: /config\.xml is a symbolic link to gone, which does not exist$/,
  });
});

test('cycles are found, through links as well', () => {
  assertFault('<include file="config.xml"/>', /^config\.xml:2: <include> of config\.xml, which is being read already/);
  const chain = { 'a.xml': inner('<include file="b.xml"/>'), 'b.xml': inner('<include file="a.xml"/>') };
  assertFault('<include file="a.xml"/>', /^b\.xml:2: <include> of a\.xml, which is being read already/, chain);
  const folder = configFolder({ 'config.xml': inner('<include file="link.xml"/>') });
  symlinkSync('config.xml', path.join(folder, 'link.xml'));
  assert.match(faultsOfFile(path.join(folder, 'config.xml'))[0] ?? '', /link\.xml, which is being read already/);
});

test('a file that includes itself twofold over many levels ends', { skip: skipUnlessWide }, () => {
  const files: Record<string, string> = {};
  for (let level = 0; level < 30; level += 1) {
    files[`f${level}.xml`] = inner(`<include file="f${level + 1}.xml"/>`.repeat(2));
  }
  files['f30.xml'] = inner(client);
  const notified = faults('<include file="f0.xml"/>', files);
  assert.match(notified.join('\n'), /more than 10000 files or 256 MiB are included/);
});

test('the same file may stand in two places', () => {
  const one = '<include file="a.xml"/>';
  const config = load(`<group port="23">${one}</group>${one}`, { 'a.xml': inner(client) });
  assert.deepEqual(namesOf(config), ['10.0.0.1:23', '10.0.0.1']);
});

test('the digest is over the content of all files', () => {
  const digest = (a: string, b: string): string =>
    load(`<include file="x.xml"/>${a}`, { 'x.xml': inner(`${client}${b}`) }).digest;
  assert.match(digest('', ''), /^[0-9a-f]{64}$/);
  assert.equal(digest('', ''), digest('', ''));
  assert.notEqual(digest('', ''), digest(' ', ''));
  assert.notEqual(digest('', ''), digest('', ' '));
});

test('a configuration that is not there has its own code', () => {
  const file = path.join(configFolder({}), 'config.xml');
  const missing = {
    name: 'FleetError',
    code: 'config-missing',
    message: /config\.xml does not exist/,
    advice:
      'Write one with `fleet-health init`. Without -c FILE it is ./config.xml, or else /etc/fleet-health/config.xml. ' +
      `The sample is ${path.join(packageDir, 'config.xml')}.`,
  };
  assert.throws(() => loadConfig({ file, nowMs }), missing);
});

test('every included file is checked for who can read and write it', () => {
  const folder = configFolder({
    'config.xml': inner('<include file="?.xml"/>'),
    'a.xml': inner('<client ip="10.0.0.1" password="x"/>'),
    'b.xml': inner('<client ip="10.0.0.2" agent="env" mail="a@b"/>'),
  });
  const file = path.join(folder, 'config.xml');
  const notified = (): string[] => faultsOfFile(file);
  chmodSync(file, 0o644);
  chmodSync(path.join(folder, 'b.xml'), 0o646);
  assert.deepEqual(notified(), ['b.xml: can be written by everybody; run: chmod go-w b.xml']);
  chmodSync(path.join(folder, 'b.xml'), 0o644);
  assert.deepEqual(notified(), []);
  chmodSync(path.join(folder, 'a.xml'), 0o644);
  assert.deepEqual(notified(), ['a.xml: holds a secret (line 2) and can be read by everybody; run: chmod 600 a.xml']);
});
