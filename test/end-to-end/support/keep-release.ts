/**
 * Makes test/testdata/0.2.0 with the built program of that version: the state folder with the embedded database, and
 * the same database as a dump of MariaDB. Its keys belong to this fleet alone.
 * `npm run build && node --import tsx test/end-to-end/support/keep-release.ts`
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { freePort } from '../../support/free-port.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { program } from '../../support/run-cli.ts';
import { clockAt, keptAtMs, keptFolder, keptPort, startKeptFleet, writeWithPort } from './kept-release.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const clients = ['c1', 'c2', 'c3'].map(
  (name, at) => `<client name="${name}" ip="127.0.0.${at + 1}" port="${keptPort}"/>`,
);
const config = `<config>
  <ssh username="monitor" password="of the tests"/>
  <collector every="1d"/>
  <retention raw="30d"/>
  <alerts zone="UTC" groupInterval="1s">
    <mail to="ops@example.org"/>
    <mail to="night@example.org" severity="critical"/>
    <alert type="disk" limit="70%" severity="warning"/>
    <alert type="event" service="backup" within="26h"/>
  </alerts>
  <!-- MORE -->
  <group name="first" labels="site=ber">${clients[0] ?? ''}</group>
  ${clients.slice(1).join('\n  ')}
</config>
`;

const dir = mkdtempSync(path.join(tmpdir(), 'fh-keep-'));
const hostKey = generateHostKey();
const fleet = await startKeptFleet(hostKey);
const file = (name: string): string => path.join(dir, name);
const write = (name: string, more = ''): string => {
  writeWithPort(file(name), config, fleet.server, more);
  return file(name);
};
const usual = write('config.xml');
const noMail = write('no-mail.xml', '<smtp host="127.0.0.1" port="1"/>');
const noDatabase = write('no-database.xml', '<storage url="mysql://fleet@127.0.0.1:1/fleet" password="x"/>');
const servePort = await freePort();
const withEvents = write('events.xml', `<serve host="127.0.0.1" port="${servePort}"><events/></serve>`);

async function run(wanted: number | null, name: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await fleet.run(name, args);
  if (wanted !== null) assert.equal(status, wanted, `${args.join(' ')}: ${stdout}${stderr}`);
  console.log(`${args.join(' ')}: ${status}`);
  return stdout;
}

async function round(atMs: number, name = usual): Promise<void> {
  fleet.setTime(atMs);
  await run(0, name, 'collect');
  fleet.setTime(atMs + 60_000);
  await run(name === usual ? 0 : null, name, 'alert');
}

await run(0, usual, 'trust', '--yes');
// Days that are rolled up by the hour, days for a forecast, then an alert that fires and is resolved.
for (const days of [45, 44]) await round(keptAtMs - days * dayMs);
for (let days = 20; days > 0; days -= 1) {
  fleet.setCheck(days === 9 ? 2 : 0);
  await round(keptAtMs - days * dayMs);
}
await sendEvents();
fleet.setCheck(2);
for (const minutes of [60, 50, 40]) await round(keptAtMs - minutes * 60_000);
const { alerts } = JSON.parse(await run(0, usual, '--json', 'alerts', 'c1')) as { alerts: readonly { id: number }[] };
await run(0, usual, 'ack', String(alerts[0]?.id), '--comment', 'known since Monday');
await run(0, usual, 'silence', 'add', '--client', 'c3', '--for', '30d', '--comment', 'being moved');
fleet.setCheck(0);
for (const minutes of [20, 10]) await round(keptAtMs - minutes * 60_000, noMail);
fleet.setTime(keptAtMs);
await run(3, noDatabase, 'collect');
await keep();
await fleet.server.close();
rmSync(dir, { recursive: true });

async function sendEvents(): Promise<void> {
  const atMs = keptAtMs - 2 * hourMs;
  const serve = spawn(process.execPath, [program, '-c', withEvents, 'serve'], {
    env: { PATH: process.env['PATH'] ?? '', ...clockAt(atMs) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  fleet.setTime(atMs);
  const to = ['--to', `http://127.0.0.1:${servePort}`];
  await run(0, usual, 'events', 'send', 'nas', 'backup', 'OK', '3 GB in 5 min', ...to);
  await run(0, usual, 'events', 'send', 'nas', 'scrub', 'WARN', 'two blocks mended', ...to);
  serve.kill('SIGTERM');
  await once(serve, 'exit');
}

async function keep(): Promise<void> {
  const secondsAgo = Math.round((Date.now() - keptAtMs) / 1000);
  const mariadb = await startMariadb([`--init-connect=SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) - ${secondsAgo}`]);
  const { url, name, password } = await mariadb.createDatabase();
  writeFileSync(file('password'), `${password}\n`, { mode: 0o600 });
  await run(0, usual, 'copy', '--to', url, '--password-file', file('password'));
  const options = ['--skip-comments', '--skip-dump-date', '--hex-blob', '--single-transaction'];
  const dump = execFileSync('mariadb-dump', ['-uroot', '-S', mariadb.socketPath, ...options, name], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  await mariadb.stop();
  rmSync(keptFolder, { recursive: true, force: true });
  mkdirSync(keptFolder);
  // The account that made the dump does not exist where it is restored.
  const text = dump.replaceAll(/ DEFINER=\S+/g, '').replaceAll(`\`${name}\`.`, '');
  writeFileSync(path.join(keptFolder, 'fleet.sql.gz'), gzipSync(text, { level: 9 }));
  const known = file('state/known_hosts');
  writeFileSync(known, readFileSync(known, 'utf8').replaceAll(`:${fleet.server.port} `, `:${keptPort} `), {
    mode: 0o600,
  });
  const tar = execFileSync(
    'tar',
    ['-C', dir, '--exclude=state/compiled', '--sort=name', '--owner=0', '--group=0', '-c', 'state'],
    { maxBuffer: 2 ** 26 },
  );
  writeFileSync(path.join(keptFolder, 'state.tar.gz'), gzipSync(tar, { level: 9 }));
  writeFileSync(path.join(keptFolder, 'config.xml'), config);
  writeFileSync(path.join(keptFolder, 'host-key'), hostKey);
  for (const one of ['fleet.sql.gz', 'state.tar.gz']) console.log(one, statSync(path.join(keptFolder, one)).size);
}
