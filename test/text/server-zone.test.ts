import assert from 'node:assert/strict';
import fs, { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

import { readerTime } from '../../src/cli/terminal/reader-time.ts';
import { dropNeedlessTz, linkedZone, serverZone, unknownTz } from '../../src/text/server-zone.ts';
import { zoneInWords } from '../../src/text/time-words.ts';
import { zoneOffsetMs } from '../../src/text/zone-time.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { inServerZone } from './support/server-zone.ts';

const summer = Date.UTC(2026, 6, 1);

for (const [zone, name] of [
  ['Europe/Berlin', 'Europe/Berlin'],
  ['Asia/Kolkata', 'Asia/Kolkata'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
  ['Etc/UTC', 'UTC'],
  ['UTC', 'UTC'],
  ['Custom/Zone', null],
  ['posix/Europe/Berlin', null],
  ['localtime', null],
] as const) {
  test(`a link to ${zone} names ${name ?? 'no zone that Node knows'}`, (t) => {
    const dir = tempFolder(t);
    const file = path.join(dir, 'zoneinfo', zone);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    const link = path.join(dir, 'link');
    symlinkSync(file, link);
    assert.equal(linkedZone(link), name);
    assert.equal(linkedZone(file), name);
    if (name !== null) assert.doesNotThrow(() => new Intl.DateTimeFormat('en', { timeZone: name }));
  });
}

test('a missing link names no zone', (t) => {
  assert.equal(linkedZone(path.join(tempFolder(t), 'none')), null);
});

test("the server's zone has the offsets of its name", () => {
  inServerZone('Europe/Berlin', () => {
    for (let atMs = Date.UTC(2026, 2, 28); atMs < Date.UTC(2026, 10, 1); atMs += 6 * 3_600_000) {
      assert.equal(zoneOffsetMs(null, atMs), zoneOffsetMs('Europe/Berlin', atMs));
    }
    assert.equal(zoneOffsetMs(null, summer), 2 * 3_600_000);
  });
});

test("a zone that is changed later is not this process's", (t) => {
  inServerZone(undefined, () => {
    const before = serverZone();
    const changed = t.mock.method(fs, 'realpathSync', () => '/usr/share/zoneinfo/Asia/Tokyo');
    syncBuiltinESMExports();
    try {
      assert.equal(serverZone(), before);
      assert.equal(linkedZone('/etc/localtime'), 'Asia/Tokyo');
    } finally {
      changed.mock.restore();
      syncBuiltinESMExports();
    }
  });
});

test('without TZ the name has the offsets that Node has', () => {
  inServerZone(undefined, () => {
    const name = serverZone();
    if (name.startsWith('UTC+') || name.startsWith('UTC-')) return;
    for (const atMs of [0, Date.UTC(2026, 0, 1), summer]) {
      assert.equal(zoneOffsetMs(name, atMs) - zoneOffsetMs(null, atMs), 0, name);
    }
  });
});

for (const { tz, words, written } of [
  { tz: '', words: 'UTC', written: '2026-07-01 00:00' },
  { tz: 'Nowhere/Near', words: 'UTC', written: '2026-07-01 00:00' },
  { tz: 'America/New_York', words: 'America/New_York (UTC-4)', written: '2026-06-30 20:00' },
] as const) {
  test(`times are written where TZ is '${tz}'`, () => {
    inServerZone(tz, () => {
      const time = readerTime({ alerts: { zone: null } } as Parameters<typeof readerTime>[0], summer);
      assert.equal(time.moment(summer), written);
      assert.equal(zoneInWords({ zone: null, nowMs: summer }), words);
    });
  });
}

test('a zone that is a file is named by its offset', () => {
  const zone = '/usr/share/zoneinfo/Asia/Kathmandu';
  inServerZone(zone, () => {
    const time = readerTime({ alerts: { zone: null } } as Parameters<typeof readerTime>[0], summer);
    const times: Readonly<Record<string, string>> = { 'UTC+5:45': '2026-07-01 05:45', UTC: '2026-07-01 00:00' };
    assert.equal(time.moment(summer), times[time.zone], time.zone);
  });
});

test('a TZ that says to read /etc/localtime is as none', () => {
  for (const TZ of [':/etc/localtime', '/etc/localtime']) {
    const env = { TZ, HOME: '/' };
    dropNeedlessTz(env);
    assert.deepEqual(env, { HOME: '/' });
  }
  for (const TZ of ['', ':Europe/Berlin', '/etc/localtime.old']) {
    const env = { TZ };
    dropNeedlessTz(env);
    assert.deepEqual(env, { TZ });
  }
});

for (const [zone, unknown] of [
  ['Europe/Berln', 'Europe/Berln'],
  [':Europe/Berln', 'Europe/Berln'],
  ['CET-1CEST', 'CET-1CEST'],
  ['Europe/Berlin', null],
  [':Europe/Berlin', null],
  ['Africa/Abidjan', null],
  ['/usr/share/zoneinfo/UTC', null],
  ['UTC0', null],
  ['GMT', null],
  ['', null],
  [undefined, null],
] as const) {
  test(`TZ=${zone ?? 'that is not set'} ${unknown === null ? 'is known' : 'is UTC for Node, which is said'}`, () => {
    inServerZone(zone, () => assert.equal(unknownTz(process.env), unknown));
  });
}
