import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { refusedVisit, runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { startLoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { mail } from '../../storage/support/alert-samples.ts';
import { pluckAll } from '../../support/pluck.ts';
import { configFolder, exits, runBuilt, runCli, type CliResult } from '../../support/programs/run-cli.ts';
import { alertFolder, firing } from '../support/stored-alerts.ts';
import { isWide } from '../../support/long-tests.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

interface Line {
  readonly client: string;
  readonly state: string;
  readonly report_age_s: number | null;
  readonly cpu_percent: number | null;
  readonly memory_percent: number | null;
  readonly disk_mount: string | null;
  readonly next_attempt_at: string | null;
  readonly error: { readonly code: string } | null;
  readonly at_limit: { readonly memory: string | null };
}

interface StatusJson {
  readonly last_run: { readonly outcome: string; readonly succeeded: number } | null;
  readonly unlisted: number;
  readonly clients: readonly Line[];
}

const parse = ({ stdout }: CliResult): StatusJson => JSON.parse(stdout) as StatusJson;

test('after <storage url> has changed a line names the database that was left behind', async (t) => {
  const config = '<config><client name="b" ip="192.0.2.2" state="paused"/></config>';
  const dir = configFolder(t, config);
  assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
  writeFileSync(path.join(dir, 'config.xml'), config.replace('<client', '<storage url="sqlite:other.db"/><client'));
  await exits(1, runCli(['status'], { cwd: dir }), {
    stdout: /No run yet[^]*state\/fleet\.db holds what was stored before <storage url> named another database/,
  });
  const checked = await runCli(['check', '--connect'], { cwd: dir });
  assert.match(checked.stdout, /^warning: .*state\/fleet\.db holds what was stored before <storage url>/m);
  const first = await runCli(['collect'], { cwd: dir });
  assert.match(first.stdout, /event=note message=".*state\/fleet\.db holds what was stored before <storage url>/);
  const second = await runCli(['collect'], { cwd: dir });
  assert.doesNotMatch(second.stdout, /holds what was stored/);
});

test('a TZ that names no zone is said, and quiet is quiet', rare, async (t) => {
  const dir = configFolder(t, '<config><client name="b" ip="192.0.2.2" state="paused"/></config>');
  const status = (...args: readonly string[]) =>
    runBuilt([...args, 'status'], { cwd: dir, env: { TZ: 'Europe/Berln' } });
  const said =
    /^TZ=Europe\/Berln is no zone that Node\.js knows, so times are in UTC\. Did you mean Europe\/Berlin\?\n$/;
  assert.match((await status()).stderr, said);
  assert.equal((await status('-q')).stderr, '');
});

test('of a group only its own alerts count, and not those about the fleet as a whole', async (t) => {
  const web = '<group name="web"><client name="w" ip="192.0.2.1"/></group>';
  const ofFleet = firing({ client: '', rule: 'collector-silent', subject: '', severity: 'warning' });
  const { json } = await alertFolder(t, {
    config: `<config>${web}<client name="db" ip="192.0.2.2"/></config>`,
    alerts: [firing({ client: 'w', severity: 'warning' }), firing({ client: 'db' }), ofFleet],
  });
  const counts = async (...args: string[]): Promise<unknown> => (await json('status', ...args))['alerts'];
  assert.deepEqual(await counts(), { firing: 3, critical: 1, fleet: 1 });
  assert.deepEqual(await counts('--group', 'web'), { firing: 1, critical: 0, fleet: 0 });
  assert.deepEqual(await counts('db'), { firing: 1, critical: 1, fleet: 0 });
});

test('of a group that needs its members, who serves and its alert are shown too', async (t) => {
  const web = '<group name="web" need="1"><client name="w-[1-2]" ip="192.0.2.[1-2]"/></group>';
  const config = `<config>${web}<client name="other" ip="192.0.2.9"/></config>`;
  const stored = [firing({ client: '', rule: 'group-short', subject: 'web' }), firing({ client: 'w-1' })];
  const { dir } = await alertFolder(t, { config, alerts: stored });
  const lines = async (...args: readonly string[]): Promise<string> =>
    (await runCli(['status', ...args], { cwd: dir })).stdout;
  assert.match(
    await lines('--group', 'web'),
    /^Groups: web 0-2\/2, 1 needed[^]*^2 alerts fire \(2 critical, 1 about the fleet or its groups\)/m,
  );
  assert.match(await lines('w-1'), /^(?![^]*Groups:)[^]*^1 alert fires /m);
});

test('runs that a wrong clock left in the future do not hide how long ago the last one was', async (t) => {
  const { ran, run } = await alertFolder(t, { config: '<config><client name="db" ip="192.0.2.2"/></config>' });
  const future = Date.UTC(2099, 0, 1, 10);
  const ago = (hours: number): number => Date.now() - hours * 3_600_000;
  await ran({ program: 'collect', startedAtMs: future });
  assert.match((await run('status')).stdout, /Last run finished at 2099-01-01 10:00, by a clock that was wrong; of 3/);
  await ran({ program: 'collect', startedAtMs: ago(2) });
  await ran({ program: 'collect', startedAtMs: ago(3) });
  await ran({ program: 'alert', startedAtMs: future });
  await ran({ program: 'alert', startedAtMs: ago(4) });
  const { stdout } = await run('status');
  assert.match(stdout, /Last run finished 2h ago; of 3 clients asked, 2 answered\./);
  assert.match(stdout, /Last pass of the alerter finished 4h ago\./);
});

test('before the first run every client is shown as new, and nothing is made', async (t) => {
  const clients = '<client ip="192.0.2.1"/><client name="b" ip="192.0.2.2" state="paused"/>';
  const dir = configFolder(t, `<config>${clients}</config>`);
  const { status, stdout, stderr } = await runCli(['status'], { cwd: dir });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^192\.0\.2\.1 +new +- +- +- +- +- +- +0$/m);
  assert.match(stdout, /^b +paused /m);
  assert.match(stdout, /No run yet/);
  assert.ok(!existsSync(path.join(dir, 'state')));
});

test('what needs attention stands first, with its last error; values at a limit are marked', async (t) => {
  const fleet = await startLoopbackFleet(t, 3, { trusted: true });
  fleet.configure('<alerts><mail to="a@example.org"/><alert type="memory" limit="0%"/></alerts>');
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  await fleet.run(['-q', 'collect', 'c1', 'c2']);
  await fleet.servers[1]?.close();
  await fleet.run(['-q', 'collect', 'c1', 'c2']);
  const { clients, last_run: lastRun } = parse(await fleet.run(['--json', 'status']));
  const states = clients.map(({ client, state, error }) => `${client} ${state} ${error?.code ?? '-'}`);
  assert.deepEqual(states, ['c2 failing connect-refused', 'c3 new -', 'c1 ok -']);
  assert.equal(lastRun?.succeeded, 1);
  const [failing, fresh, well] = clients as [Line, Line, Line];
  // The newest report dates from before the server was stopped.
  assert.equal(typeof failing.report_age_s, 'number');
  assert.deepEqual([fresh.report_age_s, fresh.cpu_percent], [null, null]);
  assert.ok(typeof well.memory_percent === 'number');
  assert.equal(typeof well.cpu_percent, 'number');
  assert.equal(well.at_limit.memory, 'critical');

  const { stdout } = await fleet.run(['status']);
  assert.match(stdout, /^c2 +failing .*\n {4}connect-refused: /m);
  assert.match(stdout, /^c1 +ok +node +\d+s +[\d.]+% +[\d.]+%! /m);
  assert.match(stdout, /Last run finished \d+s ago; of 2 clients asked, 1 answered\. `!` marks a value at its limit\./);
});

test('clients that left config.xml are named, with a hint at the new name of the same machine', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1');
  await fleet.run(['-q', 'collect']);
  const elsewhere = configFolder(t, '');
  const place = { cwd: elsewhere };
  const write = (clients: string): void => {
    const content = `<config><state dir="${fleet.dir}/state"/>${clients}</config>`;
    writeFileSync(path.join(elsewhere, 'config.xml'), content, { mode: 0o600 });
  };
  write('<client ip="192.0.2.1"/>');
  const status = parse(await runCli(['--json', 'status'], place));
  assert.deepEqual([status.unlisted, status.clients.map(({ client }) => client)], [1, ['192.0.2.1']]);
  const { stdout } = await runCli(['status'], place);
  assert.match(stdout, /^Not in config\.xml any more: c1 \(last visited .*\)\. fleet-health forget client NAME /m);
  assert.doesNotMatch(stdout, /has the address/);
  await exits(
    2,
    runCli(['explain', 'c1'], place),
    /"c1" is not in config\.xml any more; only its history is stored .* was="c1"/,
  );

  write('<client name="new-1" ip="127.0.0.1"/>');
  const renamed = await runCli(['status'], place);
  const hint = /^new-1 has the address of c1\. If it is the same machine: was="c1" keeps its history\.$/m;
  assert.match(renamed.stdout, hint);

  await exits(2, runCli(['forget', 'client', 'c1'], place), /nobody can be asked here/);
  const forget = (name: string): Promise<CliResult> => runCli(['forget', 'client', name, '--yes'], place);
  assert.equal((await forget('c1')).stdout, 'All that was stored of c1 is gone.\n');
  assert.equal(parse(await runCli(['--json', 'status'], place)).unlisted, 0);
  assert.match((await forget('new-1')).stderr, /"new-1" is a client of config\.xml/);
});

test('a client whose login was refused is said with the next try, and what tries at once', rare, async (t) => {
  const fleet = await startLoopbackFleet(t, 2, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  fleet.configure('<client name="locked" ip="127.0.0.1" port="1"/>');
  const config = loadConfig({ file: path.join(fleet.dir, 'config.xml') });
  const storage = await openStorage({ storage: config.storage, migrate: true });
  const start = runStart({ startedAtMs: Date.now(), configDigest: config.digest });
  await storage.reports.startRun(start);
  const refused = { ok: false, stage: 'login', code: 'auth-failed', message: 'refused publickey for root' };
  const nextAttemptAtMs = Date.now() + 600_000;
  await storage.reports.saveVisits([
    visit({ ...refused, runId: start.id, client: 'locked', startedAtMs: Date.now(), nextAttemptAtMs }),
  ]);
  await storage.close();
  const { stdout } = await fleet.run(['status', 'lock*']);
  const refusal = /^locked +failing .*\n {4}auth-failed: refused publickey for root\n {4}login refused, /;
  const next = /next try \d{4}-.*; fleet-health collect locked tries now$/;
  assert.match(stdout, new RegExp(refusal.source + next.source, 'm'));
  assert.doesNotMatch(stdout, /^c1/m);
  const [line] = parse(await fleet.run(['--json', 'status', 'locked'])).clients;
  assert.equal(Date.parse(line?.next_attempt_at ?? ''), nextAttemptAtMs);
  const collected = await fleet.run(['collect']);
  assert.match(collected.stdout, /event=skipped client=locked code=auth-failed next_attempt=\d{4}-/);
  const json = JSON.parse((await fleet.run(['--json', 'collect'])).stdout) as { skipped_clients: { client: string }[] };
  assert.equal(json.skipped_clients.map(({ client }) => client).join(), 'locked');
});

test('the fullest disk is named, patterns choose, --sort orders, --exit-status says whether all is well', async (t) => {
  const fleet = await startLoopbackFleet(t, 2, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1', 'c2');
  assert.equal((await fleet.run(['-q', 'collect'])).status, 0);
  const document = parse(await fleet.run(['--json', 'status']));
  assert.match(document.clients[0]?.disk_mount ?? '', /^\//);
  assert.match((await fleet.run(['status'])).stdout, /^c1 +ok .* [\d.]+% +\/\S* +0$/m);
  const names = async (...args: string[]): Promise<readonly string[]> =>
    parse(await fleet.run(['--json', 'status', ...args])).clients.map(({ client }) => client);
  assert.deepEqual(await names('c2'), ['c2']);
  assert.deepEqual([...(await names('--sort', 'disk'))].sort(), ['c1', 'c2']);
  assert.equal((await fleet.run(['status', 'd*'])).status, 2);
  assert.equal((await fleet.run(['status', '--exit-status'])).status, 0);
  await fleet.servers[1]?.close();
  await fleet.run(['-q', 'collect']);
  assert.equal((await fleet.run(['status'])).status, 0);
  assert.equal((await fleet.run(['status', '--exit-status'])).status, 1);
  assert.equal((await fleet.run(['status', 'c1', '--exit-status'])).status, 0);
});

test('a database that is away is one line and exit status 3', async (t) => {
  const storage = '<storage url="mysql://u@127.0.0.1:1/f" password="hidden"/>';
  const dir = configFolder(t, `<config>${storage}<client ip="192.0.2.1"/></config>`);
  const { status, stdout, stderr } = await runCli(['--json', 'status'], { cwd: dir });
  assert.equal(status, 3);
  const { error } = JSON.parse(stdout) as { error: { code: string; stage: string } };
  assert.deepEqual([error.code, error.stage], ['storage-unavailable', 'storage']);
  assert.match(stderr, /^fleet-health: .* \(storage-unavailable\)\. .*\n$/);
  assert.ok(!`${stdout}${stderr}`.includes('hidden'));
});

/** Makes a folder of two clients with five alerts, three mails, two of them not delivered, and a silence. */
async function alertedFolder(t: TestContext): ReturnType<typeof alertFolder> {
  const config = `<config><alerts><mail to="ops@example.org"/></alerts>
    <client name="web-1" ip="192.0.2.1"/><client name="web-2" ip="192.0.2.2"/></config>`;
  const folder = await alertFolder(t, {
    config,
    alerts: [
      firing(),
      firing({ rule: 'inodes', severity: 'warning' }),
      firing({ client: 'web-2', severity: 'warning' }),
      firing({ client: '', rule: 'collector-silent', subject: 'c0ffee' }),
      firing({ client: 'web-2', rule: 'memory', subject: '', state: 'pending', firingSinceMs: null }),
    ],
    plan: {
      mails: [
        mail(),
        mail({ messageId: '<second@example.org>', notifications: [] }),
        mail({ messageId: '<third@example.org>', notifications: [] }),
      ],
    },
  });
  await folder.deliver(
    { kind: 'put-off', error: 'no answer within 20 s' },
    { kind: 'refused', error: '550 no such user' },
  );
  await folder.run('silence', 'add', '--client', 'web-2', '--until', '2h');
  return folder;
}

test('open alerts, mails queued and not delivered, and silences are counted', async (t) => {
  const { said, json } = await alertedFolder(t);
  const stdout = await said('status');
  assert.match(stdout, /^web-1 +new +- +- +- +- +- +- +2$/m);
  assert.match(stdout, /^4 alerts fire \(2 critical, 1 about the fleet as a whole\): fleet-health alerts\.$/m);
  assert.match(
    stdout,
    /^2 mails not delivered, the oldest for \w+, 1 refused for good; last error: 550 no such user\.$/m,
  );
  assert.match(stdout, /^1 mail queued, not tried yet\.$/m);
  assert.match(stdout, /^Silence 1 until .* holds back 1 alert: fleet-health silence list\.$/m);
  const { alerts, undelivered, silences, clients } = await json('status');
  assert.deepEqual(alerts, { firing: 4, critical: 2, fleet: 1 });
  assert.deepEqual(
    { ...(undelivered as object), oldest_at: '' },
    { mails: 2, refused: 1, queued: 1, oldest_at: '', last_error: '550 no such user' },
  );
  assert.equal(silences, 1);
  const worst = pluckAll(clients as readonly Record<string, unknown>[], 'client', 'open_alerts', 'worst_alert');
  assert.deepEqual(
    worst.map((line) => line.join(' ')),
    ['web-1 2 critical', 'web-2 1 warning'],
  );
});

test('without a schema, where no run may make one, status says what is missing', async (t) => {
  const dir = configFolder(t, '<config><storage migrate="no"/><client name="web-1" transport="local"/></config>');
  await exits(
    3,
    runCli(['status'], { cwd: dir }),
    /has no schema, .*migrate="no".*\(migration-mismatch\)\. Run `fleet-health migrate`/,
  );
});

test('--failing and --not-visited narrow both lists, with their counts', async (t) => {
  const { run, json, store } = await alertFolder(t, {
    config: `<config>
      <client name="good" ip="192.0.2.1"/><client name="bad" ip="192.0.2.2"/><client name="fresh" ip="192.0.2.3"/>
      <client name="old" ip="192.0.2.4" state="retired"/></config>`,
    alerts: [firing({ client: 'good', severity: 'warning' }), firing({ client: 'bad' }), firing({ client: '' })],
  });
  await store(async ({ reports }) => {
    const start = runStart({ startedAtMs: Date.now() - 60_000 });
    await reports.startRun(start);
    const own = { runId: start.id, startedAtMs: Date.now() - 50_000 };
    await reports.saveVisits([visit({ ...own, client: 'good' }), visit({ ...own, ...refusedVisit, client: 'bad' })]);
    await reports.endRun(start, runEnd(start));
  });
  const names = async (...args: string[]): Promise<string> => {
    const { clients } = (await json('status', ...args)) as { clients: readonly Line[] };
    return clients.map(({ client }) => client).join(' ');
  };
  assert.equal(await names(), 'bad good fresh old');
  assert.equal(await names('--failing'), 'bad');
  assert.equal(await names('--not-visited'), 'fresh');
  assert.equal(await names('--failing', 'good'), '');
  assert.deepEqual((await json('status', '--failing'))['alerts'], { firing: 1, critical: 1, fleet: 0 });
  assert.match((await run('status', '--failing', 'good')).stdout, /^No client is like that\.$/m);
  assert.equal((await run('status', '--exit-status', '--not-visited')).status, 0);
  const alerts = async (...args: string[]): Promise<string> => {
    const { alerts: shown } = (await json('alerts', ...args)) as { alerts: readonly Line[] };
    return shown.map(({ client }) => client || '-').join(' ');
  };
  assert.equal(await alerts('--failing'), 'bad');
  assert.equal(await alerts('--not-visited'), '');
  assert.equal(await alerts('--sort', 'client'), '- bad good');
});
