/**
 * Makes the folder of a kept release in test/testdata with the built programs of that version: the files of a
 * collector, of a site that forwards to it, and of clients that push or are asked over HTTP; and the collector's
 * database as a dump of MariaDB. The keys belong to this fleet alone.
 * `npm run build && node --import tsx test/end-to-end/support/keep-release.ts [RELEASE PACKAGE]`
 * RELEASE is 0.2.0, of the installed package, or before-inbox, of a built copy of the commit 31ef77d7.
 */
import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { freePort } from '../../support/servers/free-port.ts';
import * as installed from '../../support/programs/installed.ts';
import { startImapServer } from '../../support/servers/imap-server.ts';
import { startMariadb } from '../../support/databases/mariadb.ts';
import { startCli } from '../../support/programs/run-cli.ts';
import { clockAt, keptAtMs, keptFolder, keptPlaces, replacePlaces, startKeptFleet } from './kept-release.ts';
import { filesWithPlaces, type KeptRelease, type Places } from './kept-release.ts';

const [release, packageOf] = [(process.argv[2] ?? '0.2.0') as KeptRelease, process.argv[3] ?? null];
const program = packageOf === null ? installed.program : path.join(packageOf, 'dist', 'fleet-health.cjs');
const agentProgram =
  packageOf === null ? installed.agentProgram : path.join(packageOf, 'dist', 'fleet-health-agent.cjs');
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const clients = ['c1', 'c2', 'c3', 'c4'].map(
  (name, at) => `<client name="${name}" ip="127.0.0.${at + 1}" port="${keptPlaces.ssh}"/>`,
);
const login = '<ssh username="monitor" password="of the tests"/>';
const others = `<client name="laptop" transport="push" every="1d"/>
  <client name="asked" transport="http" url="http://127.0.0.1:${keptPlaces.asked}/">
    <alert name="clock-offset" enabled="no"/>
  </client>
  <group transport="forward" labels="site=fra"><client name="c4"/></group>`;
// Earlier versions remove visits with the figures.
const visits = release === 'before-inbox' ? '' : ' visits="30d"';
const config = `<config>
  ${login}
  <collector every="1d"/>
  <serve host="127.0.0.1" port="${keptPlaces.serve}"><push/><events/></serve>
  <retention raw="30d"${visits}/>
  <alerts zone="UTC" groupInterval="1s">
    <mail to="ops@example.org"/>
    <mail to="night@example.org" severity="critical"/>
    <alert type="disk" limit="70%" severity="warning"/>
    <alert type="event" service="backup" within="26h"/>
  </alerts>
  <!-- MORE -->
  <group name="first" labels="site=ber">${clients[0] ?? ''}</group>
  ${clients.slice(1, 3).join('\n  ')}
  ${others}
</config>
`;
const siteConfig = `<config>
  ${login}
  <collector open="no"><forward url="http://127.0.0.1:${keptPlaces.serve}/v1/visit" key="fra.json"/></collector>
  ${clients[3] ?? ''}
</config>
`;

const dir = mkdtempSync(path.join(tmpdir(), 'fh-keep-'));
const hostKey = generateHostKey();
const fleet = await startKeptFleet(hostKey);
const [ssh, serve, asked] = [fleet.server.port, await freePort(), await freePort()].map(String);
assert.ok(ssh !== undefined && serve !== undefined && asked !== undefined);
const places: Places = { dir, ssh, serve, asked };
const file = (name: string): string => path.join(dir, name);
let nowMs = keptAtMs;
const setTime = (atMs: number): void => fleet.setTime((nowMs = atMs));

function write(name: string, content: string, more = ''): string {
  mkdirSync(path.dirname(file(name)), { recursive: true, mode: 0o700 });
  const text = replacePlaces(content, keptPlaces, places).replace('<!-- MORE -->', more);
  writeFileSync(file(name), text, { mode: 0o600 });
  return file(name);
}

/** Runs a command of the collector's program. `wanted` is its exit status; null for any. */
async function run(wanted: number | null, name: string, ...args: readonly string[]): Promise<string> {
  return await runIn(program, wanted, name, args);
}

async function runIn(by: string, wanted: number | null, name: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await fleet.run(name, args, by);
  const said = `${path.basename(name)} ${args.join(' ')}: ${status} ${stdout}${stderr}`;
  if (wanted !== null) assert.equal(status, wanted, said);
  console.log(said.slice(0, 300));
  return stdout;
}

/** Runs a command while another program serves. */
async function whileRuns<Result>(by: string, args: readonly string[], work: () => Promise<Result>): Promise<Result> {
  const child: ChildProcess = startCli(args, { program: by, env: clockAt(nowMs) });
  let said = '';
  const isUp = new Promise<void>((resolve, reject) => {
    const hear = (text: Buffer): void => {
      said += String(text);
      if (/event=(?:serve-started|listening)/.test(said)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(said)));
  });
  await isUp;
  try {
    return await work();
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

// Until the last hour there are only clients that are visited.
const early = write('early.xml', config.replace(others, ''));
const usual = write('config.xml', config);
const noDatabaseElement = '<storage url="mysql://fleet@127.0.0.1:1/fleet" password="x"/>';
const noMail = write('no-mail.xml', config, '<smtp host="127.0.0.1" port="1"/>');
const noDatabase = write('no-database.xml', config, noDatabaseElement);
const sealing = write('sealing.xml', config.replace('every="1d"', 'every="1d" open="no"'));
const broken = write('broken.xml', config, '<nonsense/>');
const site = write('site/config.xml', siteConfig);

async function round(atMs: number, name = early): Promise<void> {
  setTime(atMs);
  await run(name === early ? 0 : null, name, 'collect');
  setTime(atMs + 60_000);
  await run(name === early ? 0 : null, name, 'alert');
}

await run(0, early, 'trust', '--yes');
// Days that are rolled up by the hour, days for a forecast, then an alert that fires and is resolved.
for (const days of [45, 44]) await round(keptAtMs - days * dayMs);
const { keys } = JSON.parse(await run(0, early, '--json', 'keys', 'list')) as { keys: readonly { id: string }[] };
await run(0, early, 'keys', 'rotate');
for (let days = 20; days > 0; days -= 1) {
  fleet.setCheck(days === 9 ? 2 : 0);
  await round(keptAtMs - days * dayMs);
}
await run(0, early, 'keys', 'retire', keys[0]?.id ?? '');
setTime(keptAtMs - 2 * hourMs);
await sendEvents(early, 'backup');
fleet.setCheck(2);
await round(keptAtMs - 60 * 60_000);
await answerMail(keptAtMs - 50 * 60_000);
await round(keptAtMs - 40 * 60_000);
const { alerts } = JSON.parse(await run(0, early, '--json', 'alerts', 'c1')) as { alerts: readonly { id: number }[] };
await run(0, early, 'ack', String(alerts[0]?.id), '--comment', 'known since Monday');
await run(0, early, 'silence', 'add', '--client', 'c3', '--for', '30d', '--comment', 'being moved');
fleet.setCheck(0);
const { laptop, spoke } = await enrol();
await run(1, usual, 'receive', 'laptop');
// This file is set aside in quarantine/.
write('state/encrypted_stats/c1/22222222-2222-4222-8222-222222222222.fhs', 'no report');
await whileAllServe(keptAtMs - 20 * 60_000, async () => {
  await run(0, site, 'collect');
  await round(keptAtMs - 20 * 60_000, noMail);
});
setTime(keptAtMs - 12 * 60_000);
await run(0, sealing, 'collect', 'c3');
await whileAllServe(keptAtMs - 10 * 60_000, async () => {
  await round(keptAtMs - 10 * 60_000, noMail);
  // These wait for the next run.
  await runIn(agentProgram, 0, laptop, ['push', '--once']);
  await run(0, site, 'collect');
});
await run(0, usual, 'tokens', 'add', 'anna');
await run(0, usual, 'keys', 'rotate');
await run(null, usual, 'authorize', 'c1');
setTime(keptAtMs - 60_000);
await run(null, broken, 'alert');
await sendEvents(noDatabase, 'scrub');
setTime(keptAtMs);
await run(3, noDatabase, 'collect', 'c1', 'c2', 'c3');
await runIn(agentProgram, 1, laptop, ['push', '--once']);
await keepSiteRequest();
await keep();
await fleet.server.close();
rmSync(dir, { recursive: true });

/** Serves the collector's endpoints and the client that is asked, and has the others send what they have. */
async function whileAllServe(atMs: number, work: () => Promise<void>): Promise<void> {
  setTime(atMs);
  await whileRuns(program, ['-c', usual, 'serve'], async () => {
    await whileRuns(agentProgram, ['-c', spoke, 'spoke'], async () => {
      await runIn(agentProgram, 0, laptop, ['push', '--once']);
      await work();
    });
  });
}

async function enrol(): Promise<{ readonly laptop: string; readonly spoke: string }> {
  setTime(keptAtMs - 25 * 60_000);
  await run(0, usual, 'enroll', 'fra', '--site', '-o', file('site/fra.json'));
  await run(0, site, 'trust', '--yes');
  const agentOf = async (name: string, ...more: readonly string[]): Promise<string> => {
    const agent = JSON.parse(await run(0, usual, 'enroll', name, ...more)) as object;
    return write(`${name}/agent.json`, JSON.stringify({ ...agent, state_directory: file(`${name}/state`) }));
  };
  const laptop = await agentOf('laptop', '--https', `http://127.0.0.1:${places.serve}/`);
  // The inventory of the machine on which this runs is nobody's concern.
  await runIn(agentProgram, 1, laptop, ['push', '--once']);
  const state = file('laptop/state');
  const [spooled = ''] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.fhs'),
  );
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const noted = path.join(state, path.dirname(spooled), 'inventory.json');
  writeFileSync(noted, JSON.stringify({ atMs: nowMs, bootId }), { mode: 0o600 });
  return { laptop, spoke: await agentOf('asked') };
}

async function sendEvents(name: string, service: string): Promise<void> {
  await whileRuns(program, ['-c', name, 'serve'], async () => {
    const to = ['--to', `http://127.0.0.1:${places.serve}`];
    await run(0, usual, 'events', 'send', 'nas', service, 'OK', '3 GB in 5 min', ...to);
    await run(0, usual, 'events', 'send', 'nas', `${service}-check`, 'WARN', 'two blocks mended', ...to);
  });
}

/** Has a mail answered by "ack 1h". */
async function answerMail(atMs: number): Promise<void> {
  const imap = await startImapServer({ password: 'of the mailbox' });
  const element = `<replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" password="of the mailbox"/>`;
  const replies = write('replies.xml', config.replace(others, ''), element);
  await round(atMs, replies);
  const outbox = file('state/outbox');
  const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
  const to = mails.flatMap((mail) => /^Reply-To: (\S+)/m.exec(mail)?.[1] ?? []).at(-1);
  assert.ok(to !== undefined, 'a mail can be answered');
  const lines = [
    'From: anna@example.org',
    `To: ${to}`,
    'Message-ID: <1@example.org>',
    'Subject: Re: it',
    '',
    'ack 1h',
    '',
  ];
  imap.deliver(lines.join('\r\n'), atMs + 120_000);
  setTime(atMs + 180_000);
  await run(0, replies, 'alert');
  await imap.stop();
}

/** Keeps the bytes of the site's first request to a collector that does not answer. */
async function keepSiteRequest(): Promise<void> {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => chunks.push(bytes));
    setTimeout(() => socket.destroy(), 2000).unref();
  });
  server.listen(Number(places.serve), '127.0.0.1');
  await once(server, 'listening');
  await run(3, site, 'collect');
  server.close();
  const all = Buffer.concat(chunks);
  const length = Number(/^content-length: (\d+)\r$/im.exec(all.toString('latin1'))?.[1]);
  assert.ok(length > 0, all.toString('latin1').slice(0, 500));
  mkdirSync(keptFolder(release), { recursive: true });
  const request = all.subarray(0, all.indexOf('\r\n\r\n') + 4 + length);
  writeFileSync(path.join(keptFolder(release), 'site-request'), request);
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
  const to = (one: string): string => path.join(keptFolder(release), one);
  // The account that made the dump does not exist where it is restored.
  const text = dump.replaceAll(/ DEFINER=\S+/g, '').replaceAll(`\`${name}\`.`, '');
  writeFileSync(to('fleet.sql.gz'), gzipSync(text, { level: 9 }));
  for (const one of filesWithPlaces) {
    writeFileSync(file(one), replacePlaces(readFileSync(file(one), 'utf8'), places, keptPlaces));
    chmodSync(file(one), 0o600);
  }
  const tarOptions = ['--exclude=compiled', '--sort=name', '--owner=0', '--group=0', '-c'];
  const tar = execFileSync('tar', ['-C', dir, ...tarOptions, 'state', 'site', 'laptop', 'asked'], {
    maxBuffer: 2 ** 26,
  });
  writeFileSync(to('files.tar.gz'), gzipSync(tar, { level: 9 }));
  writeFileSync(to('config.xml'), config);
  writeFileSync(to('host-key'), hostKey);
  for (const one of readdirSync(keptFolder(release))) console.log(one, statSync(to(one)).size);
}
