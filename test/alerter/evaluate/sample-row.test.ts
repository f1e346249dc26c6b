import assert from 'node:assert/strict';
import { test } from 'node:test';

import { besideRow, loadRows, watchedClients } from '../../../src/alerter/evaluate/load-rows.ts';
import { evaluatedFigures, needsOf, sampleReport } from '../../../src/alerter/evaluate/sample-row.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import { reportWith, worker } from '../../report/support/sample-report.ts';
import { clientWith, configOf } from '../support/config-of.ts';
import { observe, reportOf, said, type Row } from '../support/observe.ts';
import { diskRow, networkRow, reportRow, rowOfReport } from '../support/rows.ts';

test('the conditions that follow from reports', () => {
  const dead = diskRow({ mount: '/srv', fstype: 'nfs4', scope: 'network', used_percent: null, unresponsive: 1 });
  const report = reportWith(worker('disks', [{ name: 'disk', data: [] }]), worker('os', [], 'no answer'));
  const row = { clockOffsetMs: 61_000, probe_errors: 1, unresponsive_mounts: 1 };
  assert.deepEqual(said('', { row, disks: [diskRow(), dead], report }, 'condition'), [
    'unreachable: none (reached)',
    'clock-offset: warning (1m 1s ahead; at least 1m)',
    'read-only /: none (writable)',
    'mount-unresponsive /srv: critical (does not answer)',
    'probe-failed os: warning (no answer)',
  ]);
});

test('the rules that hold without any rule of their type', () => {
  const row = { memory_percent: 98, failed_units: 1, open_files_percent: 95, clock_synchronised: 0 };
  const report = reportOf({ name: 'failed_unit', data: [{ unit: 'a.service', failed: 1 }] });
  assert.deepEqual(said('', { row, disks: [diskRow({ used_percent: 92, inodes_percent: 91 })], report }, 'default'), [
    'memory: critical (98 %; at least 97 %)',
    'open-files: warning (95 %; at least 90 %)',
    'conntrack: none (4 %; at least 90 %)',
    'clock-unsynchronised: warning (not synchronised)',
    'disk /: warning (92 % used, 50 of 100 GiB free; at least 90 %)',
    'inodes /: warning (91 %; at least 90 %)',
    'service a.service: warning (failed)',
  ]);
});

const ofDisks = ['disk', 'inodes', 'mount-missing', 'mount-unresponsive', 'read-only'];
const whole = [...ofDisks, 'probe-failed', 'service'].sort();

test('subjects are all listed where no probe failed and none left anything out', () => {
  const complete = (row: Row): readonly string[] => [...observe('', row).complete].sort();
  assert.deepEqual(complete({}), whole);
  const without = (...names: readonly string[]): readonly string[] => whole.filter((name) => !names.includes(name));
  assert.deepEqual(complete({ row: { unresponsive_mounts: null }, disks: [] }), without(...ofDisks), 'no disks');
  const failed = complete({ row: { probe_errors: 1 } });
  assert.deepEqual(failed, without(...ofDisks, 'probe-failed'), 'which probe is not known');
  const disks = Array.from({ length: 200 }, (_, index) => diskRow({ mount: `/${index}` }));
  assert.deepEqual(complete({ disks }), without(...ofDisks), 'as many as are reported at most');
  assert.deepEqual(complete({ row: { failed_units: null } }), without('service'), 'no systemd');
  assert.deepEqual(complete({ row: { failed_units: 2 } }), without('service'), 'the report is not there');
});

test('interfaces are all listed if some are, no probe failed and none was left out', () => {
  const isWhole = (row: Row): boolean =>
    observe('<alert name="net" type="network-errors" limit="3"/>', row).complete.includes('net');
  const networks = [networkRow()];
  assert.equal(isWhole({ networks }), true);
  assert.equal(isWhole({ networks: [] }), false, 'perhaps no probe looked for them');
  assert.equal(isWhole({ networks: null }), false);
  assert.equal(isWhole({ networks, row: { probe_errors: 1 } }), false);
  const many = Array.from({ length: 200 }, (_, index) => networkRow({ interface: `veth${index}` }));
  assert.deepEqual(
    [many.slice(1), many].map((all) => isWhole({ networks: all })),
    [true, false],
  );
  const reported = (omitted: number) =>
    reportWith(worker('network', [{ name: 'network', data: [], ...(omitted === 0 ? {} : { omitted }) }]));
  assert.equal(isWhole({ networks: many, report: reported(0) }), true, 'by the report');
  assert.equal(isWhole({ networks, report: reported(3) }), false);
});

test('a report lists all processes of a rule, so that an alert about any other is over', () => {
  const rule = '<alert type="process" name="sshd" match="sshd"/>';
  assert.ok(observe(rule, { report: reportWith() }).complete.includes('sshd'));
  assert.ok(!observe(rule, { report: null }).complete.includes('sshd'));
});

test('with the report it is known which probe failed and what was left out', () => {
  const place = { mount: '/', fstype: 'ext4', source: '/dev/vda1', scope: 'local', mode: 'rw' };
  const disk = { ...place, used_percent: 50, unresponsive: 0 };
  const complete = (...workers: readonly WorkerReport[]): readonly string[] =>
    [...sampleReport({ client: clientWith(''), ...rowOfReport(reportWith(...workers)), checks: null }).complete].sort();
  const services = worker('services', [{ name: 'services', data: [{ failed_units: 0 }] }]);
  const disks = worker('disks', [{ name: 'disk', data: [disk] }]);
  assert.deepEqual(complete(disks, services, worker('os', [], 'broken')), whole);
  const left = complete(worker('disks', [{ name: 'disk', data: [disk], omitted: 3 }]), services);
  assert.deepEqual(left, ['probe-failed', 'service']);
  assert.deepEqual(
    complete(worker('disks', [{ name: 'disk', data: [disk] }], 'more mounts than can be read'), services),
    ['probe-failed', 'service'],
  );
});

test('what has to be loaded follows from the rules, and of whole reports from the row', () => {
  const rules = (alerts: string) => clientWith(alerts).rules;
  const faults = reportRow({ failed_units: 1, probe_errors: 1 });
  assert.deepEqual(needsOf(rules(''), faults), { disks: true, networks: false, checks: true, reports: true });
  const quiet = { disks: true, networks: false, checks: true, reports: false };
  assert.deepEqual(needsOf(rules(''), reportRow()), quiet);
  assert.deepEqual(needsOf(rules(''), reportRow({ failed_units: null })), quiet);
  assert.equal(needsOf(rules(''), reportRow({ failed_units: 1 })).reports, true);
  assert.equal(needsOf(rules(''), reportRow({ probe_errors: 1 })).reports, true);
  assert.equal(needsOf(rules('<alert type="zombies" limit="3"/>'), reportRow()).reports, true);
  assert.equal(needsOf(rules('<alert type="service" unit="nginx" state="active"/>'), reportRow()).reports, true);
  assert.equal(needsOf(rules('<alert type="network-errors" limit="3"/>'), faults).networks, true);
  assert.equal(needsOf(rules('<alert type="log" match="x" limit="3"/>'), reportRow()).reports, true);
  assert.equal(needsOf(rules('<alert type="process" match="sshd"/>'), reportRow()).reports, true);
  const none = ofDisks.map((name) => `<alert name="${name}" enabled="no"/>`).join('');
  assert.equal(needsOf(rules(none), faults).disks, false);
  assert.equal(needsOf(rules(`${none}<alert type="mount" mount="/data"/>`), faults).disks, true);
});

test('of rows only that is loaded which the rules of their clients need', async () => {
  const written = (alerts: string) => ({ rules: clientWith(alerts).rules.filter(({ origin }) => origin === 'file') });
  const clients = new Map([
    ['a', written('')],
    ['b', written('<alert type="inodes" limit="90%"/>')],
    ['c', written('<alert type="network-errors" limit="3"/>')],
    ['d', written('<alert type="check"/>')],
    ['e', written('<alert type="zombies" limit="3"/>')],
  ]);
  const asked: Record<string, readonly unknown[]> = {};
  const ask = (what: string) => (ids: readonly unknown[]) => {
    asked[what] = ids;
    return Promise.resolve(new Map<number, never>());
  };
  const store = {
    ...{ disksOf: ask('disks'), networksOf: ask('networks'), checksOf: ask('checks') },
    ...{ reportsOf: ask('reports'), checksDayBefore: ask('growing') },
  };
  const reports = [...clients.keys(), 'gone'].map((client, id) => reportRow({ client, id }));
  const rows = await loadRows({ clients, store, batch: { reports, visits: [] } });
  assert.deepEqual(asked, { disks: [1], networks: [2], checks: [3], reports: [4], growing: [] });
  const unknown = { disks: null, networks: null, checksDayBefore: null, report: null };
  assert.deepEqual(await besideRow(rows, 1), { ...unknown, checks: [] }, 'a report without checks has none');
});

test('a client that is renamed is evaluated under both names, and a retired one under none', () => {
  const config = configOf(`<client name="web" was="old" ip="192.0.2.1" username="u"/>
    <client name="db" ip="192.0.2.2" username="u"/><client name="gone" ip="192.0.2.3" username="u" state="retired"/>`);
  const watched = [...watchedClients(config)].map(([name, client]) => [name, client.name]);
  assert.deepEqual(watched, [
    ['old', 'old'],
    ['web', 'web'],
    ['db', 'db'],
  ]);
});

test('only figures that a rule evaluates are read, beside those of all rows', () => {
  const common = ['oom_kills', 'probe_errors', 'unresponsive_mounts', 'uptime_s'];
  const figures = (inner: string): readonly string[] => evaluatedFigures([clientWith(inner), clientWith(inner)]);
  const none = figures('').filter((figure) => !common.includes(figure));
  assert.deepEqual(none, [
    'clock_synchronised',
    'conntrack_percent',
    'failed_units',
    'memory_percent',
    'open_files_percent',
  ]);
  const ruled = figures(
    '<alert type="load" limit="4"/><alert metric="swap_used_percent" limit="50%"/><alert type="reboot-required"/>',
  );
  assert.deepEqual(
    ruled.filter((figure) => !common.includes(figure) && !none.includes(figure)),
    ['cpus', 'load5', 'reboot_required', 'swap_percent'],
  );
});

test('processes that the kernel has killed are named where logs are read', () => {
  const texts = [
    'Out of memory: Killed process 812 (mysqld) total-vm:2048kB, anon-rss:1024kB',
    'Memory cgroup out of memory: Killed process 9 (tmux: server) total-vm:1kB',
    'oom_reaper: reaped process 812 (mysqld), now anon-rss:0kB',
  ];
  const rows = texts.map((text) => ({ priority: 'err', text, times: 1 }));
  const report = reportOf({ name: 'log_line', data: rows });
  assert.deepEqual(observe('', { row: { oom_kills: 2 }, report }).oomKilled, ['mysqld', 'tmux: server']);
  assert.deepEqual(observe('', { row: { oom_kills: 2 }, report: null }).oomKilled, []);
  assert.ok(needsOf(clientWith('').rules, reportRow({ oom_kills: 1 })).reports);
});
