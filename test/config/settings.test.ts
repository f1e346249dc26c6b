import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { describeDefaults } from '../../src/config/describe-defaults.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { Secret } from '../../src/config/secret.ts';
import { configFolder, load, nowMs } from './support/config-files.ts';

const client = '<client ip="10.0.0.1" mail="a@b" agent="env"/>';
const minutes = 60_000;
const days = 86_400_000;

test('settings that nobody wrote', (t) => {
  const folder = configFolder(t, { 'config.xml': `<config>${client}</config>` });
  const config = loadConfig({ file: path.join(folder, 'config.xml'), nowMs });
  assert.equal(config.file, path.join(folder, 'config.xml'));
  assert.equal(config.stateDir, path.join(folder, 'state'));
  assert.deepEqual(config.storage, { kind: 'sqlite', path: path.join(folder, 'state', 'fleet.db'), migrate: true });
  assert.deepEqual(config.retention, {
    rawMs: 30 * days,
    detailMs: 2 * days,
    hourlyMs: 365 * days,
    dailyMs: 1825 * days,
  });
  assert.equal(config.smtp, null);
  assert.deepEqual([config.notify, config.heartbeats, config.bastions, config.explicit], [[], [], [], []]);
  assert.deepEqual(config.collector, {
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
    spoolBytes: 10 * 2 ** 30,
    open: true,
  });
  const { repeatMs, groupIntervalMs, defaults, zone } = config.alerts;
  assert.deepEqual([repeatMs, groupIntervalMs, defaults, zone], [12 * 60 * minutes, 15 * minutes, true, null]);
});

test('a default gives way to what is written beside it', (t) => {
  const collector = (attributes: string): readonly number[] => {
    const { tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs, runDeadlineMs } = load(
      t,
      `<collector ${attributes}/>${client}`,
    ).collector;
    return [tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs, runDeadlineMs].map((ms) => ms / 1000);
  };
  assert.deepEqual(collector('clientDeadline="8s"'), [5, 8, 8, 8, 240]);
  assert.deepEqual(collector('clientDeadline="3s"'), [3, 3, 3, 3, 240]);
  assert.deepEqual(collector('connectTimeout="1m"'), [5, 60, 15, 75, 240]);
  assert.deepEqual(collector('every="1m"'), [5, 10, 15, 30, 48]);
  assert.deepEqual(collector('runDeadline="20s"'), [5, 10, 15, 20, 20]);
  assert.deepEqual(collector('every="10s"'), [5, 10, 15, 30, 30]);
  assert.match(
    load(t, `<collector every="10s"/>${client}`).warnings[0]?.message ?? '',
    /runDeadline \(30s\) is longer than every \(10s\)/,
  );
  assert.equal(load(t, `<retention raw="1d"/>${client}`).retention.detailMs, days);
});

test('storage by URL', (t) => {
  const url = 'mysql://fleet@[2001:db8::1]/fleet';
  const { storage, file } = load(
    t,
    `<storage url="${url}" passwordEnv="P" socketPath="/run/mysqld.sock" ca="ca.pem" migrate="no"/>${client}`,
  );
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
  const sqlite = load(t, `<state dir="var"/><storage url="sqlite:data/x.db"/>${client}`);
  assert.ok(sqlite.storage.path?.endsWith('/data/x.db'));
  assert.equal(sqlite.stateDir, path.join(path.dirname(sqlite.file), 'var'));
});

test('a database on another machine is reached by checked TLS unless something else is said', (t) => {
  const tls = (hosts: string, attributes = ''): unknown => {
    const { storage } = load(t, `<storage url="mysql://fleet@${hosts}/fleet" ${attributes}/>${client}`);
    return storage.kind === 'mysql' && storage.tls;
  };
  for (const host of ['db', '10.0.0.1', '[2001:db8::1]', '127.example.org', 'localhost,db']) {
    assert.equal(tls(host), 'verify', host);
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]', '']) assert.equal(tls(host, 'socketPath="/s"'), 'no', host);
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3:3307', '[::1]']) assert.equal(tls(host), 'no', host);
  assert.equal(tls('localhost', 'ca="ca.pem"'), 'verify');
  assert.equal(tls('db', 'socketPath="/run/mysqld.sock"'), 'no');
  assert.equal(tls('db', 'tls="no"'), 'no');
  assert.equal(tls('db', 'tls="yes"'), 'yes');
});

test('the mail server: port and encryption follow each other', (t) => {
  const smtp = (attributes: string): readonly unknown[] => {
    const read = load(t, `<smtp ${attributes}/>${client}`).smtp;
    return [read?.port, read?.security];
  };
  assert.deepEqual(smtp('host="m"'), [587, 'starttls']);
  assert.deepEqual(smtp('host="m" port="465"'), [465, 'tls']);
  assert.deepEqual(smtp('host="m" security="tls"'), [465, 'tls']);
  assert.deepEqual(smtp('host="m" security="none"'), [25, 'none']);
  assert.deepEqual(smtp('host="localhost"'), [25, 'none']);
  assert.deepEqual(smtp('host="127.0.0.1" security="starttls"'), [587, 'starttls']);
  assert.deepEqual(smtp('host="m" port="2525"'), [2525, 'starttls']);
  const full = load(
    t,
    '<smtp host="m" username="u" passwordEnv="P" from="Fleet &lt;f@x&gt;" fallback="root@x" ' +
      `maxMailsPerHour="3" verify="no"/>${client}`,
  ).smtp;
  assert.deepEqual(
    [full?.from, full?.fallback, full?.maxMailsPerHour, full?.verify],
    ['Fleet <f@x>', 'root@x', 3, false],
  );
  const from = load(t, `<smtp host="m"/>${client}`).smtp?.from ?? '';
  assert.ok([`fleet-health@${hostname()}`, 'fleet-health@localhost'].includes(from), from);
  const plain = load(t, `<smtp host="m" security="none" username="u" passwordEnv="P"/>${client}`).warnings;
  assert.match(plain[0]?.message ?? '', /sends the password without encryption/);
});

test('programs and heartbeats', (t) => {
  const config = load(
    t,
    '<notify command="/bin/a b"/><notify command="c" severity="critical" rules="disk*, cpu" timeout="5s"/>' +
      `<heartbeat url="https://hc.example/x"/>${client}`,
  );
  assert.deepEqual(config.notify, [
    { command: '/bin/a b', severity: null, rules: [], timeoutMs: 30_000 },
    { command: 'c', severity: 'critical', rules: ['disk*', 'cpu'], timeoutMs: 5000 },
  ]);
  assert.deepEqual(config.heartbeats, ['https://hc.example/x']);
});

test('metrics: the file, and all families unless some are named', (t) => {
  const { metrics } = load(t, `<metrics textfile="/var/x/f.prom"/>${client}`);
  assert.deepEqual(metrics, { textfile: '/var/x/f.prom', families: ['client', 'alerts', 'self', 'disk', 'network'] });
  const some = load(t, `<metrics textfile="f.txt" families="disk, client"/>${client}`);
  assert.deepEqual(some.metrics?.families, ['client', 'disk']);
  assert.match(some.warnings[0]?.message ?? '', /does not end with \.prom/);
  assert.equal(load(t, client).metrics, null);
  assert.throws(() => load(t, `<metrics textfile="f.prom" families="cpu"/>${client}`), /names no families/);
});

test('every default in force is told, and nothing that is written', (t) => {
  const rows = (children: string): Map<string, string> =>
    new Map(describeDefaults(load(t, children)).map(({ where, name, value }) => [`${where} ${name}`, value]));
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
  for (const name of ['collector every', 'ssh port', 'smtp host', 'alerts zone', 'alert disk'])
    assert.equal(said.get(name), undefined, name);
  assert.equal(said.get('collector runDeadline'), '8m');
  assert.equal(said.get('smtp port'), '587');
  assert.equal(said.get('alert memory'), 'critical 97%, for 3x (3 clients)');
  assert.equal(said.get('ssh hostKeys'), 'strict (4 clients)');
});

test('the default port is not counted for clients that an ssh_config may give another', (t) => {
  const config = load(t, '<client ip="10.0.0.1"/><client name="by-ssh-config"/>');
  const port = describeDefaults(config).find(({ name }) => name === 'port');
  assert.equal(port?.value, '22 (1 client)');
});
