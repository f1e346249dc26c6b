/** The reports in quarantine, within its bounds and its time; a line stays of the rest. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { defaultBounds, Quarantine, type QuarantineBounds } from '../../../src/collector/sealed-reports/quarantine.ts';
import type { SpooledReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const reason = { code: 'report-invalid', message: 'why', atMs: Date.UTC(2026, 10, 28, 7) } as const;

function house(t: TestContext) {
  const root = tempFolder(t);
  const setAside = path.join(root, 'set-aside');
  const ofClient = (client: string): string => path.join(root, 'encrypted_stats', client);
  const place = (client: string): string => path.join(ofClient(client), 'quarantine');
  const quarantine = (bounds: Partial<QuarantineBounds> = {}, places: readonly string[] = [], nowMs = Date.now()) =>
    new Quarantine({ places, setAside, bounds: { ...defaultBounds, ...bounds }, nowMs, keepMs: 30 * dayMs });
  const report = (client: string, name: string, bytes = 'sealed', origin: string | null = null): SpooledReport => {
    mkdirSync(ofClient(client), { recursive: true });
    const file = path.join(ofClient(client), `${name}.fhs`);
    writeFileSync(file, bytes);
    return { file, receivedAtMs: 1000, origin, reportId: name, client } as unknown as SpooledReport;
  };
  const filesOf = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
  const lines = (folder: string, name = 'dropped.jsonl'): readonly Record<string, unknown>[] =>
    readFileSync(path.join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { setAside, place, quarantine, report, filesOf, lines };
}

test('a report moves there with the reason beside it; one of the same name gets the next free one', (t) => {
  const { place, quarantine, report, filesOf } = house(t);
  const own = quarantine();
  for (const bytes of ['one', 'two']) own.add(report('web-1', 'a', bytes), 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['a-2.fhs', 'a-2.json', 'a.fhs', 'a.json']);
  assert.equal(readFileSync(path.join(place('web-1'), 'a-2.fhs'), 'utf8'), 'two');
  assert.deepEqual(JSON.parse(readFileSync(path.join(place('web-1'), 'a.json'), 'utf8')), {
    ...{ client: 'web-1', report_id: 'a', code: 'report-invalid', message: 'why', size_bytes: 3 },
    ...{ quarantined_at: '2026-11-28T07:00:00.000Z', received_at: '1970-01-01T00:00:01.000Z' },
  });
  const gone = report('web-1', 'gone');
  rmSync(gone.file);
  own.add(gone, 'web-1', reason);
  assert.equal(filesOf(place('web-1')).length, 4);
});

test('a report of a site is set aside by site and client', (t) => {
  const { setAside, quarantine, report, filesOf, place } = house(t);
  quarantine().add(report('web-1', 'a', 'x', 'berlin'), 'web-1', reason);
  assert.deepEqual(filesOf(path.join(setAside, 'berlin', 'web-1')), ['a.fhs', 'a.json']);
  assert.deepEqual(filesOf(place('web-1')), []);
});

const bounds: readonly (readonly [what: string, bounds: Partial<QuarantineBounds>, kept: number])[] = [
  ['files of a client', { filesPerClient: 2 }, 2],
  ['bytes of a client', { bytesPerClient: 12 }, 2],
  ['a byte less than two', { bytesPerClient: 11 }, 1],
  ['all files', { files: 1 }, 1],
  ['all bytes', { bytes: 12 }, 2],
  ['a byte less of all', { bytes: 11 }, 1],
];
for (const [what, bound, kept] of bounds) {
  test(`beyond the bound of ${what} a line stays, with digest and size`, (t) => {
    const { place, quarantine, report, filesOf, lines } = house(t);
    const own = quarantine(bound);
    for (const name of ['a', 'b', 'c']) own.add(report('web-1', name), 'web-1', reason);
    assert.equal(filesOf(place('web-1')).filter((name) => name.endsWith('.fhs')).length, kept);
    const dropped = lines(place('web-1'));
    assert.deepEqual(
      dropped.map(({ report_id: id }) => id),
      ['a', 'b', 'c'].slice(kept),
    );
    const sha256 = createHash('sha256').update('sealed').digest('hex');
    for (const { size_bytes: size, sha256: digest } of dropped) assert.deepEqual([size, digest], [6, sha256]);
  });
}

test('the bound of a client holds for this client alone, that of all for all', (t) => {
  const { place, quarantine, report, filesOf } = house(t);
  const own = quarantine({ filesPerClient: 1, files: 2 });
  for (const client of ['a', 'a', 'b', 'c']) own.add(report(client, 'r'), client, reason);
  const kept = (client: string): boolean => filesOf(place(client)).includes('r.fhs');
  assert.deepEqual(['a', 'b', 'c'].map(kept), [true, true, false]);
  assert.deepEqual(filesOf(place('a')), ['dropped.jsonl', 'r.fhs', 'r.json']);
});

test('what earlier runs left there counts, and what is too old is removed', (t) => {
  const { place, quarantine, report, filesOf } = house(t);
  quarantine().add(report('web-1', 'old'), 'web-1', reason);
  const later = Date.now() + 31 * dayMs;
  // The times of a file that is moved are of the move: also one that was made long ago stays.
  utimesSync(path.join(place('web-1'), 'old.fhs'), 1, 1);
  quarantine({ filesPerClient: 1 }, [place('web-1')]).add(report('web-1', 'new'), 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['dropped.jsonl', 'old.fhs', 'old.json']);
  quarantine({ filesPerClient: 1 }, [place('web-1')], later).add(report('web-1', 'new'), 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['new.fhs', 'new.json']);
});

test('lines fill two files, and no more', (t) => {
  const { place, quarantine, report, filesOf, lines } = house(t);
  const own = quarantine({ files: 0, lineBytes: 600 });
  for (let number = 0; number < 9; number += 1) own.add(report('web-1', `r${number}`), 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['dropped.1.jsonl', 'dropped.jsonl']);
  const last = lines(place('web-1')).map(({ report_id: id }) => id);
  assert.equal(last.at(-1), 'r8');
  assert.equal(lines(place('web-1'), 'dropped.1.jsonl').length, 2);
});

test('a report that was in no file is written once', (t) => {
  const { place, quarantine, filesOf } = house(t);
  const own = quarantine();
  const unfiled = { reportId: 'a', receivedAtMs: 1, sealed: Buffer.from('one'), place: place('web-1') };
  for (let times = 0; times < 2; times += 1) own.keep(unfiled, 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['a.fhs', 'a.json']);
  own.keep({ ...unfiled, sealed: Buffer.from('two') }, 'web-1', reason);
  assert.deepEqual(filesOf(place('web-1')), ['a-2.fhs', 'a-2.json', 'a.fhs', 'a.json']);
});

test('a name that is too long for an ending becomes a digest', (t) => {
  const { place, quarantine, report, filesOf } = house(t);
  const own = quarantine();
  own.add(report('web-1', 'x'.repeat(100)), 'web-1', reason);
  own.add(report('web-1', 'y'.repeat(101)), 'web-1', reason);
  const names = filesOf(place('web-1')).filter((name) => name.endsWith('.fhs'));
  assert.equal(names.length, 2);
  assert.ok(names.includes(`${'x'.repeat(100)}.fhs`));
  assert.ok(
    names.some((name) => /^[0-9a-f]{36}\.fhs$/.test(name)),
    names.join(),
  );
});

test('a site that names ever more clients fills so many folders; lines say the rest, and old folders go', (t) => {
  const { setAside, quarantine, report, filesOf, lines } = house(t);
  const site = path.join(setAside, 'berlin');
  for (const client of ['web-1', 'web-2', 'web-3', 'web-1']) {
    quarantine({ foldersPerSite: 2 }).add(report(client, 'a', 'x', 'berlin'), client, reason);
  }
  assert.deepEqual(filesOf(site), ['dropped.jsonl', 'web-1', 'web-2']);
  assert.deepEqual(filesOf(path.join(site, 'web-1')), ['a-2.fhs', 'a-2.json', 'a.fhs', 'a.json']);
  assert.deepEqual(
    lines(site).map(({ client, size_bytes: bytes }) => [client, bytes]),
    [['web-3', 1]],
  );
  quarantine({}, [], Date.now() + 31 * dayMs);
  assert.deepEqual(filesOf(site), ['dropped.jsonl']);
});

test('a folder in the place of a report of a site goes beyond the bounds; one of ours is moved', (t) => {
  const { setAside, place, quarantine, report, filesOf } = house(t);
  const own = quarantine({ filesPerClient: 0 });
  for (const origin of ['berlin', null]) {
    const one = report('web-1', 'a', 'x', origin);
    rmSync(one.file);
    mkdirSync(path.join(one.file, 'below'), { recursive: true });
    own.add(one, 'web-1', reason);
    assert.equal(existsSync(one.file), false);
  }
  assert.deepEqual(filesOf(path.join(setAside, 'berlin', 'web-1')), ['dropped.jsonl']);
  assert.deepEqual(filesOf(place('web-1')), ['a.fhs', 'a.json']);
});
