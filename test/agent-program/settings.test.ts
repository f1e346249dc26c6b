/** agent.json and agent.d/: accepted content, and refusals that name file, key and remedy. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { readSettings } from '../../src/agent-program/settings.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Writes agent.json and files of agent.d/. Returns the folder. */
function made(t: TestContext, content: string, beside: Readonly<Record<string, string>> = {}): string {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, 'agent.json'), content, { mode: 0o600 });
  mkdirSync(path.join(dir, 'agent.d'), { mode: 0o700 });
  for (const [name, text] of Object.entries(beside)) {
    writeFileSync(path.join(dir, 'agent.d', name), text, { mode: 0o600 });
  }
  return dir;
}

function read(dir: string) {
  return readSettings(path.join(dir, 'agent.json'));
}

test('files of agent.d/ join the objects of agent.json, and other names are left alone', (t) => {
  const dir = made(t, '{"client": "web-1", "report": {"every": "30s"}}', {
    '10-form.json': '{"report": {"format": "pattoo"}}',
    '20-options.json': '{"options": {"units": ["nginx.service"]}}',
    'notes.txt': 'no settings',
    '.hidden.json': '{"client": "other"}',
  });
  const { client, report, options, logDirectory } = read(dir);
  assert.deepEqual(
    { client, report, options, logDirectory },
    {
      client: 'web-1',
      report: { everyMs: 30_000, format: 'pattoo', file: null },
      options: { units: ['nginx.service'] },
      logDirectory: null,
    },
  );
});

const twice: readonly { readonly first: string; readonly second: string; readonly key: string }[] = [
  { first: '{"client": "a"}', second: '{"client": "a"}', key: 'client' },
  { first: '{"report": {"every": "30s"}}', second: '{"report": {"every": "30s"}}', key: 'report.every' },
  { first: '{"report": {"every": "30s"}}', second: '{"report": "30s"}', key: 'report' },
];

for (const { first, second, key } of twice) {
  test(`the key ${key} in two files is a fault that names both: ${second}`, (t) => {
    const dir = made(t, first, { 'more.json': second });
    assert.throws(
      () => read(dir),
      (thrown) => {
        assert.ok(thrown instanceof FleetError);
        assert.equal(thrown.code, 'config-invalid');
        for (const part of [`${dir}/agent.json`, `${dir}/agent.d/more.json`, `"${key}"`]) {
          assert.ok(thrown.message.includes(part), thrown.message);
        }
        return true;
      },
    );
  });
}

const faults: readonly (readonly [content: string, says: RegExp])[] = [
  ['{"clint": "a"}', /agent\.json: "clint" is not known; did you mean "client"\?/],
  ['{"report": {"evry": "30s"}}', /"report\.evry" is not known; did you mean "every"/],
  ['{"report": {"every": "9s"}}', /"report\.every" must be from 10s to/],
  ['{"report": {"every": 30}}', /"report\.every" must be a duration/],
  ['{"report": {"format": "xml"}}', /"report\.format" must be one of json, daemon-report, pattoo/],
  ['{"report": []}', /"report" must be an object/],
  ['{"log_directory": "logs"}', /"log_directory" must be an absolute path/],
  ['{"options": {"units": ["a", 1]}}', /"options\.units" must be a list/],
  ['{"client": ""}', /"client" must be a text/],
  ['{"report": {"file": null}}', /"report\.file" must be an absolute path/],
  ['{"pattoo": {}}', /"pattoo\.to" is missing/],
  ['{"pattoo": {"to": "https://u:s3cr3t@h/"}}', /"pattoo\.to" must be a URL of https or http without a login$/],
  [`{"collector": "${'a'.repeat(36)}", "publicKey": "s3cr3t"}`, /"publicKey" must be a key of 32 bytes in base64url$/],
  ['{"push": {"to": "ssh://h"}}', /"collector" is missing/],
  ['{"push": {"to": "ftp://h"}}', /"push\.to" must be a URL of https, http or ssh/],
  ['{"checks": [{"name": "a", "command": ["/x"]}, {"name": "b"}]}', /"checks\[1\]\.command" is missing/],
  ['{"checks": [{"name": "a", "command": ["/x"], "format": 7}]}', /"checks\[0\]\.format" must be one of nagios/],
  ['{"edge": {"rules": [{"type": "cpu", "limit": "9%"}], "heartbeat": "1s"}}', /"edge\.heartbeat" must be from 60s/],
  ['[1]', /must hold one JSON object/],
  [`{"client": "${'x'.repeat(300_000)}"}`, /is larger than/],
];

for (const [content, says] of faults) {
  test(`${content.slice(0, 40)} is refused`, (t) => {
    const dir = made(t, content);
    assert.throws(() => read(dir), says);
  });
}

test('a fault of the text does not quote it: it may hold a key', (t) => {
  const dir = made(t, '{"client": "a",\n "pushKey": s3cr3t}');
  assert.throws(
    () => read(dir),
    (thrown) => thrown instanceof FleetError && !/s3cr3t/.test(thrown.message) && /is not JSON/.test(thrown.message),
  );
});

for (const [name, mode] of [
  ['agent.json', 0o620],
  ['agent.d', 0o770],
  ['agent.d/more.json', 0o602],
] as const) {
  test(`${name} that others can write (${mode.toString(8)}) is refused with the command that mends it`, (t) => {
    const dir = made(t, '{}', { 'more.json': '{}' });
    chmodSync(path.join(dir, name), mode);
    assert.throws(() => read(dir), { code: 'config-permissions', advice: `chmod go-w ${path.join(dir, name)}` });
  });
}

for (const name of ['agent.json', 'agent.d', 'agent.d/more.json']) {
  const skip = process.geteuid?.() === 0 ? false : 'only root gives files away';
  test(`${name} of another account is refused, by root too`, { skip }, (t) => {
    const dir = made(t, '{}', { 'more.json': '{}' });
    chownSync(path.join(dir, name), 65_534, 0);
    assert.throws(() => read(dir), { code: 'config-permissions', message: /belongs to another account \(uid 65534\)/ });
  });
}

test('a file with a pushKey that everybody can read is refused; its group may read it', (t) => {
  const dir = made(t, '{}', { 'push.json': '{"pushKey": "s3cr3t"}' });
  const file = path.join(dir, 'agent.d', 'push.json');
  chmodSync(path.join(dir, 'agent.json'), 0o644);
  chmodSync(file, 0o644);
  assert.throws(() => read(dir), { code: 'config-permissions', advice: `chmod o= ${file}` });
  chmodSync(file, 0o640);
  read(dir);
});

test('a named file that is missing, or is a folder, is a fault', (t) => {
  const dir = tempFolder(t);
  assert.throws(() => read(dir), { code: 'config-missing' });
  assert.throws(() => readSettings(dir), /is no regular file/);
});

test('faults of an edge rule are reported in the words of JSON', (t) => {
  const file = path.join(tempFolder(t), 'agent.json');
  const fault = (rule: object): string => {
    writeFileSync(file, JSON.stringify({ edge: { rules: [rule] } }), { mode: 0o600 });
    try {
      readSettings(file);
      return '';
    } catch (thrown) {
      return String(thrown);
    }
  };
  const [limit, none] = [fault({ type: 'disk', limit: '9x' }), fault({ type: 'disk' })];
  assert.match(limit, /cannot hold: "limit": "9x" does not fit/);
  assert.match(none, /lacks a limit; write "limit": "\.\.\."/);
  for (const text of [limit, none]) assert.doesNotMatch(text, /<alert>|="/);
});
