import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import { familyGroups } from '../../../src/config/values/family-groups.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { escapeControls } from '../../../src/platform/errors/log.ts';
import { seriesText } from '../../../src/look/metrics/exposition.ts';
import { families } from '../../../src/look/metrics/families.ts';
import { type MetricsOptions, writeMetrics } from '../../../src/look/metrics/metrics.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { onEachDatabase, type Opened } from '../../storage/support/databases.ts';
import {
  check,
  item,
  noonMs,
  ordinaryWorkers,
  refusedVisit,
  runEnd,
  runStart,
  visit,
  worker,
} from '../../storage/support/samples.ts';
import { configFolder } from '../../support/programs/run-cli.ts';
import { scrape, type Scraped, valuesOf } from './support/exposition.ts';
import { codePoint } from '../../support/code-points.ts';

const [minuteMs, dayMs] = [60_000, 86_400_000];
const fleetXml = `<config>
  <group name="eu"><group name="web"><client name="web-1" ip="192.0.2.1"/></group></group>
  <client name="db" ip="192.0.2.2" labels="site=ber"/>
  <client name="rest" ip="192.0.2.3" state="paused"/>
  <client name="gone" ip="192.0.2.4" state="retired"/>
</config>`;

async function textOf(t: TestContext, { storage }: Opened, more: Partial<MetricsOptions> = {}): Promise<string> {
  const config = loadConfig({ file: path.join(configFolder(t, fleetXml), 'config.xml') });
  let text = '';
  const options = { config, storage, nowMs: noonMs + minuteMs, groups: familyGroups, format: 'text' } as const;
  for await (const chunk of writeMetrics({ ...options, signal: new AbortController().signal, ...more })) text += chunk;
  return text;
}

const scrapedOf = async (...of: Parameters<typeof textOf>): Promise<readonly Scraped[]> => scrape(await textOf(...of));

/** Returns the result of a folder of textfiles with these samples. */
const textfile = (samples: string) => ({
  ...check('textfile:/f', 0, `stale=60\nfile=0 a.prom\n${samples}`),
  format: 'textfile' as const,
});

/** Stores two clients that reported, one that fails and one that is retired. */
async function reported(opened: Opened): Promise<void> {
  const { reports, storage } = opened;
  const start = runStart({ startedAtMs: noonMs - 5000 });
  await reports.startRun(start);
  const failing = { runId: start.id, client: 'db', ...refusedVisit };
  await reports.saveVisits([visit({ runId: start.id }), visit(failing), visit({ runId: start.id, client: 'rest' })]);
  const checks = [
    check('mailq', 2, 'CRITICAL: 210 unsent | unsent=210;50;200 full=57% hung=U'),
    check('disk', 0),
    check('load', null),
    textfile('+backup_age_seconds{job="home"} 60\n+up 1\n+x_total 5'),
  ];
  const refused = [{ path: '/etc/x.conf', why: 'others can write to it' }];
  await reports.ingest([
    item({ checks, refused }),
    item({ client: 'rest' }),
    item({ client: 'db' }),
    item({ client: 'gone' }),
  ]);
  await reports.endRun(start, runEnd(start, { skipped: 4 }));
  const lease = (await storage.leases.takeLease('alert', 'a test')) ?? assert.fail('no lease');
  const firing = alert({ client: 'web-1', rule: 'disk', subject: '/data', state: 'firing', severity: 'critical' });
  const pending = alert({ client: 'web-1', rule: 'cpu', subject: '', state: 'pending' });
  const growth = { daysLow: 1, daysHigh: null, shortDays: null, growthPerDay: 1e9, sinceMs: noonMs };
  const forecasts = [
    { client: 'web-1', mount: '/data', kind: 'space', daysLeft: 2.5, ...growth },
    { client: 'web-1', mount: '/data', kind: 'inodes', daysLeft: 9, ...growth },
    { client: 'gone', mount: '/', kind: 'space', daysLeft: 1, ...growth },
  ] as const;
  const processed = { statIds: [], visitIds: [], alerts: [firing, pending], ruleStates: new Map() };
  await storage.evaluation.saveProcessed(lease, { ...processed, forecasts: { asOfMs: noonMs, forecasts } });
}

onEachDatabase('metrics', (kit) => {
  test('are those of every client that is not retired', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const scraped = await scrapedOf(t, opened);
    const of = (name: string): Readonly<Record<string, number>> => valuesOf(scraped, name);
    assert.deepEqual(of('client_up'), { 'client=web-1': 1, 'client=db': 0 });
    assert.deepEqual(Object.keys(of('client_info')), [
      'client=web-1,address=192.0.2.1,group=eu/web,hostname=web-1,os=Debian GNU/Linux 12',
      'client=db,address=192.0.2.2,hostname=web-1,os=Debian GNU/Linux 12,label_site=ber',
      'client=rest,address=192.0.2.3,hostname=web-1,os=Debian GNU/Linux 12',
    ]);
    const clients = (value: number): object => ({ 'client=web-1': value, 'client=db': value, 'client=rest': value });
    assert.deepEqual(of('client_report_timestamp_seconds'), clients(noonMs / 1000));
    assert.deepEqual(of('cpu_used_ratio'), clients(0.125));
    assert.deepEqual(of('memory_used_ratio'), clients(0.417));
    assert.deepEqual(of('swap_used_ratio'), {});
    assert.deepEqual([of('load1'), of('load5'), of('load15')], [clients(0.5), clients(0.4), clients(0.3)]);
    assert.deepEqual(of('cpus'), clients(4));
    assert.deepEqual(of('failed_units'), clients(1));
    assert.deepEqual(of('reboot_required'), clients(0));
    assert.deepEqual(of('oom_kills'), clients(2));
    assert.deepEqual(of('pressure_io_ratio'), clients(0.035));
    assert.deepEqual([of('open_files_used_ratio'), of('conntrack_used_ratio')], [clients(0.005), {}]);
    assert.deepEqual(of('clock_synchronised'), clients(1));
    assert.deepEqual(of('boot_time_seconds'), clients(noonMs / 1000 - 86_400));
    assert.deepEqual(of('clock_offset_seconds'), clients(-0.012));
  });

  test('of alerts, forecasts, runs and mails are what the database has', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const scraped = await scrapedOf(t, opened);
    const of = (name: string): Readonly<Record<string, number>> => valuesOf(scraped, name);
    assert.deepEqual(of('alert_firing'), { 'client=web-1,rule=disk,subject=/data,severity=critical': 1 });
    const full = (days: number): number => (noonMs + days * dayMs) / 1000;
    assert.deepEqual(of('filesystem_full_timestamp_seconds'), {
      'client=web-1,mount=/data,resource=space': full(2.5),
      'client=web-1,mount=/data,resource=inodes': full(9),
    });
    const old = scrape(await textOf(t, opened, { nowMs: noonMs + 2.1 * dayMs }));
    assert.deepEqual(valuesOf(old, 'filesystem_full_timestamp_seconds'), {});
    assert.deepEqual(of('run_duration_seconds'), { 'program=collect': 5 });
    assert.deepEqual(of('run_last_finished_timestamp_seconds'), { 'program=collect': noonMs / 1000 });
    assert.deepEqual(of('visits'), { 'result=succeeded': 2, 'result=failed': 1, 'result=skipped': 4 });
    assert.deepEqual([of('mails_undelivered'), of('sealed_waiting_reports')], [{ '': 0 }, { '': 0 }]);
  });

  test('of mounts and interfaces are those of the newest report', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const scraped = await scrapedOf(t, opened);
    const of = (name: string): Readonly<Record<string, number>> => valuesOf(scraped, name);
    assert.equal(of('filesystem_used_ratio')['client=web-1,mount=/data,fstype=ext4'], 0.915);
    assert.equal(of('filesystem_size_bytes')['client=db,mount=/boot,fstype=ext4'], 270_553_518_080);
    assert.equal(of('filesystem_available_bytes')['client=db,mount=/boot,fstype=ext4'], 86_000_000_000);
    assert.equal(of('filesystem_inodes_used_ratio')['client=db,mount=/boot,fstype=ext4'], 0.042);
    assert.equal(of('network_transmit_bytes_per_second')['client=web-1,interface=eth0'], 2048);
    assert.equal(of('network_receive_bytes_per_second')['client=web-1,interface=eth0'], 1024.5);
  });

  test('of checks are their states, figures and series', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const scraped = await scrapedOf(t, opened);
    const of = (name: string): Readonly<Record<string, number>> => valuesOf(scraped, name);
    assert.deepEqual(of('check_state'), {
      'client=web-1,check=/etc/x.conf': 3,
      'client=web-1,check=mailq': 2,
      'client=web-1,check=disk': 0,
      'client=web-1,check=load': 3,
      'client=web-1,check=textfile:/f': 0,
      'client=web-1,check=textfile:a': 0,
    });
    assert.deepEqual(of('check_value'), {
      'client=web-1,check=mailq,label=unsent': 210,
      'client=web-1,check=mailq,label=full': 57,
      'client=web-1,check=textfile:a,label=age': 0,
    });
    assert.deepEqual(of('series_value'), {
      'client=web-1,metric=backup_age_seconds,job=home': 60,
      'client=web-1,metric=up': 1,
      'client=web-1,metric=x_total': 5,
    });
    assert.ok(scraped.every(({ time }) => time === null));
  });

  test('of a client vanish three times `every` after its report, and those about it stay', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const at = (afterMs: number): Promise<readonly Scraped[]> => scrapedOf(t, opened, { nowMs: noonMs + afterMs });
    const names = (scraped: readonly Scraped[]): ReadonlySet<string> => new Set(scraped.map(({ name }) => name));
    assert.ok(names(await at(15 * minuteMs)).has('fleet_health_filesystem_used_ratio'));
    const late = await at(15 * minuteMs + 1);
    for (const family of families) {
      if (family.kind !== 'fact') assert.ok(!names(late).has(`fleet_health_${family.name}`), family.name);
    }
    assert.deepEqual(valuesOf(late, 'client_up'), { 'client=web-1': 0, 'client=db': 0 });
    assert.equal(Object.keys(valuesOf(late, 'client_info')).length, 3);
  });

  test('of a client that pushes vanish three times its own `every` after its report', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const xml = fleetXml.replace('name="web-1"', 'name="web-1" transport="push" every="1h"');
    const config = loadConfig({ file: path.join(configFolder(t, xml), 'config.xml') });
    const namesAt = async (afterMs: number): Promise<boolean> =>
      (await scrapedOf(t, opened, { config, nowMs: noonMs + afterMs })).some(
        ({ name }) => name === 'fleet_health_filesystem_used_ratio',
      );
    assert.deepEqual([await namesAt(180 * minuteMs), await namesAt(180 * minuteMs + 1)], [true, false]);
  });

  test('leave whole families out where there are too many series, and say which', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const whole = await scrapedOf(t, opened);
    for (let maxSeries = 0; maxSeries <= whole.length; maxSeries += 1) {
      const scraped = await scrapedOf(t, opened, { maxSeries });
      const dropped = Object.keys(valuesOf(scraped, 'metrics_dropped')).map((label) => label.slice('family='.length));
      const isKept = ({ name }: Scraped): boolean => !dropped.includes(name);
      const others = ({ name }: Scraped): boolean => name !== 'fleet_health_metrics_dropped';
      assert.deepEqual(scraped.filter(others), whole.filter(isKept));
      const figures = families.filter(({ kind }) => kind !== 'fact');
      assert.deepEqual(
        [...dropped].sort(),
        figures
          .map(({ name }) => `fleet_health_${name}`)
          .slice(-dropped.length || figures.length)
          .sort(),
      );
      if (dropped.length < figures.length) assert.ok(scraped.length <= Math.max(maxSeries, 0));
    }
  });

  test('of some groups read nothing of the others, and OpenMetrics says units and its end', async (t) => {
    const opened = await kit.open();
    await reported(opened);
    const text = await textOf(t, opened, { groups: ['client', 'self'], format: 'openmetrics' });
    assert.match(text, /^# HELP fleet_health_client .*\n# TYPE fleet_health_client info\nfleet_health_client_info\{/);
    assert.match(text, /# TYPE fleet_health_cpu_used_ratio gauge\n# UNIT fleet_health_cpu_used_ratio ratio\n/);
    assert.match(text, /\n# EOF\n$/);
    assert.doesNotMatch(text, /filesystem|network|alert|check/);
  });

  test('of an empty database name the clients of config.xml', async (t) => {
    const scraped = await scrapedOf(t, await kit.open());
    assert.deepEqual(valuesOf(scraped, 'client_up'), { 'client=web-1': 0, 'client=db': 0 });
    assert.deepEqual(
      [...new Set(scraped.map(({ name }) => name.slice('fleet_health_'.length)))],
      ['client_info', 'client_up', 'mails_undelivered', 'sealed_waiting_reports', 'restored_reports'],
    );
  });

  test('say who has which part of a shared fleet', async (t) => {
    const opened = await kit.open();
    const { shares } = opened.storage;
    const xml = `<config><storage url="mysql://fleet@127.0.0.1/fleet"/>
      <collector share="yes" site="fra"/><client name="web-1" ip="192.0.2.1"/></config>`;
    const config = loadConfig({ file: path.join(configFolder(t, xml), 'config.xml') });
    await shares.join({ id: 'c-1', site: 'fra', host: 'hq', keyId: 'k', capacity: 2 }, minuteMs);
    const nowMs = await shares.nowMs();
    const [slice] = await shares.slices('fra');
    assert.ok(slice !== undefined);
    const untilMs = nowMs + minuteMs;
    await shares.claim({ slice, holder: 'c-1', cycle: 1, untilMs, farMs: nowMs + dayMs });
    await shares.finish({ site: 'fra', holder: 'c-1', cycle: 1, untilMs });
    const scraped = await scrapedOf(t, opened, { config, nowMs });
    const one = 'site=fra,collector=c-1,host=hq';
    assert.deepEqual(valuesOf(scraped, 'collector_slices'), { [one]: 1 });
    assert.deepEqual(valuesOf(scraped, 'slices_waiting'), { 'site=fra': 255 });
    assert.ok(Math.abs((valuesOf(scraped, 'collector_seen_timestamp_seconds')[one] ?? 0) - nowMs / 1000) < 60);
  });

  test('count the clients of a shared fleet by its newest finished cycle, not by one collector', async (t) => {
    const opened = await kit.open();
    const { shares, reports } = opened.storage;
    const xml = `<config><storage url="mysql://fleet@127.0.0.1/fleet"/>
      <collector every="5m" share="yes" site="fra"/><client name="web-1" ip="192.0.2.1"/></config>`;
    const config = loadConfig({ file: path.join(configFolder(t, xml), 'config.xml') });
    const nowMs = await shares.nowMs();
    for (const [collectorId, startedAtMs, tookMs] of [
      ['c-1', nowMs - 6 * minuteMs, 20_000],
      ['c-2', nowMs - 6 * minuteMs + 1000, 40_000],
      ['c-1', nowMs - 1000, 500],
    ] as const) {
      await shares.join({ id: collectorId, site: 'fra', host: collectorId, keyId: 'k', capacity: 2 }, 5 * minuteMs);
      const start = runStart({ collectorId, startedAtMs });
      await reports.startRun(start);
      await reports.endRun(start, { ...runEnd(start), finishedAtMs: startedAtMs + tookMs });
    }
    const scraped = await scrapedOf(t, opened, { config, nowMs });
    assert.deepEqual(valuesOf(scraped, 'visits'), { 'result=succeeded': 4, 'result=failed': 2, 'result=skipped': 0 });
    assert.equal(valuesOf(scraped, 'run_duration_seconds')['program=collect'], 41);
  });

  test('of textfiles have the labels that the file gives them, and stay apart', async (t) => {
    const opened = await kit.open();
    const labels = [
      'client="x"',
      'metric="y",resolution="day"',
      '__name__="up"',
      'exported_client="z",client="z"',
      'a="\u202e\\""',
    ];
    const lines = labels.map((own, at) => `+m{${own}} ${at}\n+m_total{${own}} ${at * 600}`).join('\n');
    const [early, late] = [noonMs - 5 * minuteMs, noonMs].map((observedAtMs) =>
      item({ observedAtMs, checks: [textfile(lines)] }),
    );
    await opened.storage.reports.ingest([early, late].filter((one) => one !== undefined));
    const found = (await scrapedOf(t, opened)).filter(({ name }) => name === 'fleet_health_series_value');
    assert.deepEqual(
      found.filter(({ labels: { metric } }) => metric === 'm').map(({ labels: own, value }) => [own, value]),
      [
        { exported_client: 'x' },
        { exported_metric: 'y', exported_resolution: 'day' },
        { exported___name__: 'up' },
        { exported_exported_client: 'z', exported_client: 'z' },
        { a: '\ufffd"' },
      ].map((own, at) => [{ client: 'web-1', metric: 'm', ...own }, at]),
    );
    // Prometheus computes the rates.
    assert.equal(found.length, 2 * labels.length);
  });

  test('of hostile mounts and interfaces stay one series each', async (t) => {
    const opened = await kit.open();
    const mounts = [
      '/a"b',
      '/a\\b',
      '/a\nb',
      '/a\\nb',
      '/a\tb',
      '/a\\tb',
      '/x"} 1\n# EOF',
      '/\u202egpj.exe',
      '/\u0001',
      '/\\u{1}',
    ];
    const disks = mounts.map((mount) => ({ mount, scope: 'local', mode: 'rw', used_percent: 50 }));
    const workers = [...ordinaryWorkers().filter(({ name }) => name !== 'disk'), worker('disk', ...disks)];
    const labels = ['a"b', 'a\\b', 'a=b', "it's", 'a,b', 'x"} 1'];
    const output = `ok | ${labels.map((label) => `'${label.replaceAll("'", "''")}'=1`).join(' ')} 'a=b'=2`;
    await opened.storage.reports.ingest([item({ workers, checks: [check('x', 0, output)] })]);
    const scraped = await scrapedOf(t, opened);
    const found = scraped.filter(({ name }) => name === 'fleet_health_filesystem_used_ratio');
    assert.deepEqual(
      found.map(({ labels }) => labels['mount']),
      mounts.map(escapeControls),
    );
    assert.equal(new Set(found.map(({ labels }) => labels['mount'])).size, mounts.length);
    const values = scraped.filter(({ name }) => name === 'fleet_health_check_value');
    assert.deepEqual(
      values.map(({ labels: { label }, value }) => [label, value]),
      labels.map((label) => [escapeControls(label), 1]),
    );
  });
});

test('any label comes back as its harmless form, and different labels stay different', () => {
  const text = fc.string({ unit: codePoint, maxLength: 30 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const lineOf = (value: string): string => `${seriesText('x', { client: value, last: 'z' })} 1\n`;
      const [scraped, ...more] = scrape(lineOf(one));
      assert.equal(more.length, 0);
      assert.equal(scraped?.labels['client'] ?? '', escapeControls(one));
      assert.equal(scraped?.labels['last'], 'z');
      assert.equal(lineOf(one) === lineOf(other), one === other);
      assert.doesNotMatch(lineOf(one).slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 1000 },
  );
});

test('every name is one that Prometheus takes, with its unit at its end', () => {
  for (const { name, unit, help, type } of families) {
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.ok(unit === null || name.endsWith(`_${unit}`), name);
    assert.ok(help.endsWith('.'), help);
    assert.equal(type === 'info', name.endsWith('_info'));
  }
  assert.equal(new Set(families.map(({ name }) => name)).size, families.length);
});
