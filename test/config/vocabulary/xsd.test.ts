import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { vocabulary } from '../../../src/config/vocabulary/vocabulary.ts';
import { schemaText } from '../../../build/reference/config-xsd.ts';
import { packageDir } from '../../../src/state-folder/paths.ts';
import { configFolder, faultsOf, nowMs } from '../support/config-files.ts';

const schema = path.join(packageDir, 'config.xsd');
const sample = path.join(packageDir, 'config.xml');
const hasXmllint = spawnSync('xmllint', ['--version']).status === 0;
const skip = hasXmllint || process.env['CI'] !== undefined ? false : 'needs xmllint (libxml2-utils)';

/** Returns the errors that xmllint reports for a file. Returns '' if there are none. */
function objections(file: string): string {
  const { status, stderr, error } = spawnSync('xmllint', ['--noout', '--schema', schema, file], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return status === 0 ? '' : stderr;
}

function written(text: string): string {
  return path.join(configFolder({ 'config.xml': text }), 'config.xml');
}

/** Returns the sample file with its examples moved out of comments. */
function examples(): string {
  return readFileSync(sample, 'utf8').replace(/<!--\s*(<(?!!)[\s\S]*?>)\s*-->/g, '$1');
}

test('config.xsd is the one that follows from the vocabulary', () => {
  assert.equal(readFileSync(schema, 'utf8'), schemaText(), 'run `npm run xsd`');
});

test('the sample is valid and loads without a fault, readable by all', { skip }, () => {
  assert.equal(objections(sample), '');
  const folder = configFolder({});
  const copy = path.join(folder, 'config.xml');
  writeFileSync(copy, readFileSync(sample), { mode: 0o644 });
  const config = loadConfig({ file: copy, nowMs });
  assert.equal(config.clients.length, 1);
  assert.equal(config.storage.kind, 'sqlite');
});

test("the sample's examples are valid, load, and show every element but those of one server alone", { skip }, () => {
  const text = examples();
  const file = written(text);
  assert.equal(objections(file), '');
  const config = loadConfig({ file, nowMs });
  assert.equal(config.clients.length, 84);
  const shown = Object.keys(vocabulary).filter((name) => text.includes(`<${name}`));
  const hidden = Object.keys(vocabulary).filter((name) => !shown.includes(name));
  assert.deepEqual(hidden, [
    'replies',
    'canary',
    'notify',
    'alertmanager',
    'heartbeat',
    'forward',
    'events',
    'option',
    'ping',
    'status',
    'push',
  ]);
});

/** Files that `check` accepts. The schema must accept them, too. */
const accepted: readonly string[] = [
  `<?xml version="1.0"?><config><client ip='127.0.0.1' port=' 22 ' username='u' password='p' mail="a@b">` +
    '<alert type="memory" limit="10 %"/></client></config>',
  '<config><client ip="10.0.0.1" state=" paused " until="2030-01-01 06:00" proxyJump="none" node="none" ' +
    'runtime="bring" mail="none"/></config>',
  '<config><collector every=" 1h30m " tcpTimeout="1s" concurrency="1"/>' +
    '<client transport="local" name="x" agent="env"/></config>',
  '<config><alerts mail="a@b" repeat="none" for="2x">' +
    '<alert metric="disk_used_percent" mount="/x" scope="network" limit="5%" clear="none"/>' +
    '<alert type="temperature" op="lt" limit="-5.5"/><alert type="uptime" limit="1d2h"/>' +
    '<alert type="disk" limit="5" free="1.5 TiB"/></alerts><client ip="10.0.0.1"/></config>',
  '<config xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="config.xsd">' +
    '<storage url="mysql://u@h/d" tls="verify" migrate="no"/><client ip="10.0.0.1"/></config>',
  '<config><notify command="x" severity="warning" timeout="5s"/><heartbeat url="https://x/"/>' +
    '<client ip="10.0.0.1"/></config>',
];

for (const text of accepted) {
  test(`both take ${text.slice(0, 90)}`, { skip }, () => {
    const file = written(text);
    assert.deepEqual(
      faultsOf(() => loadConfig({ file, nowMs }), ''),
      [],
    );
    assert.equal(objections(file), '');
  });
}

/** Mistakes that an editor reports immediately with the schema. */
const refused: readonly string[] = [
  '<fleet/>',
  '<client ip="10.0.0.1"/>',
  '<config><clinet/></config>',
  '<config><client ip="10.0.0.1" prot="22"/></config>',
  '<config><client ip="10.0.0.1" port="70000"/></config>',
  '<config><client ip="10.0.0.1" state="pause"/></config>',
  '<config><collector every="5 minutes"/></config>',
  '<config><collector every=""/></config>',
  '<config><alerts><mail/></alerts></config>',
  '<config><alerts><alert type="dsik"/></alerts></config>',
  '<config><client ip="x"><client ip="y"/></client></config>',
  '<config>text</config>',
];

for (const text of refused) {
  test(`both refuse ${text}`, { skip }, () => {
    const file = written(text);
    assert.notDeepEqual(
      faultsOf(() => loadConfig({ file, nowMs }), ''),
      [],
    );
    assert.match(objections(file), /Schemas validity error/);
  });
}

test('the root of an included file may hold what stands in groups and alerts', { skip }, () => {
  assert.equal(
    objections(written('<config><alert type="cpu" limit="5%"/><mail to="a@b"/><client ip="x"/></config>')),
    '',
  );
});
