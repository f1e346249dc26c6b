/** The sealed reports of sites in the inbox: where they lie, their order, and what is passed over beside them. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import {
  measureSpool,
  reportPassedOver,
  scanBounds,
  scanSpool,
} from '../../../src/collector/sealed-reports/scan-spool.ts';
import { folderOfSite } from '../../../src/collector/inbox/origins.ts';
import { parseSealedName, sealedName } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { openSealedSpool, readSealed } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';

const id = '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10';
const fra = folderOfSite('fra');
const good = { reportId: id, sealed: Buffer.alloc(100), clock: null, receivedAtMs: 1 };

/** Makes folders for the reports of visits and of sites. `put` writes a file there, or a folder for a name with `/`. */
function house(t: TestContext) {
  const root = tempFolder(t);
  const [dir, inbox] = [path.join(root, 'encrypted_stats'), path.join(root, 'inbox')];
  const put = (name: string, below = path.join(inbox, fra)): void => {
    const file = path.join(below, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (name.endsWith('/')) mkdirSync(file);
    else if (name.endsWith('link')) symlinkSync('/nowhere', file);
    else writeFileSync(file, 'sealed');
  };
  return { dir, inbox, put, spool: openSealedSpool(dir, inbox) };
}

test('a report of a site lies in the folder of the site, and those of no origin delay others', async (t) => {
  const { dir, inbox, spool } = house(t);
  const berlin = folderOfSite('ber');
  const add = (origin: string | null, receivedAtMs: number) =>
    spool.add({ client: 'web-1', reportId: id, sealed: Buffer.from('x'), clock: null, origin, receivedAtMs });
  const added = [await add(null, 9), await add(null, 8), await add(fra, 2), await add(fra, 1), await add(berlin, 5)];
  assert.deepEqual(
    added.map(({ file }) => path.dirname(file)),
    [dir, dir, path.join(inbox, fra), path.join(inbox, fra), path.join(inbox, berlin)].map((one) => `${one}/web-1`),
  );
  const { reports } = await spool.scan();
  assert.deepEqual(
    reports.map(({ origin, receivedAtMs }) => [origin, receivedAtMs]),
    [
      [null, 8],
      [berlin, 5],
      [fra, 1],
      [null, 9],
      [fra, 2],
    ],
  );
});

for (const [what, name, reason] of [
  ['a file beside the reports', 'web-1/notes.txt', 'a file of another name'],
  ['a link beside the reports', 'web-1/link', 'a symbolic link'],
  ['a folder beside the reports', 'web-1/more/', 'a folder'],
  ['a file in the place of a client', 'notes.txt', 'a file of another name'],
  ['a folder whose name is of no client', '%zz/x.fhs', 'no name of a client'],
  ['a report among the records', 'collector/x.fhs', 'a file of another name'],
  ['a folder with the name of a record', 'collector/x.json/', 'a folder'],
  ['a hidden file', 'web-1/.rsync', null],
  ['the quarantine of an earlier version', 'web-1/quarantine/', null],
  ['what an earlier version set aside', 'web-1/set-aside/', null],
  ['a record', 'collector/x.json', null],
] as const) {
  test(`${what} in the folder of a site is ${reason === null ? 'left alone' : 'passed over, and told of'}`, async (t) => {
    const { inbox, put, spool } = house(t);
    put(name);
    const { reports, quarantines, passedOver } = await spool.scan();
    const place = path.join(inbox, fra, reason === 'no name of a client' ? '%zz' : name).replace(/\/$/, '');
    const line = `${place} is passed over: ${reason}`;
    assert.deepEqual(passedOver, reason === null ? [] : [{ origin: fra, line }]);
    assert.deepEqual([reports, quarantines], [[], []]);
  });
}

test('people may keep what they like beside the reports of visits', async (t) => {
  const { dir, put, spool } = house(t);
  for (const name of ['web-1/notes.txt', 'web-1/link', 'web-1/more/', 'notes.txt', '%zz/x']) put(name, dir);
  assert.deepEqual(await spool.scan(), { reports: [], quarantines: [], passedOver: [] });
});

test('a site has one line, and five sites are named', async (t) => {
  const { inbox, put, spool } = house(t);
  const faults: FleetError[] = [];
  const observe = ({ fault }: { readonly fault: FleetError }): void => void faults.push(fault);
  reportPassedOver(await spool.scan(), observe);
  assert.equal(faults.length, 0);
  for (const name of ['a', 'b', 'c']) put(name);
  const site = path.join(inbox, fra);
  const line = /^(.*) is passed over: a file of another name; so are 2 other paths below (.*)$/;
  reportPassedOver(await spool.scan(), observe);
  const [, first = '', below] = line.exec(faults[0]?.message ?? '') ?? [];
  assert.deepEqual(
    [path.dirname(first), below, faults[0]?.code, faults[0]?.stage],
    [site, site, 'inbox-strange', 'spool'],
  );
  rmSync(path.join(site, 'c'));
  assert.match(
    (await spool.scan()).passedOver[0]?.line ?? '',
    /: a file of another name; so is 1 other path below \S+$/,
  );
  for (const number of times(6, (at) => at)) put('x', path.join(inbox, folderOfSite(`s${number}`)));
  reportPassedOver(await spool.scan(), observe);
  assert.match(faults[1]?.message ?? '', / and 2 more$/);
});

test('a link in the place of a site costs its reports alone', async (t) => {
  const { inbox, put, spool } = house(t);
  put('web-1/x.fhs');
  symlinkSync(path.join(inbox, fra), path.join(inbox, folderOfSite('ber')));
  const { reports, passedOver } = await spool.scan();
  assert.deepEqual([reports.length, passedOver.length, passedOver[0]?.origin], [1, 1, folderOfSite('ber')]);
});

test('only a run that holds the lock removes old parts, and gives names that can be read', async (t) => {
  const { dir, spool } = house(t);
  const folder = path.join(dir, 'web-1');
  mkdirSync(folder, { recursive: true });
  const part = path.join(folder, `.${id}.fhs.part`);
  writeFileSync(part, '');
  utimesSync(part, 1, 1);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('\xff.fhs', 'latin1')]), '');
  const names = (): readonly string[] => readdirSync(folder, { encoding: 'latin1' }).sort();
  await spool.scan(false);
  assert.deepEqual(names(), [path.basename(part), '\xff.fhs']);
  const { reports } = await spool.scan();
  assert.match(names().join(' '), /^[0-9a-f]{36}\.fhs$/);
  assert.equal(reports.length, 1);
});

/** Puts files into a folder, whose names are numbered and may be no UTF-8. */
function flood(folder: string, count: number, nameOf: (at: number) => Buffer | string, content = 'x'): void {
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < count; at += 1) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(nameOf(at))]), content);
  }
}
const sealedNameOf = (at: number): string => `${String(at).padStart(36, 'a')}.${at}.-.-.-.fhs`;

/** The floods of a site: what lies there afterwards, and how its line ends. */
const floods: readonly (readonly [string, (site: string) => void, (site: string) => string, number, RegExp])[] = [
  [
    'small files that are named as reports',
    (site) => flood(path.join(site, 'web-1'), 3000, sealedNameOf),
    (site) => path.join(site, 'web-1'),
    20,
    /2,980 files that were no sealed reports and no records of \S+ went$/,
  ],
  [
    'names without UTF-8',
    (site) => flood(path.join(site, 'web-1'), 3000, (at) => Buffer.from(`\xff${at}.fhs`, 'latin1')),
    (site) => path.join(site, 'web-1'),
    20,
    /2,980 paths below \S+ went/,
  ],
  [
    'empty folders named as those of clients',
    (site) => times(3000, (at) => mkdirSync(path.join(site, `x-${at}`), { recursive: true })),
    (site) => site,
    1200,
    /1,800 paths below \S+ went/,
  ],
  [
    'documents of other names',
    (site) => flood(path.join(site, 'collector'), 3000, (at) => `${at}.json`),
    (site) => path.join(site, 'collector'),
    20,
    /2,980 paths below \S+ went/,
  ],
  [
    'folders with files in the place of reports',
    (site) => times(1500, (at) => flood(path.join(site, 'web-1', `more-${at}`), 1, () => 'x')),
    (site) => path.join(site, 'web-1'),
    1000,
    /500 paths below \S+ went/,
  ],
  [
    'folders in the place of reports',
    (site) => {
      for (let at = 0; at < 1500; at++) mkdirSync(path.join(site, 'web-1', sealedNameOf(at)), { recursive: true });
    },
    (site) => path.join(site, 'web-1'),
    20,
    /1,480 paths below \S+ went/,
  ],
];
const goodOnes = new Map([[fra, { clients: new Map([['good', makeClient('good')]]) }]]);
for (const [what, put, folder, left, line] of floods) {
  test(`of a flood of a site, ${what}, little stays, and a line names the site`, async (t) => {
    const { dir, inbox, spool } = house(t);
    const site = path.join(inbox, fra);
    put(site);
    await spool.add({ ...good, client: 'good', origin: fra });
    const scan = await scanSpool({ dir, inbox }, true, goodOnes, Infinity);
    assert.ok(scan.reports.some(({ client }) => client === 'good'));
    const isOther = (name: string): boolean => name !== 'good';
    assert.equal(readdirSync(folder(site)).filter(isOther).length, left);
    assert.match(scan.passedOver[0]?.line ?? '', line);
    assert.equal(scan.passedOver[0]?.origin, fra);
  });
}

test('a run reads so many names of a site alone, and of its clients in any order', async (t) => {
  const { inbox, spool } = house(t);
  const folder = path.join(inbox, fra, 'web-1');
  flood(folder, scanBounds.siteFolder + 10, sealedNameOf, 'x'.repeat(100));
  await spool.add({ ...good, client: 'good', origin: fra });
  const clients = new Map(['web-1', 'good'].map((name) => [name, makeClient(name)]));
  const { reports, passedOver } = await spool.scan(true, new Map([[fra, { clients }]]));
  assert.equal(reports.length, scanBounds.siteFolder + 1);
  assert.equal(passedOver[0]?.line, `${folder} holds more than a run reads: the next runs go on`);
  const use = await measureSpool({ dir: path.join(inbox, 'none'), inbox }, new Map());
  assert.deepEqual(use.get(folder), { files: scanBounds.siteFolder, bytes: scanBounds.siteFolder * 4096 });
});

const clock = { offsetMs: -5, monotonicZeroMs: 7, bootId: 'b-1' };
for (const [name, facts] of [
  [`${id}.9.-5.7.b-1.fhs`, { receivedAtMs: 9, clock }],
  [`${id}.9.-5.7.-.fhs`, { receivedAtMs: 9, clock: { ...clock, bootId: null } }],
  [`${id}.9.-.-.-.fhs`, { receivedAtMs: 9, clock: null }],
  [`${id}.9.-.7.-.fhs`, { receivedAtMs: 9, clock: null }],
  [`${id}.9.-5.-.-.fhs`, { receivedAtMs: 9, clock: null }],
  [`${id}.fhs`, null],
  [`${id}.-9.-.-.-.fhs`, null],
  [`${id.slice(1)}.9.-.-.-.fhs`, null],
  [`${id}.9.-.-.b_1.fhs`, null],
  [`${id}.9.-.-.-.fhs.part`, null],
  [`x${id}.9.-.-.-.fhs`, null],
] as const) {
  test(`the name ${name.replace(id, 'ID')} ${facts === null ? 'is of no report' : 'has its facts'}`, () => {
    assert.deepEqual(parseSealedName(name), facts === null ? null : { ...facts, reportId: id });
  });
}

test('a file that is named by its report id alone is sent under a whole name', () => {
  const report = { client: 'web-1', origin: null, file: `/x/${id}.fhs`, receivedAtMs: 9, clock, bytes: 4096 };
  assert.equal(sealedName(report), `${id}.9.-5.7.b-1.fhs`);
});

test('a folder in the place of a report is a damaged one', (t) => {
  assert.throws(() => readSealed(tempFolder(t)), { name: 'SealFault', code: 'seal-corrupt' });
});
