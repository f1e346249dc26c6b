/**
 * Sealed files that were changed, truncated or exchanged, or that are not regular files. No link is followed, and no
 * read blocks.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { createClientNames } from '../../src/collector/sealed-reports/client-names.ts';
import { countSealedTo } from '../../src/collector/keys/retire-key.ts';
import { documentsOf } from '../../src/collector/inbox/origins.ts';
import { storeDocuments, type DocumentStores } from '../../src/collector/inbox/store-documents.ts';
import { loadKeyRing, rotateKeys } from '../../src/collector/keys/key-ring.ts';
import { defaultBounds, Quarantine } from '../../src/collector/sealed-reports/quarantine.ts';
import { openingIntake, sealedIntake } from '../../src/collector/ingest/intake.ts';
import { asRejected, type ReportRejected } from '../../src/collector/ingest/rejections.ts';
import { describeMissingKey } from '../../src/collector/keys/retired-keys.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { generateKeyPair, privateKeysOf } from '../../src/report/seal/key-pair.ts';
import { makeClient, makeConfig, makeFleet } from '../support/fleets/fleet.ts';
import { scriptedAgent } from '../support/clients/scripted-agents.ts';
import { sealedSample, type SealedSample } from '../support/clients/sealed-report.ts';
import { readHeader } from '../../src/report/seal/sealed-message.ts';

function freshFleet() {
  const fleet = makeFleet();
  return { fleet, paths: statePaths(fleet.stateDir) };
}

const key = generateKeyPair();
const owner = createClientNames([makeClient('web-1')]).ownerOf('web-1');
const arrival = { receivedAtMs: Date.now(), clock: null };
const intakes = {
  opening: openingIntake({ keys: privateKeysOf([key]), retentionMs: 86_400_000, observe: () => undefined }),
  sealed: sealedIntake({ runId: 'run' }),
};

function rejected(kind: keyof typeof intakes, bytes: Buffer, what: string): ReportRejected | null {
  try {
    intakes[kind].admit({ sealed: bytes, message: readHeader(bytes), owner, ...arrival });
    return null;
  } catch (thrown) {
    const { code, message } = asRejected(thrown);
    assert.ok(message.length > 5, `${what}: ${code} without a reason`);
    return asRejected(thrown);
  }
}

test('without the key what the header says is looked at, and the rest is for whoever has it', () => {
  const { sealed } = sealedSample({ key, inside: { worker_reports: [] } });
  const other = sealedSample({ key, inside: { client: 'web-2' } });
  assert.equal(rejected('sealed', other.sealed, 'of another client')?.code, 'report-foreign');
  assert.equal(rejected('opening', other.sealed, 'of another client')?.code, 'report-foreign');
  assert.equal(rejected('sealed', sealed, 'as it came'), null);
  const magic = Buffer.from(sealed).fill('x', 0, 4);
  assert.equal(rejected('sealed', magic, 'of another kind')?.code, 'seal-corrupt');
});

const kinds: Readonly<Record<string, (file: string) => void>> = {
  'a link to a file': (file) => fs.symlinkSync('/etc/passwd', file),
  'a link to a folder': (file) => fs.symlinkSync('/etc', file),
  'a link to nothing': (file) => fs.symlinkSync('/nowhere/at/all', file),
  'a link to itself': (file) => fs.symlinkSync(file, file),
  'a folder with something in it': (file) => {
    fs.mkdirSync(file);
    fs.writeFileSync(path.join(file, 'kept'), 'by somebody');
  },
  'a pipe': (file) => void execFileSync('mkfifo', [file]),
  'a file of 4 GiB': (file) => {
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 4 * 2 ** 30);
  },
  'a name that is no UTF-8': (file) => fs.writeFileSync(unreadable(file), 'x'),
  'a name that is no plain word': (file) =>
    fs.writeFileSync(path.join(path.dirname(file), `\u001b[31m\n${path.basename(file)}`), 'x'),
};

function unreadable(file: string): Buffer {
  return Buffer.from(path.join(path.dirname(file), `\xff\xfe${path.basename(file)}`), 'latin1');
}

suite('what is no sealed file', () => {
  const { fleet, paths } = freshFleet();
  const agent = scriptedAgent('web-1');
  const folder = path.join(paths.encryptedStats, 'web-1');
  const quarantine = path.join(folder, 'quarantine');
  const documents = documentsOf(paths, { kind: 'collector' });
  for (const dir of [quarantine, documents]) fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const old = loadKeyRing(paths, Date.now()).sealing;
  rotateKeys(paths, Date.now());
  const pass = () => fleet.collect([makeClient('web-1')], { transportFor: () => agent.transport });

  const put = ({ reportId, sealed }: SealedSample): void =>
    fs.writeFileSync(path.join(folder, `${reportId}.fhs`), sealed);
  /** Makes each kind in each place where a file of the spool may lie. */
  const putAll = (): void => {
    let number = 0;
    for (const [what, make] of Object.entries(kinds)) {
      number += 1;
      const name = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      make(path.join(folder, `${name}.fhs`));
      for (const place of ['.part', '.json', 'notes']) make(path.join(folder, `${name}${place}`));
      // A file of 4 GiB would exceed the bounds of the quarantine by itself.
      if (what === 'a file of 4 GiB') continue;
      for (const place of ['.fhs', '.json']) make(path.join(quarantine, `1${name.slice(1)}${place}`));
    }
    for (const what of ['a folder with something in it', 'a name that is no UTF-8', 'a name that is no plain word']) {
      number += 1;
      kinds[what]?.(path.join(documents, `2026-${number}.json`));
    }
  };

  test('goes to quarantine with its reason, and stops nothing', async () => {
    put(sealedSample({ key }));
    put(sealedSample({ key: old, inside: { client: 'web-2' } }));
    putAll();
    const { exitStatus, faults, reports } = await pass();
    assert.equal(exitStatus, 1);
    assert.deepEqual(faults, []);
    assert.equal(reports.waiting, 0);
    const notified = fleet.events.flatMap((event) =>
      event.kind === 'quarantined' ? [`${event.code}: ${event.message}`] : [],
    );
    assert.equal(notified.length, Object.keys(kinds).length + 2, notified.join('\n'));
    for (const { text, times } of [
      { text: 'seal-corrupt: no regular file', times: 6 },
      { text: 'seal-corrupt: not a sealed report', times: 2 },
      { text: 'report-too-large: a sealed report of 4294967296 bytes', times: 1 },
      { text: `seal-no-key: it is sealed to key ${key.id}, which is not live here`, times: 1 },
      { text: 'report-foreign: it is sealed as a report of web-2', times: 1 },
    ]) {
      assert.equal(notified.filter((one) => one.startsWith(text)).length, times, text);
    }
  });

  test('is there as it was, once, after a second run', async () => {
    const { exitStatus, faults, reports } = await pass();
    assert.equal(exitStatus, 0);
    assert.deepEqual(faults, []);
    assert.equal(reports.quarantined, 0);
    const kept = fs.readdirSync(quarantine).filter((name) => name.startsWith('00000000'));
    const keptAs = (ending: string): number => kept.filter((name) => name.endsWith(ending)).length;
    assert.equal(keptAs('.fhs'), keptAs('.json'));
    assert.ok(fs.lstatSync(path.join(quarantine, '00000000-0000-4000-8000-000000000001.fhs')).isSymbolicLink());
    assert.ok(fs.readFileSync('/etc/passwd', 'utf8').startsWith('root:'));
    assert.deepEqual(countSealedTo(paths.encryptedStats, old.id, new Set()), { waiting: 0, quarantined: 1 });
  });
});

test('beyond the bounds the line of reasons is written to a file of our own alone', () => {
  for (const what of ['a link to a file', 'a link to nothing', 'a pipe', 'a folder with something in it']) {
    const { paths } = freshFleet();
    const folder = path.join(paths.encryptedStats, 'web-1');
    const place = path.join(folder, 'quarantine');
    fs.mkdirSync(place, { recursive: true, mode: 0o700 });
    kinds[what]?.(path.join(place, 'dropped.jsonl'));
    const file = path.join(folder, 'x.fhs');
    fs.writeFileSync(file, 'x');
    const bounds = { ...defaultBounds, filesPerClient: 0 };
    const quarantine = new Quarantine({
      places: [place],
      setAside: '/nowhere',
      bounds,
      nowMs: Date.now(),
      keepMs: 1e9,
    });
    const reason = { code: 'seal-corrupt', message: 'changed', atMs: Date.now() } as const;
    const report = { client: 'web-1', file, origin: null, receivedAtMs: 0, clock: null, bytes: 4096 };
    assert.throws(() => quarantine.add(report, 'web-1', reason), { code: /ELOOP|ENXIO|EISDIR/ }, what);
    assert.ok(fs.existsSync(file), `${what}: it stays where it is`);
    assert.equal(fs.existsSync('/nowhere'), false);
  }
});

test('what is said of a retired key is read from files alone', () => {
  for (const [what, make] of Object.entries(kinds)) {
    const { paths } = freshFleet();
    fs.mkdirSync(paths.retiredKeys, { recursive: true });
    make(path.join(paths.retiredKeys, `${key.id}.json`));
    assert.match(describeMissingKey(paths, key.id).clause, /which is not live here/, what);
  }
});

test('a document is a file', async () => {
  for (const [what, make] of Object.entries(kinds)) {
    const { paths } = freshFleet();
    for (const origin of [{ kind: 'collector' }, { kind: 'events' }, { kind: 'site', site: 'fra' }] as const) {
      const folder = documentsOf(paths, origin);
      fs.mkdirSync(folder, { recursive: true });
      make(path.join(folder, '2026.json'));
    }
    const config = makeConfig(paths.dir, []);
    const stored = await storeDocuments({ paths, stores: {} as DocumentStores, config, nowMs: Date.now() });
    const { runs, visits, left } = stored;
    assert.deepEqual([runs, visits, left], [0, 0, 0], what);
  }
});
