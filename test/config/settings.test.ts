import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { describeDefaults } from '../../src/config/describe-defaults.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { Secret } from '../../src/config/secret.ts';
import { configFolder, load, nowMs } from './support/config-files.ts';
import { pluck } from '../support/pluck.ts';

const client = '<client ip="10.0.0.1" mail="a@b" agent="env"/>';
const minutes = 60_000;
const days = 86_400_000;

test('settings that nobody wrote', () => {
  const folder = configFolder({ 'config.xml': `<config>${client}</config>` });
  const config = loadConfig({ file: path.join(folder, 'config.xml'), nowMs });
  assert.equal(config.file, path.join(folder, 'config.xml'));
  assert.equal(config.stateDir, path.join(folder, 'state'));
  assert.deepEqual(config.storage, { kind: 'sqlite', path: path.join(folder, 'state', 'fleet.db'), migrate: true });
  const { rawMs, detailMs, alertsMs, visitsMs, hourlyMs, dailyMs, changesMs } = config.retention;
  assert.deepEqual(
    { rawMs, detailMs, alertsMs, visitsMs, hourlyMs, dailyMs, changesMs },
    {
      ...{ rawMs: 30 * days, detailMs: 2 * days, alertsMs: 1825 * days, visitsMs: 90 * days },
      ...{ hourlyMs: 365 * days, dailyMs: 1825 * days, changesMs: 400 * days },
    },
  );
  assert.equal(config.smtp, null);
  assert.deepEqual(
    { notify: config.notify, heartbeats: config.heartbeats, bastions: config.bastions, explicit: config.explicit },
    { notify: [], heartbeats: [], bastions: [], explicit: [] },
  );
  const { repeatMs, groupIntervalMs, defaults, zone } = config.alerts;
  assert.deepEqual(
    { repeatMs, groupIntervalMs, defaults, zone },
    { repeatMs: 12 * 60 * minutes, groupIntervalMs: 15 * minutes, defaults: true, zone: null },
  );
});

test('a collector that nobody described', () => {
  const folder = configFolder({ 'config.xml': `<config>${client}</config>` });
  assert.deepEqual(loadConfig({ file: path.join(folder, 'config.xml'), nowMs }).collector, {
    everyMs: 5 * minutes,
    concurrency: 128,
    tcpTimeoutMs: 5000,
    connectTimeoutMs: 10_000,
    agentTimeoutMs: 15_000,
    clientDeadlineMs: 30_000,
    runDeadlineMs: 4 * minutes,
    perBastion: 10,
    perSubnet: 32,
    pipelining: true,
    changes: 'yes',
    neighbours: false,
    spoolBytes: 10 * 2 ** 30,
    keepStoredMs: 15 * 60_000,
    open: true,
    sharedSite: null,
    forward: null,
  });
});

test('a default gives way to what is written beside it', () => {
  const collector = (attributes: string): readonly number[] => {
    const { collector: read } = load(`<collector ${attributes}/>${client}`);
    const own = [read.tcpTimeoutMs, read.connectTimeoutMs, read.agentTimeoutMs];
    return [...own, read.clientDeadlineMs, read.runDeadlineMs].map((ms) => ms / 1000);
  };
  assert.deepEqual(collector('clientDeadline="8s"'), [5, 8, 8, 8, 240]);
  assert.deepEqual(collector('clientDeadline="3s"'), [3, 3, 3, 3, 240]);
  assert.deepEqual(collector('connectTimeout="1m"'), [5, 60, 15, 75, 240]);
  assert.deepEqual(collector('every="1m"'), [5, 10, 15, 30, 48]);
  assert.deepEqual(collector('runDeadline="20s"'), [5, 10, 15, 20, 20]);
  assert.deepEqual(collector('every="10s"'), [5, 10, 15, 30, 30]);
  const [warning] = load(`<collector every="10s"/>${client}`).warnings;
  assert.match(warning?.message ?? '', /runDeadline \(30s\) is longer than every \(10s\)/);
  assert.equal(load(`<retention raw="1d"/>${client}`).retention.detailMs, days);
});

test('storage by URL', () => {
  const url = 'mysql://fleet@[2001:db8::1]/fleet';
  const more = 'passwordEnv="P" socketPath="/run/mysqld.sock" ca="ca.pem" migrate="no"';
  const { storage, file } = load(`<storage url="${url}" ${more}/>${client}`);
  assert.deepEqual(storage, {
    kind: 'mysql',
    path: null,
    hosts: [{ host: '2001:db8::1', port: 3306 }],
    user: 'fleet',
    database: 'fleet',
    password: new Secret({ kind: 'env', name: 'P' }),
    socketPath: '/run/mysqld.sock',
    tls: 'verify',
    ca: path.join(path.dirname(file), 'ca.pem'),
    serverPublicKeyFile: null,
    migrate: false,
  });
  const sqlite = load(`<state dir="var"/><storage url="sqlite:data/x.db"/>${client}`);
  assert.ok(sqlite.storage.path?.endsWith('/data/x.db'));
  assert.equal(sqlite.stateDir, path.join(path.dirname(sqlite.file), 'var'));
});

test('a database on another machine is reached by checked TLS unless something else is said', () => {
  const tls = (hosts: string, attributes = ''): unknown => {
    const { storage } = load(`<storage url="mysql://fleet@${hosts}/fleet" ${attributes}/>${client}`);
    return storage.kind === 'mysql' && storage.tls;
  };
  const far = ['db', '10.0.0.1', '[2001:db8::1]', '127.example.org', 'localhost,db'];
  for (const host of far) assert.equal(tls(host), 'verify', host);
  for (const host of ['localhost', '127.0.0.1', '[::1]', '']) assert.equal(tls(host, 'socketPath="/s"'), 'no', host);
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3:3307', '[::1]']) assert.equal(tls(host), 'no', host);
  assert.equal(tls('localhost', 'ca="ca.pem"'), 'verify');
  assert.equal(tls('db', 'socketPath="/run/mysqld.sock"'), 'no');
  assert.equal(tls('db', 'tls="no"'), 'no');
  assert.equal(tls('db', 'tls="yes"'), 'yes');
});

test('the mail server: port and encryption follow each other', () => {
  const smtp = (attributes: string): readonly unknown[] => {
    const read = load(`<smtp ${attributes}/>${client}`).smtp;
    return [read?.port, read?.security];
  };
  assert.deepEqual(smtp('host="m"'), [587, 'starttls']);
  assert.deepEqual(smtp('host="m" port="465"'), [465, 'tls']);
  assert.deepEqual(smtp('host="m" security="tls"'), [465, 'tls']);
  assert.deepEqual(smtp('host="m" security="none"'), [25, 'none']);
  assert.deepEqual(smtp('host="localhost"'), [25, 'none']);
  assert.deepEqual(smtp('host="127.0.0.1" security="starttls"'), [587, 'starttls']);
  assert.deepEqual(smtp('host="m" port="2525"'), [2525, 'starttls']);
  const full = load(`<smtp host="m" username="u" passwordEnv="P" from="Fleet &lt;f@x&gt;" fallback="root@x"
    maxMailsPerHour="3" verify="no"/>${client}`).smtp;
  const expected = { from: 'Fleet <f@x>', fallback: 'root@x', maxMailsPerHour: 3, verify: false };
  assert.deepEqual({ ...full, ...expected }, full);
  const from = load(`<smtp host="m"/>${client}`).smtp?.from ?? '';
  assert.ok([`fleet-health@${hostname()}`, 'fleet-health@localhost'].includes(from), from);
  const plain = load(`<smtp host="m" from="f@x" security="none" username="u" passwordEnv="P"/>${client}`).warnings;
  assert.match(plain[0]?.message ?? '', /sends the password without encryption/);
});

test('programs and heartbeats', () => {
  const programs =
    '<notify command="/bin/a b"/><notify command="c" severity="critical" rules="disk*, cpu" timeout="5s"/>';
  const config = load(`${programs}<heartbeat url="https://hc.example/x"/>
    <heartbeat url="https://hc.example/y" proxy="http://proxy:3128"/>${client}`);
  const always = { hours: null, afterMs: null, selects: null };
  assert.deepEqual(config.notify, [
    { to: '|/bin/a b', command: '/bin/a b', severity: null, rules: [], timeoutMs: 30_000, ...always },
    { to: '|c', command: 'c', severity: 'critical', rules: ['disk*', 'cpu'], timeoutMs: 5000, ...always },
  ]);
  assert.deepEqual(config.heartbeats, [
    { url: 'https://hc.example/x', proxy: null },
    { url: 'https://hc.example/y', proxy: 'http://proxy:3128' },
  ]);
});

test('metrics: the file, and all families unless some are named', () => {
  const { metrics } = load(`<metrics textfile="/var/x/f.prom"/>${client}`);
  assert.deepEqual(metrics, {
    textfile: '/var/x/f.prom',
    families: ['client', 'alerts', 'self', 'check', 'disk', 'network', 'series'],
  });
  const some = load(`<metrics textfile="f.txt" families="disk, client"/>${client}`);
  assert.deepEqual(some.metrics?.families, ['client', 'disk']);
  assert.match(some.warnings[0]?.message ?? '', /does not end with \.prom/);
  assert.equal(load(client).metrics, null);
  assert.throws(() => load(`<metrics textfile="f.prom" families="cpu"/>${client}`), /names no families/);
});

test('every default in force is reported, and nothing that is written', () => {
  const rows = (children: string) =>
    new Map(describeDefaults(load(children)).map(({ where, name, value }) => [`${where} ${name}`, value]));
  const bare = rows(client);
  assert.equal(bare.get('collector every'), '5m');
  assert.equal(bare.get('collector runDeadline'), '4m');
  assert.equal(bare.get('retention hourly'), '365d');
  assert.equal(bare.get('smtp host'), 'none: mails only reach outbox/');
  assert.equal(bare.get('smtp port'), undefined);
  assert.equal(bare.get('ssh port'), '22 (1 client)');
  assert.equal(bare.get('alert disk'), 'warning 90%, critical 95%, for 1x (1 client)');
  assert.equal(bare.get('alert clock-offset'), 'warning 1m, for 2x (1 client)');
  assert.equal(bare.get('alert collector-silent'), 'critical, for 15m');
  assert.equal(bare.get('alert host-key-changed'), 'critical (1 client)');
  const said = rows(
    `<collector every="10m"/><ssh port="23"/><smtp host="m"/><alerts mail="a@b" zone="UTC">
     <alert type="disk" limit="5%"/></alerts>
     <client ip="10.0.0.[1-3]"/><client ip="10.0.0.4" state="retired"/>`,
  );
  const written = ['collector every', 'ssh port', 'smtp host', 'alerts zone', 'alert disk'];
  for (const name of written) assert.equal(said.get(name), undefined, name);
  assert.equal(said.get('collector runDeadline'), '8m');
  assert.equal(said.get('smtp port'), '587');
  assert.equal(said.get('alert memory'), 'critical 97%, for 3x (3 clients)');
  assert.equal(said.get('ssh hostKeys'), 'strict (4 clients)');
});

test('the default port is not counted for clients that an ssh_config may give another', () => {
  const config = load('<client ip="10.0.0.1"/><client name="by-ssh-config"/>');
  const port = describeDefaults(config).find(({ name }) => name === 'port');
  assert.equal(port?.value, '22 (1 client)');
});

test('an <smtp> without from is named, with the sender that mails have', () => {
  const { warnings, smtp } = load('<smtp host="mail.example.org"/><client ip="10.0.0.1"/>');
  const named = `<smtp> has no from; mails come from ${smtp?.from ?? ''}, which many servers refuse; write from="..."`;
  assert.ok(pluck(warnings, 'message').includes(named));
});

test('visits and alerts are kept as long as rows at least, unless the file has another time', () => {
  const kept = (attributes: string): readonly number[] => {
    const { alertsMs, visitsMs } = load(`<retention ${attributes}/>${client}`).retention;
    return [alertsMs / 86_400_000, visitsMs / 86_400_000];
  };
  assert.deepEqual(kept('raw="7d"'), [1825, 90]);
  assert.deepEqual(kept('raw="200d" hourly="none" daily="none"'), [1825, 200]);
  assert.deepEqual(kept('alerts="10d" visits="5d"'), [10, 5]);
});
