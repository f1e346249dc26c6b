import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseTextfiles } from '../../src/report/checks/textfiles.ts';
import { formatPerfdata } from '../../src/report/checks/written-perfdata.ts';
import { observe, said } from './support/observe.ts';
import { checkRow } from './support/rows.ts';
import { stories } from './support/story.ts';

stories(`
  a check that is CRITICAL in two reports is notified, and recovers with two that are OK
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 0
    08:15 check mailq 0
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:15 check mailq is over: recovered

  WARNING is a warning, and gets worse
    08:00 check mailq 1
    08:05 check mailq 1
    08:10 check mailq 2
    08:15 check mailq 2
    > 08:00 check mailq is pending
    > 08:05 check mailq fires warning
    > 08:15 check mailq gets worse

  UNKNOWN neither fires nor recovers, and is a condition of its own after three reports
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 3
    08:15 check mailq 3
    08:20 check mailq 3
    08:25 check mailq 2
    08:30 check mailq 2
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:10 check-unknown mailq is pending
    > 08:20 check-unknown mailq fires warning
    > 08:30 check-unknown mailq is over: recovered

  a rule selects checks, at once and as a warning
    <alert type="check" check="disk*" for="1x" severity="warning"/>
    08:00 check disk-root 2, check mailq 2
    > 08:00 check check=disk* disk-root fires warning
    > 08:00 check mailq is pending

  what is excluded is not evaluated
    <alert type="check" check="mailq" enabled="no"/><alert name="check-unknown" enabled="no"/>
    08:00 check mailq 2
    08:05 check mailq 2
    08:10 check mailq 3
    08:15 check mailq 3
    08:20 check mailq 3

  a figure beyond its limit fires, is held while its check is UNKNOWN, and recovers
    <alert name="queue" metric="check_value" check="mailq" label="unsent" limit="200" for="2x"/>
    08:00 check mailq 0 unsent=210
    08:05 check mailq 0 unsent=220
    08:10 check mailq 3
    08:15 check mailq 3
    08:20 check mailq 0 unsent=20
    08:25 check mailq 0 unsent=20
    > 08:00 queue mailq unsent is pending
    > 08:05 queue mailq unsent fires critical
    > 08:10 check-unknown mailq is pending
    > 08:20 check-unknown mailq was not confirmed
    > 08:25 queue mailq unsent is over: recovered

  a check that is no longer there is gone
    08:00 check mailq 2, check disk 0
    08:05 check mailq 2, check disk 0
    08:10 check disk 0
    08:15
    > 08:00 check mailq is pending
    > 08:05 check mailq fires critical
    > 08:15 check mailq is over: gone
`);

test('a sample says the state and the first line of the text, once and not too long', () => {
  const words = (text: string, state: 0 | 1 | 2 = 2) =>
    said('<alert type="check" for="1x"/>', { checks: [checkRow({ text, state })] });
  assert.deepEqual(words('210 unsent\nmore'), ['check mailq: critical (CRITICAL: 210 unsent)']);
  assert.deepEqual(words('MAILQ CRITICAL - 210 unsent'), ['check mailq: critical (MAILQ CRITICAL - 210 unsent)']);
  assert.deepEqual(words('', 1), ['check mailq: warning (WARNING)']);
  assert.equal(words('x'.repeat(900))[0]?.length, 'check mailq: critical (CRITICAL: …)'.length + 200);
});

test('a figure of a check is compared with the limit of a rule, in its own unit', () => {
  const checks = [
    checkRow({ perfdata: "unsent=210;50;200 'in bytes'=1610612736B load=0.351 full=57% took=90s hung=U" }),
    checkRow({ check_name: 'other', perfdata: 'unsent=500' }),
    checkRow({ check_name: '/etc/x.conf', perfdata: 'unsent=900', refused: 1, state: 3 }),
  ];
  const of = (attributes: string) => said(`<alert metric="check_value" ${attributes}/>`, { checks });
  assert.deepEqual(of('check="mailq" label="unsent" limit="200"'), [
    'check_value check=mailq label=unsent mailq unsent: critical (210; at least 200)',
  ]);
  assert.deepEqual(of('name="n" check="mailq" label="in*" warning="1" critical="2147483648"'), [
    'n mailq in bytes: warning (1.5 GiB; at least 1 B)',
  ]);
  assert.deepEqual(of('name="n" check="mailq" label="load,full,took,hung" limit="80" severity="warning"'), [
    'n mailq load: none (0.35; at least 80)',
    'n mailq full: none (57 %; at least 80 %)',
    'n mailq took: warning (1m 30s; at least 1m 20s)',
    'n mailq hung: unknown (unknown; at least 80)',
  ]);
  assert.deepEqual(of('name="n" label="unsent" limit="300"'), [
    'n mailq unsent: none (210; at least 300)',
    'n other unsent: critical (500; at least 300)',
  ]);
  assert.deepEqual(of('name="n" check="mailq" label="nothing" limit="300"'), []);
});

test('sectors of textfiles are compared with those of a day before', () => {
  const smart = (perfdata: string) => [checkRow({ check_name: 'textfile:smartmon', perfdata })];
  const sectors = (perfdata: string, before: string | null) =>
    said('', { checks: smart(perfdata), checksDayBefore: before === null ? null : smart(before) }, 'default').filter(
      (line) => line.startsWith('sectors'),
    );
  const line = (label: string, words: string) => [`sectors-rising textfile:smartmon ${label}: ${words}; at least 1)`];
  assert.deepEqual(
    sectors('reallocated_sectors=20 age=60s', 'reallocated_sectors=8 age=20s'),
    line('reallocated_sectors', 'warning (12 more than a day before (20)'),
  );
  const same = line('pending_sectors', 'none (0 more than a day before (8)');
  assert.deepEqual(sectors('pending_sectors=8', 'pending_sectors=8'), same);
  assert.deepEqual(sectors('pending_sectors=8', 'pending_sectors=16'), same, 'a disk was replaced');
  for (const before of [null, '', 'pending_sectors=U']) {
    assert.deepEqual(sectors('pending_sectors=8', before), line('pending_sectors', 'unknown (unknown'));
  }
  assert.deepEqual(sectors('pending_sectors=0', null), line('pending_sectors', 'none (0 more than a day before (0)'));
});

test('each disk is compared with itself: one that comes, goes or is not readable says nothing about the others', () => {
  const smart = (disks: Readonly<Record<string, number>>) =>
    parseTextfiles(
      `stale=9999\nfile=60 smartmon.prom\n${Object.entries(disks)
        .map(([disk, value]) => `smartmon_reallocated_sector_ct_raw_value{disk="${disk}",type="sat"} ${value}`)
        .join('\n')}\n`,
    )
      .filter(({ name }) => name !== '')
      .map(({ figures }) => checkRow({ check_name: 'textfile:smartmon', perfdata: formatPerfdata(figures) }));
  const rises = (now: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>) =>
    said('', { checks: smart(now), checksDayBefore: smart(before) }, 'default')
      .filter((line) => line.startsWith('sectors'))
      .map((line) => line.replace('sectors-rising textfile:smartmon reallocated_sectors ', '').replace(/ \(.*/, ''));
  assert.deepEqual(rises({ sda: 0, sdb: 40 }, { sda: 0 }), ['sda: none', 'sdb: unknown'], 'an old disk is plugged in');
  assert.deepEqual(rises({ sda: 30 }, { sda: 0, sdb: 40 }), ['sda: warning'], 'a disk leaves');
  assert.deepEqual(rises({ sda: 30, sdb: NaN }, { sda: 0, sdb: 0 }), ['sda: warning', 'sdb: unknown']);
  assert.deepEqual(rises({ sda: 30, sdb: 10 }, { sda: 0, sdb: NaN }), ['sda: warning', 'sdb: unknown']);
  assert.deepEqual(rises({ sda: 9, sdb: 9 }, { sda: 9, sdb: 9 }), ['sda: none', 'sdb: none']);
  assert.deepEqual(rises({ sdb: 41 }, { sda: 0, sdb: 40 }), ['sdb: warning']);
});

test('a disk without a figure of this kind the day before had none of it, if it was there', () => {
  const rows = (perfdata: string) => [checkRow({ check_name: 'textfile:smartmon', perfdata })];
  const now = "reallocated_sectors=0 pending_sectors=3 'reallocated_sectors sda'=0 'pending_sectors sdb'=3";
  const of = (before: string) =>
    said('', { checks: rows(now), checksDayBefore: rows(before) }, 'default')
      .filter((line) => line.startsWith('sectors'))
      .map((line) => line.replace('sectors-rising textfile:smartmon ', ''));
  const known = of("reallocated_sectors=0 pending_sectors=0 'reallocated_sectors sda'=0 'reallocated_sectors sdb'=0");
  assert.deepEqual(known.at(-1), 'pending_sectors sdb: warning (3 more than a day before (3); at least 1)');
  assert.match(
    of("reallocated_sectors=0 pending_sectors=0 'reallocated_sectors sda'=0").at(-1) ?? '',
    /^pending_sectors sdb: unknown/,
  );
});

test('security updates of apt.prom are not notified beside the check of the agent, unless that is UNKNOWN', () => {
  const apt = checkRow({ check_name: 'textfile:apt', perfdata: 'upgrades=30 security_upgrades=4' });
  const updates = (...own: readonly (0 | 1 | 3)[]) =>
    said('', { checks: [apt, ...own.map((state) => checkRow({ check_name: 'updates', state }))] }, 'default').filter(
      (line) => line.startsWith('security'),
    );
  const pending = ['security-updates textfile:apt security_upgrades: warning (4; at least 1)'];
  assert.deepEqual(updates(), pending);
  assert.deepEqual(updates(3), pending);
  assert.deepEqual([...updates(0), ...updates(1)], []);
});

test('of rules over figures the one that names the check counts', () => {
  const checks = [checkRow({ perfdata: 'n=10' }), checkRow({ check_name: 'other', perfdata: 'n=10' })];
  const rules = '<alert metric="check_value" limit="5"/><alert metric="check_value" check="mailq" limit="20"/>';
  assert.deepEqual(said(rules, { checks }), [
    'check_value check=mailq mailq n: none (10; at least 20)',
    'check_value other n: critical (10; at least 5)',
  ]);
});

test('a figure is gone when its check no longer gives it, and not while its check is UNKNOWN', () => {
  const rule = '<alert name="n" metric="check_value" check="mailq" limit="5"/>';
  const isComplete = (...checks: Parameters<typeof checkRow>[0][]) =>
    observe(rule, { checks: checks.map((over) => checkRow(over)) }).complete.includes('n');
  assert.equal(isComplete({ state: 0 }), true);
  assert.equal(isComplete({ state: 3 }), false);
  assert.equal(isComplete({ state: 0 }, { check_name: 'other', state: 3 }), true);
  assert.equal(isComplete({ state: 0 }, { check_name: '/etc/x.conf', state: 3, refused: 1 }), true);
});

test('a refused file is a condition with its reason, and no result of a check', () => {
  const checks = [checkRow({ check_name: '/etc/checks.d/x.conf', state: 3, refused: 1, text: 'others may write it' })];
  const samples = observe('', { checks }).samples.filter(({ rule }) => rule.name.startsWith('check'));
  assert.deepEqual(
    samples.map(({ rule, subject, level, valueText }) => ({ name: rule.name, subject, level, valueText })),
    [
      {
        name: 'check-untrusted',
        subject: '/etc/checks.d/x.conf',
        level: 'warning',
        valueText: 'refused: others may write it',
      },
    ],
  );
});

test('a command of NRPE that takes arguments is refused by the client, and nobody is notified', () => {
  const checks = [checkRow({ check_name: '/etc/nagios/nrpe.cfg:7', state: 3, refused: 1, text: 'takes arguments' })];
  const samples = observe('', { checks }).samples.filter(({ rule }) => rule.name.startsWith('check'));
  assert.deepEqual(samples, []);
});
