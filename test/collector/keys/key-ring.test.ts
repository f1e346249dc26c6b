import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadCollectorId } from '../../../src/state-folder/collector-id.ts';
import { generateKey, listKeys, loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { loadSealingRing, rotateKeys } from '../../../src/collector/keys/key-ring.ts';
import { importPublicKey } from '../../../src/collector/keys/public-keys.ts';
import { retireKey as retire, type RetireKeyOptions } from '../../../src/collector/keys/retire-key.ts';
import { describeMissingKey } from '../../../src/collector/keys/retired-keys.ts';
import { defaultBounds, Quarantine } from '../../../src/collector/sealed-reports/quarantine.ts';
import { openSealedSpool } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { generateKeyPair, privateKeyToPem } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import type { KeyUse } from '../../../src/storage/store/sealed-store.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
let places = 0;
const freshPaths = () => statePaths(path.join(root, String(places++)));
const now = Date.UTC(2026, 10, 20, 10);
type Paths = ReturnType<typeof freshPaths>;
const retireKey = (paths: Paths, id: string, more: Partial<RetireKeyOptions> = {}) =>
  retire({ paths, id, opens: true, use: null, clients: [], except: [], force: false, nowMs: now + 60_000, ...more });

test('the first use makes a pair, the second finds it', () => {
  const paths = freshPaths();
  const first = loadKeyRing(paths, now);
  assert.equal(first.made, true);
  const second = loadKeyRing(paths, now + 1000);
  assert.equal(second.made, false);
  assert.equal(second.sealing.id, first.sealing.id);
  const [name = ''] = fs.readdirSync(paths.keys);
  assert.equal(name, `20261120T100000Z-${first.sealing.id}.pem`);
  assert.equal(fs.statSync(path.join(paths.keys, name)).mode & 0o777, 0o600);
  assert.equal(fs.statSync(paths.keys).mode & 0o777, 0o700);
  assert.match(fs.readFileSync(path.join(paths.publicKeys, name), 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
  assert.deepEqual(fs.readdirSync(paths.keys), [name]);
});

test('after a rotation the new pair seals and both open, even when the clock went back', () => {
  const paths = freshPaths();
  const old = loadKeyRing(paths, now).sealing;
  const made = rotateKeys(paths, now - 86_400_000);
  const ring = loadKeyRing(paths, now);
  assert.equal(ring.sealing.id, made.id);
  assert.notEqual(made.id, old.id);
  for (const key of [old, ring.sealing]) {
    const { sealed } = sealedSample({ key, plaintext: Buffer.from('{}') });
    assert.equal(openReport(sealed, ring.opening).plaintext.toString(), '{}');
  }
  const listed = listKeys(paths).map(({ id, seals }) => `${id} ${seals}`);
  assert.deepEqual(listed, [`${old.id} false`, `${made.id} true`]);
});

test('a retired pair is gone from both folders, and the sealing one cannot be retired', () => {
  const paths = freshPaths();
  const old = generateKey(paths, now);
  const made = rotateKeys(paths, now);
  assert.throws(() => retireKey(paths, made.id), { code: 'keys-invalid', message: /is the one that seals/ });
  assert.throws(() => retireKey(paths, '0123456789abcdef'), { code: 'keys-invalid' });
  assert.equal(retireKey(paths, old.id).id, old.id);
  assert.deepEqual([...loadKeyRing(paths, now).opening.keys()], [made.id]);
  assert.equal(fs.readdirSync(paths.publicKeys).length, 1);
  const { clause, advice } = describeMissingKey(paths, old.id);
  const times = 'which was made at 2026-11-20 10:00 UTC and retired here at 2026-11-20 10:01 UTC';
  assert.equal(clause, `key ${old.id}, ${times}`);
  assert.equal(advice, `To open it put ${old.file} back from a backup.`);
});

test('a pair that alone opens what waits here cannot be retired', async () => {
  const paths = freshPaths();
  const old = loadKeyRing(paths, now).sealing;
  rotateKeys(paths, now);
  const { sealed, reportId } = sealedSample({ key: old });
  const spool = openSealedSpool(paths.encryptedStats);
  const waiting = await spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: now, clock: null });
  const refused = { code: 'key-in-use', message: /^1 report waits in /, advice: /collect/ };
  assert.throws(() => retireKey(paths, old.id), refused);
  const quarantine = new Quarantine({
    places: [],
    setAside: '/nowhere',
    bounds: defaultBounds,
    nowMs: now,
    keepMs: 1e9,
  });
  quarantine.add(waiting, 'web-1', { code: 'report-refused', message: '', atMs: now });
  assert.throws(() => retireKey(paths, old.id), { code: 'key-in-use', message: /^1 report in quarantine/ });
  fs.rmSync(paths.encryptedStats, { recursive: true });
  assert.equal(retireKey(paths, old.id).id, old.id);
});

type Sealing = Readonly<Record<string, readonly string[] | null>>;
const usedBy = (clients: Sealing) => ({ waiting: 0, clients: new Map(Object.entries(clients)) });

const holders: readonly {
  readonly what: string;
  readonly use: RetireKeyOptions['use'];
  readonly expected: RegExp | null;
}[] = [
  { what: 'no database yet', use: null, expected: null },
  { what: 'nobody was ever visited', use: usedBy({}), expected: null },
  { what: 'all were visited since', use: usedBy({ a: ['new'], b: ['new'] }), expected: null },
  { what: 'one was not', use: usedBy({ a: ['old'], b: ['new'] }), expected: /^a may hold reports/ },
  { what: 'a restricted key seals to it beside', use: usedBy({ b: ['new', 'old'] }), expected: /^b may hold/ },
  { what: 'of one it is not known', use: usedBy({ a: null }), expected: /^a may hold/ },
  { what: 'one was renamed meanwhile', use: usedBy({ 'was-a': ['old'] }), expected: /^a may hold/ },
  { what: 'one that is retired', use: usedBy({ gone: ['old'] }), expected: null },
  { what: 'one that left config.xml', use: usedBy({ z: ['old'] }), expected: null },
  {
    what: 'sealed reports wait in the database',
    use: { ...usedBy({}), waiting: 2 },
    expected: /^2 reports wait in the database/,
  },
  {
    what: 'the database is away',
    use: new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'connect ECONNREFUSED' }),
    expected: /^the database cannot be asked what waits for key \w+ \(connect ECONNREFUSED\)$/,
  },
];
for (const { what, use, expected } of holders) {
  test(`retire when ${what}: ${expected === null ? 'it goes' : 'refused, unless forced'}`, () => {
    const paths = freshPaths();
    const old = generateKey(paths, now).id;
    rotateKeys(paths, now);
    const isUse = use !== null && !(use instanceof FleetError);
    const clientsOf = ({ clients }: KeyUse) =>
      [...clients].map(([name, keys]) => [name, keys?.map((key) => (key === 'old' ? old : key)) ?? null] as const);
    const named = isUse ? { ...use, clients: new Map(clientsOf(use)) } : use;
    const clients = [
      { name: 'a', was: 'was-a', state: 'active' },
      { name: 'b', was: null, state: 'paused' },
      { name: 'gone', was: null, state: 'retired' },
    ] as const;
    if (expected !== null) {
      assert.throws(() => retireKey(paths, old, { use: named, clients }), {
        code: 'key-in-use',
        message: expected,
        advice: /--force gives these reports up\.$/,
      });
      assert.equal(listKeys(paths).length, 2);
    }
    assert.equal(retireKey(paths, old, { use: named, clients, force: expected !== null }).id, old);
    assert.equal(listKeys(paths).length, 1);
  });
}

test('a machine that opens nothing seals to the newest public key it was given, and makes none', () => {
  const [opener, collector] = [freshPaths(), freshPaths()];
  const missing = { code: 'keys-invalid', advice: /keys generate.*keys import-public/ };
  assert.throws(() => loadSealingRing(collector, now), missing);
  const first = generateKey(opener, now);
  const publicFile = (key: { readonly file: string }): string => path.join(opener.publicKeys, path.basename(key.file));
  importPublicKey(collector, publicFile(first), now);
  assert.equal(loadSealingRing(collector, now).sealing.id, first.id);
  const second = rotateKeys(opener, now);
  importPublicKey(collector, publicFile(second), now);
  importPublicKey(collector, publicFile(first), now + 5000);
  const ring = loadSealingRing(collector, now);
  assert.equal(ring.sealing.id, second.id);
  assert.equal(ring.opening, null);
  assert.equal(ring.known.has(first.id), true);
  assert.equal(ring.known.has('0123456789abcdef'), false);
  const listed = listKeys(collector, false).map(({ id, seals, opens }) => `${id} ${seals} ${opens}`);
  assert.deepEqual(listed, [`${first.id} false false`, `${second.id} true false`]);
  assert.match(describeMissingKey(collector, first.id).clause, /whose private half is not in/);
  assert.equal(fs.existsSync(collector.keys), false);
  assert.equal(retireKey(collector, first.id, { opens: false }).opens, false);
  assert.equal(loadSealingRing(collector, now).known.has(first.id), false);
  assert.match(describeMissingKey(collector, first.id).clause, /retired here/);
});

test('the machine that opens for another keeps a key until something came that is sealed to a newer one', () => {
  const paths = freshPaths();
  const old = generateKey(paths, now).id;
  const newer = rotateKeys(paths, now).id;
  const brought = (...keys: readonly string[]) => usedBy({ a: keys });
  for (const use of [null, brought(), brought('0123456789abcdef')]) {
    assert.throws(() => retireKey(paths, old, { opens: false, use }), {
      code: 'key-in-use',
      message: /^no report has come that is sealed to a newer key than/,
      advice: /^Run `fleet-health keys import-public FILE`/,
    });
  }
  assert.equal(retireKey(paths, old, { opens: false, use: brought(newer) }).id, old);
});

test('what is no public key, or is called otherwise than it is, is not imported', () => {
  const [opener, collector] = [freshPaths(), freshPaths()];
  const first = generateKey(opener, now);
  const second = rotateKeys(opener, now);
  const publicFile = path.join(opener.publicKeys, path.basename(first.file));
  const refused: readonly (readonly [string, RegExp])[] = [
    [first.file, /private key, which stays where it was made/],
    [path.join(root, 'nowhere.pem'), /nowhere\.pem cannot be used: it does not exist$/],
    [root, /no regular file/],
  ];
  for (const [file, message] of refused) {
    assert.throws(() => importPublicKey(collector, file, now), { code: 'keys-invalid', message });
  }
  const wrong = path.join(root, path.basename(second.file));
  fs.copyFileSync(publicFile, wrong);
  assert.throws(() => importPublicKey(collector, wrong, now), { code: 'keys-invalid', message: /another key/ });
  const nameless = path.join(root, 'fleet.pub');
  fs.copyFileSync(publicFile, nameless);
  assert.equal(path.basename(importPublicKey(collector, nameless, now).file), `20261120T100000Z-${first.id}.pem`);
  fs.copyFileSync(publicFile, path.join(collector.publicKeys, 'fleet.pem'));
  assert.throws(() => loadSealingRing(collector, now), { code: 'keys-invalid', message: /not named like a key/ });
  fs.rmSync(path.join(collector.publicKeys, 'fleet.pem'));
  fs.copyFileSync(publicFile, path.join(collector.publicKeys, path.basename(second.file)));
  assert.throws(() => loadSealingRing(collector, now), { code: 'keys-invalid', message: /another key/ });
});

test('a first pair is made once', () => {
  const paths = freshPaths();
  generateKey(paths, now);
  assert.throws(() => generateKey(paths, now), { code: 'keys-invalid', advice: /rotate/ });
});

type Damage = (files: { readonly privateFile: string; readonly publicFile: string; readonly keys: string }) => void;
const otherKey = privateKeyToPem(generateKeyPair());
const damages: readonly {
  readonly what: string;
  readonly damage: Damage;
  readonly expected: RegExp;
  readonly advice: RegExp;
}[] = [
  {
    what: 'a private key that others can read',
    damage: ({ privateFile }) => fs.chmodSync(privateFile, 0o640),
    expected: /can be used by other/,
    advice: /^Run chmod 600 '.+', and think of rotating\.$/,
  },
  {
    what: 'an empty private key',
    damage: ({ privateFile }) => fs.writeFileSync(privateFile, ''),
    expected: /not a private key/,
    advice: /^Put it back from a backup, or move it away and lose what is sealed to it\.$/,
  },
  {
    what: 'a cut private key',
    damage: ({ privateFile }) => fs.truncateSync(privateFile, 60),
    expected: /pem/,
    advice: /^Put it back from a backup/,
  },
  {
    what: 'a private key swapped for another',
    damage: ({ privateFile }) => fs.writeFileSync(privateFile, otherKey),
    expected: /another key/,
    advice: /^Put the right file back\.$/,
  },
  {
    what: 'a file of another name',
    damage: ({ keys }) => fs.writeFileSync(path.join(keys, 'id_ed25519'), ''),
    expected: /not named like a key/,
    advice: /^Move it out of the folder\.$/,
  },
  {
    what: 'a public copy that differs',
    damage: ({ publicFile }) => fs.writeFileSync(publicFile, 'x'),
    expected: /differs/,
    advice: /^Find out who changed it, then delete it\.$/,
  },
  {
    what: 'a folder in the place of a key',
    damage: ({ privateFile }) => {
      fs.rmSync(privateFile);
      fs.renameSync(path.dirname(path.dirname(privateFile)) + '/public_keys', privateFile);
    },
    expected: /no regular file/,
    advice: /^Move it out of the folder\.$/,
  },
];

for (const { what, damage, expected, advice } of damages) {
  test(`${what} is said, with what to do`, () => {
    const paths = freshPaths();
    loadKeyRing(paths, now);
    const [name = ''] = fs.readdirSync(paths.keys);
    const { keys, publicKeys } = paths;
    damage({ privateFile: path.join(keys, name), publicFile: path.join(publicKeys, name), keys });
    assert.throws(() => loadKeyRing(paths, now), { code: 'keys-invalid', stage: 'keys', message: expected, advice });
  });
}

test('a public copy that is missing is written again', () => {
  const paths = freshPaths();
  loadKeyRing(paths, now);
  fs.rmSync(paths.publicKeys, { recursive: true });
  loadKeyRing(paths, now);
  assert.equal(fs.readdirSync(paths.publicKeys).length, 1);
});

test('what a killed process left half written is no key', () => {
  const paths = freshPaths();
  loadKeyRing(paths, now);
  fs.writeFileSync(path.join(paths.keys, '.0123456789abcdef.part'), '-----BEGIN');
  assert.equal(loadKeyRing(paths, now).opening.size, 1);
});

test('keys in an unusable place are a fault of the state folder', () => {
  const paths = freshPaths();
  fs.writeFileSync(paths.dir, 'a file where the folder should be');
  assert.throws(() => loadKeyRing(paths, now), { code: 'state-unusable' });
});

test('the collector id is made once and damage to it is said', () => {
  const paths = freshPaths();
  const id = loadCollectorId(paths.collectorId);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(loadCollectorId(paths.collectorId), id);
  fs.writeFileSync(paths.collectorId, 'nothing');
  assert.throws(() => loadCollectorId(paths.collectorId), { code: 'state-unusable', message: /holds no id/ });
});

const days = 86_400_000;
const holding = (keyId: string) => usedBy({ a: [keyId], b: [keyId] });
const two = ['a', 'b'].map((name) => ({ name, was: null, state: 'active' as const }));

test('retire gives up the reports of the clients that are excepted, and of no other', () => {
  const paths = freshPaths();
  const old = generateKey(paths, now).id;
  rotateKeys(paths, now);
  const use = holding(old);
  assert.throws(() => retireKey(paths, old, { use, clients: two }), { code: 'key-in-use', message: /^a, b may hold/ });
  assert.throws(() => retireKey(paths, old, { use, clients: two, except: ['a'] }), {
    code: 'key-in-use',
    message: /^b may hold/,
    advice: /--except CLIENT/,
  });
  assert.equal(retireKey(paths, old, { use, clients: two, except: ['a', 'b'] }).id, old);
});

test('retire counts no quarantine of a client that is excepted', async () => {
  const paths = freshPaths();
  const old = loadKeyRing(paths, now).sealing;
  rotateKeys(paths, now);
  const spool = openSealedSpool(paths.encryptedStats);
  for (const client of ['a', 'b']) {
    const { sealed, reportId } = sealedSample({ key: old });
    const waiting = await spool.add({ client, reportId, sealed, receivedAtMs: now, clock: null });
    const quarantine = new Quarantine({
      places: [],
      setAside: '/nowhere',
      bounds: defaultBounds,
      nowMs: now,
      keepMs: 1e9,
    });
    quarantine.add(waiting, client, { code: 'report-refused', message: '', atMs: now });
  }
  assert.throws(() => retireKey(paths, old.id), { message: /^2 reports in quarantine/ });
  assert.throws(() => retireKey(paths, old.id, { except: ['a'] }), { message: /^1 report in quarantine/ });
  assert.equal(retireKey(paths, old.id, { except: ['a', 'b'] }).id, old.id);
});

test('a key that was replaced 90 days ago takes no reports any more, and no client holds it back', () => {
  const paths = freshPaths();
  const old = generateKey(paths, now).id;
  const newer = rotateKeys(paths, now).id;
  const use = holding(old);
  const [soon, late] = [now + 90 * days, now + 90 * days + 60_000];
  for (const load of [loadKeyRing, loadSealingRing]) {
    assert.equal(load(paths, soon).known.has(old), true);
    const { known } = load(paths, late);
    assert.deepEqual([known.has(old), known.has(newer)], [false, true]);
    const { clause, advice } = known.describeMissing(old);
    assert.match(clause, /^key \w+, which was replaced on 2026-11-20, more than 90 days ago$/);
    assert.match(advice, /authorize CLIENT --script/);
  }
  assert.throws(() => retireKey(paths, old, { use, clients: two, nowMs: soon }), { code: 'key-in-use' });
  assert.equal(retireKey(paths, old, { use, clients: two, nowMs: late }).id, old);
});
