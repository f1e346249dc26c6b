/** The reasons for which a key is kept, with their advice, and what is said of a key that is gone. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { generateKey, loadKeyRing, loadSealingRing, rotateKeys } from '../../../src/collector/keys/key-ring.ts';
import { addPublicKey } from '../../../src/collector/keys/public-keys.ts';
import { countSealedTo, retireKey, type RetireKeyOptions } from '../../../src/collector/keys/retire-key.ts';
import { describeMissingKey } from '../../../src/collector/keys/retired-keys.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { generateKeyPair, type KeyPair } from '../../../src/report/seal/key-pair.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
const nowMs = Date.UTC(2026, 10, 20, 10);
let places = 0;

/** Makes two keys, of which the older one is to be retired, and puts reports that are sealed to it into folders. */
function makeKeys(folders: readonly string[], others: readonly string[] = []) {
  const paths = statePaths(path.join(root, String(places++)));
  const old: KeyPair = loadKeyRing(paths, nowMs).sealing;
  const newer = rotateKeys(paths, nowMs);
  const put = (folder: string, key: KeyPair, ending = 'fhs'): void => {
    const dir = path.join(paths.dir, folder);
    fs.mkdirSync(dir, { recursive: true });
    const { sealed, reportId } = sealedSample({ key });
    fs.writeFileSync(path.join(dir, `${reportId}.1.-.-.-.${ending}`), sealed);
  };
  for (const folder of folders) put(folder, old);
  for (const folder of others) {
    put(folder, loadKeyRing(paths, nowMs).sealing);
    put(folder, old, 'part');
  }
  const retire = (more: Partial<RetireKeyOptions> = {}) =>
    retireKey({
      ...{ paths, id: old.id, opens: true, use: null, clients: [], except: [], force: false },
      ...{ nowMs: nowMs + 60_000, ...more },
    });
  return { paths, old, newer, retire };
}

const givenUp = '--force gives these reports up.';
for (const [what, folders, reason, advice] of [
  [
    'a report waits',
    ['encrypted_stats/a'],
    /^1 report waits in \S+ that only key/,
    'Run `fleet-health collect` first.',
  ],
  ['two reports wait', ['encrypted_stats/a', 'encrypted_stats/b'], /^2 reports wait in \S+ that/, 'Run `fleet-health'],
  ['a report is kept', ['stored/run'], /^1 report that has become rows in \S+, in case the/, 'They go once <collector'],
  ['two are kept', ['stored/a', 'stored/b/c'], /^2 reports that have become rows in \S+, .*, need key/, 'They go once'],
  ['one is in quarantine', ['encrypted_stats/a/quarantine'], /^1 report in quarantine is sealed to/, 'Look at them'],
] as const) {
  test(`a key is kept while ${what}, and what to do is said; of other keys' reports nothing is`, () => {
    const { old, retire, paths } = makeKeys(folders, [
      'encrypted_stats/a',
      'encrypted_stats/a/quarantine',
      'stored/run',
    ]);
    assert.throws(retire, ({ code, stage, message, advice: says }: Record<string, string>) => {
      assert.deepEqual([code, stage], ['key-in-use', 'keys']);
      assert.match(message ?? '', reason);
      assert.match(message ?? '', new RegExp(`key ${old.id}`));
      assert.ok(!(message ?? '').includes(';'), 'one reason alone');
      assert.ok(says?.startsWith(advice) && says.endsWith(` ${givenUp}`), says);
      return true;
    });
    assert.equal(fs.existsSync(path.join(paths.retiredKeys, `${old.id}.json`)), false);
    assert.equal(retire({ force: true }).id, old.id);
  });
}

test('all reasons are said at once, each with its advice', () => {
  const { retire } = makeKeys(['encrypted_stats/a', 'stored/run', 'encrypted_stats/b/quarantine']);
  assert.throws(retire, {
    message: /^1 report waits .*; 1 report that has become rows .*; 1 report in quarantine is sealed to key \w+$/,
    advice: /^Run `fleet-health collect` first\. They go once .* Look at them .* --force gives these reports up\.$/,
  });
});

test('a key that is retired has a record for its owner alone, and both halves are gone', () => {
  const { paths, old, newer, retire } = makeKeys([]);
  retire();
  const record = path.join(paths.retiredKeys, `${old.id}.json`);
  assert.equal(fs.statSync(record).mode & 0o777, 0o600);
  const { public_key: pem, ...facts } = JSON.parse(fs.readFileSync(record, 'utf8')) as Record<string, string>;
  assert.match(pem ?? '', /^-----BEGIN PUBLIC KEY-----/);
  const [made_at, retired_at] = ['2026-11-20T10:00:00.000Z', '2026-11-20T10:01:00.000Z'];
  assert.deepEqual(facts, { key: old.id, made_at, retired_at, file: `20261120T100000Z-${old.id}.pem` });
  for (const dir of [paths.keys, paths.publicKeys]) assert.deepEqual(fs.readdirSync(dir), [path.basename(newer.file)]);
});

test('links and folders in the place of reports are not counted', () => {
  const { paths, old } = makeKeys(['encrypted_stats/a']);
  const dir = path.join(paths.encryptedStats, 'a');
  fs.symlinkSync(path.join(dir, fs.readdirSync(dir)[0] ?? ''), path.join(dir, 'link.fhs'));
  fs.mkdirSync(path.join(dir, 'folder.fhs'));
  fs.writeFileSync(path.join(dir, 'quarantine'), '');
  const none = new Set<string>();
  assert.deepEqual(countSealedTo(paths.encryptedStats, old.id, none), { waiting: 1, quarantined: 0 });
  assert.deepEqual(countSealedTo(path.join(paths.dir, 'none'), old.id, none), { waiting: 0, quarantined: 0 });
});

test('of a key that is not here its public half, or nothing, is known', () => {
  const paths = statePaths(path.join(root, String(places++)));
  const [known, unknown] = [generateKeyPair(), generateKeyPair()];
  addPublicKey(paths, known.publicKey, nowMs);
  const file = path.join(paths.keys, `20261120T100000Z-${known.id}.pem`);
  assert.deepEqual(describeMissingKey(paths, known.id), {
    clause: `key ${known.id}, whose private half is not in ${paths.keys}`,
    advice: `To open it put ${file} there, from where it was made or from a backup.`,
  });
  const { clause, advice } = describeMissingKey(paths, unknown.id);
  assert.equal(clause, `key ${unknown.id}, which is not live here`);
  assert.ok(advice.startsWith(`To open it put that key's file into ${paths.keys}, from where it was made`), advice);
  assert.match(advice, /line in authorized_keys was made by `authorize` on another collector/);
  const { advice: sealing } = loadSealingRing(paths, nowMs).known.describeMissing(unknown.id);
  assert.match(
    sealing,
    /^Run `fleet-health keys import-public FILE` with its public half, from the machine that opens/,
  );
});

for (const [what, damage] of [
  ['names another key', (text: string) => text.replace(/"key": "\w/, '"key": "x')],
  ['is no JSON', (text: string) => text.slice(1)],
  ['has a time that is none', (text: string) => text.replace('2026-11-20T10:01', 'now')],
  ['is larger than 16 KiB', (text: string) => text.padEnd(16 * 1024 + 1)],
] as const) {
  test(`a record of a retired key that ${what} adds nothing to the message`, () => {
    const { paths, old, retire } = makeKeys([]);
    retire();
    const record = path.join(paths.retiredKeys, `${old.id}.json`);
    const text = fs.readFileSync(record, 'utf8');
    assert.match(describeMissingKey(paths, old.id).clause, /retired here at 2026-11-20 10:01 UTC$/);
    fs.writeFileSync(record, text.padEnd(16 * 1024));
    assert.match(describeMissingKey(paths, old.id).clause, /retired here at/);
    fs.writeFileSync(record, damage(text));
    assert.equal(describeMissingKey(paths, old.id).clause, `key ${old.id}, which is not live here`);
  });
}

test('a link in the place of a record is not read', () => {
  const { paths, old, retire } = makeKeys([]);
  retire();
  const record = path.join(paths.retiredKeys, `${old.id}.json`);
  fs.renameSync(record, path.join(paths.dir, 'elsewhere.json'));
  fs.symlinkSync(path.join(paths.dir, 'elsewhere.json'), record);
  assert.equal(describeMissingKey(paths, old.id).clause, `key ${old.id}, which is not live here`);
});

test('only the key that reports are sealed to, and one that is not here, cannot be retired at all', () => {
  const { newer, retire } = makeKeys([]);
  const advice = 'Run `fleet-health keys rotate` first.';
  const seals = { code: 'keys-invalid', message: `key ${newer.id} is the one that seals`, advice };
  assert.throws(() => retire({ id: newer.id, force: true }), seals);
  assert.throws(() => retire({ id: '0123456789abcdef', force: true }), {
    ...{ code: 'keys-invalid', message: /^there is no key 0123456789abcdef in / },
  });
  const one = statePaths(path.join(root, String(places++)));
  const { seals: isSealing, opens, createdAtMs } = generateKey(one, nowMs);
  assert.deepEqual([isSealing, opens, createdAtMs], [true, true, nowMs]);
});
