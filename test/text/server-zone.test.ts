import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

import { readerTime } from '../../src/cli/terminal/reader-time.ts';
import { linkedZone, serverZone, settleTz } from '../../src/text/server-zone.ts';
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
    settleTz(env);
    assert.deepEqual(env, { HOME: '/' });
  }
});

/** Moments of two years, with both clock changes of each hemisphere. */
const moments = Array.from({ length: 730 * 4 }, (_, at) => Date.UTC(2026, 0, 1) + at * 6 * 3_600_000);

/** Returns the offsets in minutes that the C library knows. */
function offsetsOf(tz: string, days: readonly number[]): readonly number[] {
  const input = days.map((atMs) => `@${atMs / 1000}`).join('\n');
  const { stdout } = spawnSync('date', ['-f', '-', '+%z'], {
    input,
    encoding: 'utf8',
    env: { ...process.env, TZ: tz },
  });
  return [...stdout.matchAll(/([+-])(\d\d)(\d\d)/g)].map(
    ([, sign, hours, minutes]) => (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) + 0,
  );
}

for (const tz of [
  ...['', ':', 'UTC', 'UTC0', 'GMT0', 'Etc/GMT-3', 'Europe/Berlin', ':Europe/Berlin', 'Japan', 'CET', 'EST5EDT'],
  ...['/usr/share/zoneinfo/Europe/Berlin', ':/usr/share/zoneinfo/Asia/Kathmandu', 'posix/Europe/Berlin'],
  ...['EST5', 'UTC+1', 'UTC-1', 'GMT+3'],
  ...['<+0330>-3:30', '<+01>-1', '<-03>3', 'IST-5:30', 'AAA-14', 'AAA12', '<+0545>-5:45:00', 'EST+05:00:00'],
  ...['CET-1CEST,M3.5.0,M10.5.0/3', 'CET-1CEST-2,M3.5.0/2:00,M10.5.0/03:00:00', 'EST5EDT,M3.2.0,M11.1.0'],
  ...['EST5EDT4,M3.2.0/2,M11.1.0/2', 'AEST-10AEDT,M10.1.0,M4.1.0/3', 'NZST-12NZDT,M9.5.0,M4.1.0/3'],
  ...['<-02>2<-01>,M3.5.0/-1,M10.5.0/0', 'GMT0BST,M3.5.0/1,M10.5.0', 'LHST-10:30LHDT-11,M10.1.0,M4.1.0'],
]) {
  test(`TZ=${tz} has the clocks of the C library`, () => {
    const wanted = offsetsOf(tz, moments);
    assert.equal(wanted.length, moments.length);
    inServerZone(tz, () => {
      assert.equal(settleTz(process.env), null);
      const found = moments.map((atMs) => zoneOffsetMs(null, atMs) / 60_000 + 0);
      assert.deepEqual(found, wanted);
      assert.doesNotThrow(() => new Intl.DateTimeFormat('en', { timeZone: serverZone() }));
    });
  });
}

test('the file of a zone that has no name is read', (t) => {
  const file = path.join(tempFolder(t), 'zone');
  copyFileSync('/usr/share/zoneinfo/Europe/Berlin', file);
  inServerZone(file, () => {
    assert.equal(settleTz(process.env), null);
    assert.equal(serverZone(), 'Europe/Berlin');
  });
});

test('a zone with leap seconds is the one without', () => {
  for (const tz of ['right/Europe/Berlin', ':/usr/share/zoneinfo/right/Europe/Berlin']) {
    const env = { TZ: tz };
    assert.equal(settleTz(env), null);
    assert.equal(env.TZ, 'Europe/Berlin');
  }
});

for (const [zone, unknown] of [
  ['Europe/Berln', 'Europe/Berln'],
  [':Europe/Berln', 'Europe/Berln'],
  ['europe/berlin', 'europe/berlin'],
  // The rule of the United States with the offset of Berlin is no zone.
  ['CET-1CEST', 'CET-1CEST'],
  ['CET-1CEST,J60/2,J300/2', 'CET-1CEST,J60/2,J300/2'],
  ['AAA-14:20', 'AAA-14:20'],
  ['CET-1CEST,M3.5.0', 'CET-1CEST,M3.5.0'],
  ['CET-1CEST,M13.9.9,M10.5.0', 'CET-1CEST,M13.9.9,M10.5.0'],
  ['UTC+999', 'UTC+999'],
  ['/etc', '/etc'],
  ['/etc/passwd', '/etc/passwd'],
  ['/nowhere/zone', '/nowhere/zone'],
  ['\0', '\0'],
  ['x'.repeat(5000), 'x'.repeat(5000)],
] as const) {
  test(`TZ=${JSON.stringify(zone.slice(0, 30))} is UTC, which is said`, () => {
    const env: NodeJS.ProcessEnv = { TZ: zone };
    assert.equal(settleTz(env), unknown);
    assert.equal(env['TZ'], 'UTC');
  });
}
