import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { statsFigureNames } from '../../../src/report/metrics.ts';
import { check, item, noonMs, runStart, visit, worker } from '../../storage/support/samples.ts';
import { mail } from '../../storage/support/alert-samples.ts';
import { pluck } from '../../support/pluck.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { reportedConfig, reportedFleet } from '../support/reported-fleet.ts';
import { alertFolder, firing } from '../support/stored-alerts.ts';

test('show says what one wants after a mail: alerts, figures, disks, processes, a day, visits and mails', async (t) => {
  const { run } = await reportedFleet(t);
  const { status, stdout, stderr } = await run('show', 'web-1');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  for (const line of [
    /^web-1 {2}late {2}192\.0\.2\.1 in web$/m,
    /^Its newest report is of .* \(1h ago\): all figures are that old\.$/m,
    /^ 1 {2}critical {2}disk \/var {2}96\.2 % \(limit 95 %\) .* nobody\n {4}to acknowledge it: fleet-health ack 1$/m,
    /^CPU +12\.5 % of 4 CPUs$/m,
    /^Memory +41\.7 % with 4\.53 GiB of 7\.77 GiB available$/m,
    /^\/data +91\.5 % +80\.1 GiB +252 GiB +4\.2 % +ext4 rw +\/dev\/vd5\n\/ +63\.1 % /m,
    /^CRITICAL +mailq +1h +210 <b>unsent<\/b>\nOK +apt +1d\+ +fine$/m,
    /^units +1 failed$/m,
    /^nginx +812 +7\.5 % +-$/m,
    /^cpu {5}[▁▂▃▄▅▆▇█·]{48} {2}12\.5 %$/m,
    /^ {8}a character is 30m, · is no report$/m,
    /^\d{4}-\d\d-\d\d \d\d:\d\d {2}ok +750 ms +82 ms$/m,
    /^No inventory is stored: it comes with a visit once a day\.$/m,
    /^Nobody was mailed about it\.$/m,
    /^Times are .*\. fleet-health explain web-1 says why somebody was or was not notified\.$/m,
  ]) {
    assert.match(stdout, line);
  }
});

test('show --json has each figure of a report that has a column', async (t) => {
  const { run } = await reportedFleet(t);
  const document = JSON.parse((await run('--json', 'show', 'web-1')).stdout) as { report: object };
  const shown = Object.keys(document.report);
  assert.deepEqual(
    statsFigureNames.filter((name) => !shown.includes(name)),
    [],
  );
});

test('show --json has the fields of status and its own, with null where there is no report', async (t) => {
  const { run } = await reportedFleet(t);
  const document = JSON.parse((await run('--json', 'show', 'web-1')).stdout) as Record<string, unknown>;
  const own =
    'groups alerts report disks forecasts networks checks processes_by_cpu processes_by_memory failed_unit_names ' +
    'probe_error_texts visits day inventory mails log_counts logs';
  const ofStatus = Object.keys(
    (JSON.parse((await run('--json', 'status', 'web-1')).stdout) as { clients: object[] }).clients[0] ?? {},
  );
  assert.deepEqual(Object.keys(document), ['command', 'at', ...ofStatus, ...own.split(' ')]);
  const {
    day,
    disks,
    processes_by_cpu: byCpu,
  } = document as {
    day: { step_s: number; cpu_percent: (number | null)[] };
    disks: { mount: string }[];
    processes_by_cpu: object[];
  };
  assert.equal(day.step_s, 300);
  assert.equal(
    day.cpu_percent.find((value) => value !== null),
    12.5,
  );
  assert.ok(day.cpu_percent.includes(null), 'a time without a report is null');
  assert.deepEqual(
    disks.map(({ mount }) => mount),
    ['/', '/data', '/boot'],
  );
  assert.deepEqual(byCpu, [{ process: 'nginx', pid: 812, percent_of_one_cpu: 7.5 }]);
});

test('before the first run, and of a client without any row, it says so plainly', async (t) => {
  const fresh = await runCli(['show', 'db'], { cwd: configFolder(t, reportedConfig) });
  assert.deepEqual([fresh.status, fresh.stderr], [0, '']);
  const unvisited = /^db {2}new .*\nIt was never visited: fleet-health collect db .*\nNo report of it is stored\.$/m;
  assert.match(fresh.stdout, unvisited);
  const { said } = await alertFolder(t, { config: reportedConfig });
  const stdout = await said('show', 'db');
  assert.match(stdout, /^db {2}new /);
  for (const line of ['No alert is open.', 'Nothing is stored of this time.', 'No visit is stored.']) {
    assert.ok(stdout.includes(`\n${line}\n`), line);
  }
});

test('a client that left config.xml is shown, with what removes its history', async (t) => {
  const { dir, run } = await reportedFleet(t);
  writeFileSync(path.join(dir, 'config.xml'), '<config><client name="web-1" ip="192.0.2.1"/></config>');
  const { status, stdout } = await run('show', 'db');
  assert.equal(status, 0);
  const gone = /^db {2}left .*\nIt is not in config\.xml any more: only its history is stored\. fleet-health forget/;
  assert.match(stdout, gone);
  assert.equal((JSON.parse((await run('--json', 'show', 'db')).stdout) as { state: string }).state, 'left');
});

test('visits of several collectors say by which, those of one do not', async (t) => {
  const { said, json, store } = await alertFolder(t, { config: reportedConfig });
  const visited = async (host: string, startedAtMs: number): Promise<void> => {
    const start = runStart({ startedAtMs, host, collectorId: host });
    await store(async ({ reports }) => {
      await reports.startRun(start);
      await reports.saveVisits([visit({ runId: start.id, client: 'db', startedAtMs })]);
    });
  };
  await visited('hq-1', noonMs);
  assert.match(await said('show', 'db'), /^started +result +took +login$/m);
  await visited('hq-2', noonMs + 300_000);
  const stdout = await said('show', 'db');
  assert.match(stdout, /^started +result +took +login +by$/m);
  assert.match(stdout, / ok +750 ms +82 ms +hq-2\n.* ok +750 ms +82 ms +hq-1$/m);
  const { visits } = (await json('show', 'db')) as { visits: { host: string }[] };
  assert.deepEqual(pluck(visits, 'host'), ['hq-2', 'hq-1']);
});

for (const [name, asked, expected] of [
  ['near one of config.xml', 'wbe-1', /there is no client "wbe-1"; did you mean "web-1"\?/],
  ['that is several clients', '*', /"\*" is 2 clients \(usage\)\. Name one of them/],
] as const) {
  test(`a name ${name} is refused in one line`, async (t) => {
    const { status, stdout, stderr } = await (await reportedFleet(t)).run('show', asked);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, expected);
  });
}

test('hostile mounts, processes and units are inert, notes and mails stand with their alert', async (t) => {
  const evil = '\u001b[2J\u202e</script>';
  const note = 'call the storage team';
  const config = `<config><alerts><mail to="ops@example.org"/><alert type="disk" limit="95%" note="${note}"/></alerts>
    <client name="web-1" ip="192.0.2.1"/></config>`;
  const { said, store, deliver } = await alertFolder(t, {
    config,
    alerts: [firing({ subject: evil })],
    plan: { mails: [mail()] },
  });
  await deliver({ kind: 'refused', error: `550 no such user ${evil}` });
  const unit = { unit: evil, failed: 1 };
  const disk = { mount: evil, scope: 'local', mode: 'rw', used_percent: 50, size_bytes: 1024, available_bytes: 512 };
  await store(({ reports }) =>
    reports.ingest([
      item({
        observedAtMs: noonMs,
        workers: [
          worker('disk', disk),
          worker('services', { failed_units: 1 }),
          worker('failed_unit', unit),
          worker('process_memory', { process: evil, pid: 1, resident_bytes: 2 ** 20 }),
        ],
      }),
    ]),
  );
  const stdout = await said('show', 'web-1');
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.match(stdout, new RegExp(`^ {4}${note}$`, 'm'));
  assert.match(stdout, /^\\u\{1b\}\[2J\\u\{202e\}<\/script> +failed$/m);
  assert.match(stdout, /^\\u\{1b\}\S+ +1 +- +1 MiB$/m);
  assert.match(stdout, / refused +ops@example\.org +critical disk .*\n {4}550 no such user /);
});

test('the parts of the machine are those of its inventory, and no more than a screen holds', async (t) => {
  const { said, json, store } = await alertFolder(t, { config: reportedConfig });
  const modules = Array.from({ length: 20 }, (_, index) => ({
    slot: `DIMM ${index}`,
    type: 'DDR4',
    manufacturer: 'Samsung',
    serial: index === 0 ? '\u001b[2J' : null,
    size_bytes: 2 ** 34,
    megahertz: 3200,
  }));
  const disk = { device: 'sda', vendor: null, model: 'PM883', kind: 'SSD', interface: 'SATA', size_bytes: 2 ** 40 };
  await store(({ reports }) =>
    reports.ingest([
      item({
        client: 'db',
        name: 'Inventory report',
        workers: [worker('memory_module', ...modules), worker('disk_device', disk), worker('user', { user: 'root' })],
      }),
    ]),
  );
  const stdout = await said('show', 'db');
  assert.match(stdout, /^Module {2}DIMM 0, 16 GiB, DDR4, 3200 MHz, Samsung, serial \\u\{1b\}\[2J$/m);
  assert.match(stdout, /^Module {2}DIMM 15, .*\nModule {2}and 4 more\nDisk {4}sda, 1 TiB, SATA, SSD, PM883\n/m);
  assert.doesNotMatch(stdout, /^Card/m);
  const { inventory } = (await json('show', 'db')) as { inventory: Record<string, unknown> };
  assert.deepEqual((inventory['memory_modules'] as unknown[])[1], {
    slot: 'DIMM 1',
    type: 'DDR4',
    form: null,
    manufacturer: 'Samsung',
    part: null,
    serial: null,
    size_bytes: 2 ** 34,
    megahertz: 3200,
  });
  assert.deepEqual((inventory['disk_devices'] as { model: string }[])[0]?.model, 'PM883');
  assert.deepEqual([inventory['network_cards'], inventory['facts']], [null, undefined]);
});

/** Makes a folder with a report of 23 checks and one refused file. The texts of both are hostile. */
async function checkedFolder(t: TestContext): ReturnType<typeof alertFolder> {
  const folder = await alertFolder(t, { config: reportedConfig });
  const evil = '\u001b[2J\u202e</script>';
  const fine = Array.from({ length: 20 }, (_, index) => check(`ok-${String(index).padStart(2, '0')}`, 0, 'fine'));
  const checks = [
    ...fine,
    check('apt', 1, `APT WARNING: ${evil} | 'security ${evil}'=2;1;5\n${evil} second\nthird\nfourth\nfifth`),
    check('mailq', 2, 'CRITICAL: 210 unsent|unsent=210;50;200', { age_s: 240 }),
    check('load', null),
  ];
  const refused = [{ path: `/etc/${evil}.conf`, why: 'others can write to it' }];
  await folder.store(({ reports }) => reports.ingest([item({ observedAtMs: noonMs, checks, refused })]));
  return folder;
}

test('checks stand worst first, with what they say, and what they say is inert', async (t) => {
  const { said } = await checkedFolder(t);
  const stdout = await said('show', 'web-1');
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  const [, section = ''] = /^Checks\n([^]*?)\n\n/m.exec(stdout) ?? assert.fail(stdout);
  const lines = section.split('\n');
  assert.match(lines[0] ?? '', /^state +check +for +result of +text$/);
  assert.match(lines[1] ?? '', /^CRITICAL +mailq +\d+d\+ +4m before +CRITICAL: 210 unsent$/);
  assert.match(lines[2] ?? '', /^WARNING +apt +\d+d\+ +APT WARNING: \ufffd\[2J\\u\{202e\}<\/script>$/);
  assert.match(lines[3] ?? '', /^ {4}\S+<\/script> second$/);
  assert.deepEqual(lines.slice(4, 6), ['    third', '    fourth']);
  assert.match(lines[6] ?? '', /^UNKNOWN +\/etc\/\S+\.conf .*others can write to it$/);
  assert.match(lines[7] ?? '', /^UNKNOWN +load .*timeout$/);
  assert.match(lines[8] ?? '', /^OK +ok-00 /);
  assert.equal(lines.at(-1), 'and 4 more that are OK; --json has all');
});

test('show --json has all checks, worst first', async (t) => {
  const { json } = await checkedFolder(t);
  const { checks } = (await json('show', 'web-1')) as { checks: Record<string, unknown>[] };
  assert.equal(checks.length, 24);
  assert.deepEqual(checks[0], {
    check_name: 'mailq',
    state: 2,
    state_text: 'CRITICAL',
    text: 'CRITICAL: 210 unsent',
    perfdata: 'unsent=210;50;200',
    age_s: 240,
    refused: false,
    state_since: checks[1]?.['state_since'],
    state_may_be_older: true,
  });
  assert.equal(checks[2]?.['refused'], true);
});

/** Makes a folder with two reports of log lines and with counts of lines. The texts are hostile. */
async function loggedFolder(t: TestContext): ReturnType<typeof alertFolder> {
  const folder = await alertFolder(t, { config: reportedConfig });
  const evil = '\u001b]0;x\u0007\u202e<b>\n\u{1f4a5}';
  const line = (text: string): object => ({ time: '1795326068', priority: 'err', unit: 'sshd', text, times: 1 });
  const old = item({
    observedAtMs: noonMs,
    workers: [worker('log_line', ...Array<never>(15).fill(line('old') as never))],
  });
  const lines = [line('first'), line(evil), { unit: evil, text: 'last', times: 3 }] as never[];
  const counts = [
    worker('log', { source: 'journal', errors: 7 }),
    worker('log_match', { match: `x${evil}`, priority: 'info', count: 41 }),
  ];
  await folder.store(({ reports }) =>
    reports.ingest([old, item({ observedAtMs: noonMs + 1000, workers: [...counts, worker('log_line', ...lines)] })]),
  );
  return folder;
}

test('lines of logs stand newest first, and what they say is inert', async (t) => {
  const { said } = await loggedFolder(t);
  const stdout = await said('show', 'web-1');
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  const [, section = ''] = /^Logs\n([^]*?)\n\n/m.exec(stdout) ?? assert.fail(stdout);
  const [head = '', errors = '', matches = '', ...shown] = section.split('\n');
  assert.match(head, /^of +priority +new lines$/);
  assert.match(errors, /^journal +err +7$/);
  assert.match(matches, /^x.*<b>.* +info +41$/);
  assert.match(shown[0] ?? '', /^logged +priority +by +text$/);
  assert.match(shown[1] ?? '', /^\d\S+ \d\d:\d\d +- .*last \(3 times\)$/);
  assert.match(shown[2] ?? '', /^\S+ \S+ +err +sshd +\S+.*<b>/);
  assert.match(shown[3] ?? '', / first$/);
  assert.equal(shown.length, 19);
});

test('show --json has the counts of log lines and the lines', async (t) => {
  const { json } = await loggedFolder(t);
  const { logs, log_counts: counted } = (await json('show', 'web-1')) as Record<
    'logs' | 'log_counts',
    Record<string, unknown>[]
  >;
  assert.deepEqual(counted, [
    { metric: 'log_errors', source: 'journal', count: 7 },
    { metric: 'log_matches', match: 'x\ufffd]0;x\ufffd\ufffd<b>\ufffd\u{1f4a5}', priority: 'info', count: 41 },
  ]);
  assert.equal(logs.length, 18);
  assert.deepEqual(logs[2], {
    observed_at: new Date(noonMs + 1000).toISOString(),
    logged_at: new Date(1795326068000).toISOString(),
    unit: 'sshd',
    text: 'first',
    times: 1,
    priority: 'err',
  });
  assert.deepEqual(
    { logged_at: logs[0]?.['logged_at'], priority: logs[0]?.['priority'] },
    { logged_at: null, priority: null },
  );
});
