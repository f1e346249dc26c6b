import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { fingerprint } from '../../../src/transport/known-hosts/fingerprint.ts';
import type { LoopbackServer } from '../../../src/simulator/loopback-server.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { exits, succeeded, type CliResult } from '../../support/programs/run-cli.ts';

interface TrustJson {
  readonly exit_status: number;
  readonly clients: readonly {
    readonly client: string;
    readonly result: string;
    readonly keys: readonly { readonly type: string; readonly fingerprint: string }[];
    readonly known_keys: readonly { readonly fingerprint: string }[];
    readonly code: string | null;
    readonly message: string | null;
  }[];
}

async function startFleet(t: TestContext, count: number) {
  const fleet = await startLoopbackFleet(t, count, { trusted: false });
  const file = path.join(fleet.dir, 'state', 'known_hosts');
  const knownHosts = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { ...fleet, knownHosts, trust: (...args: readonly string[]) => fleet.run(['trust', ...args]) };
}

function resultsOf({ stdout }: CliResult): Record<string, string> {
  const { clients } = JSON.parse(stdout) as TrustJson;
  return Object.fromEntries(clients.map(({ client, result }) => [client, result]));
}

function writeKnownHosts({ dir }: LoopbackFleet, text: string): void {
  writeFileSync(path.join(dir, 'state', 'known_hosts'), text);
}

/** Returns a line with another key for a server. */
function otherKeyFor({ port }: LoopbackServer): string {
  const blob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), Buffer.alloc(32, 7)]);
  return `[127.0.0.1]:${port} ssh-ed25519 ${blob.toString('base64')}\n`;
}

test('of many clients at a time, nothing but their keys is said', async (t) => {
  const fleet = await startFleet(t, 12);
  await succeeded(fleet.trust('--yes'));
});

test('without a terminal it shows the fingerprints, refuses to decide, and writes nothing', async (t) => {
  const fleet = await startFleet(t, 2);
  const { status, stdout, stderr } = await fleet.trust();
  assert.equal(status, 2);
  for (const server of fleet.servers) assert.ok(stdout.includes(server.fingerprint), stdout);
  assert.match(stderr, /^fleet-health: 2 keys of 2 clients to be trusted, and no terminal .* \(usage\)\..*--yes/);
  assert.equal(fleet.knownHosts(), '');
});

test('--yes writes lines that ssh-keygen reads, with the fingerprints that were shown', async (t) => {
  const fleet = await startFleet(t, 2);
  const stdout = await succeeded(fleet.trust('--yes'));
  assert.match(stdout, /2 keys of 2 clients trusted\.\n$/);
  const file = path.join(fleet.dir, 'state', 'known_hosts');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  for (const { fingerprint: shown, port } of fleet.servers) {
    assert.ok(stdout.includes(shown));
    const name = `[127.0.0.1]:${port}`;
    const lines = execFileSync('ssh-keygen', ['-l', '-F', name, '-f', file], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^\S+ ED25519 \S+ first-seen=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(lines[1]?.startsWith(`${name} ED25519 ${shown} `), lines[1]);
  }
});

test('what is known already is said and left alone', async (t) => {
  const fleet = await startFleet(t, 2);
  await fleet.trust('--yes', 'c1');
  const before = fleet.knownHosts();
  assert.deepEqual(resultsOf(await fleet.trust('--yes', '--json')), { c1: 'known', c2: 'added' });
  assert.ok(fleet.knownHosts().startsWith(before));
  assert.match(await succeeded(fleet.trust()), /Known already: c1, c2/);
});

test('a changed key is shown beside the known one, and only --replace replaces it', async (t) => {
  const fleet = await startFleet(t, 2);
  const [first, second] = fleet.servers as [LoopbackServer, LoopbackServer];
  writeKnownHosts(fleet, `# mine\n${otherKeyFor(first)}other.example.org ssh-ed25519 ${second.hostKey.key}\n`);
  const before = fleet.knownHosts();
  const shown = await fleet.trust('--yes', 'c1');
  assert.equal(shown.status, 1);
  assert.ok(shown.stdout.includes(first.fingerprint));
  assert.ok(shown.stdout.includes(fingerprint(otherKeyFor(first).split(' ')[2] ?? '')));
  assert.match(shown.stdout, /fleet-health trust --replace c1/);
  assert.equal(fleet.knownHosts(), before);

  assert.deepEqual(resultsOf(await fleet.trust('--yes', '--replace', '--json')), { c1: 'replaced', c2: 'added' });
  const after = fleet.knownHosts();
  assert.ok(after.startsWith('# mine\nother.example.org'), after);
  assert.ok(!after.includes(otherKeyFor(first)));
  assert.deepEqual(resultsOf(await fleet.trust('--json')), { c1: 'known', c2: 'known' });
});

test('--replace does not replace without --yes to it', async (t) => {
  const fleet = await startFleet(t, 1);
  writeKnownHosts(fleet, otherKeyFor(fleet.servers[0] as LoopbackServer));
  const before = fleet.knownHosts();
  assert.equal((await fleet.trust('--replace')).status, 2);
  assert.equal(fleet.knownHosts(), before);
});

test('who cannot be reached is said, and does not keep the others from being trusted', async (t) => {
  const fleet = await startFleet(t, 2);
  await fleet.servers[1]?.close();
  const result = await fleet.trust('--yes', '--json');
  assert.equal(result.status, 1);
  assert.deepEqual(resultsOf(result), { c1: 'added', c2: 'failed' });
  const { clients } = JSON.parse(result.stdout) as TrustJson;
  assert.equal(clients[1]?.code, 'connect-refused');
});

test('--from compares with fingerprints, asks nobody, and trusts nothing that differs or is not named', async (t) => {
  const fleet = await startFleet(t, 4);
  const [one, , three] = fleet.servers as [LoopbackServer, LoopbackServer, LoopbackServer];
  const wrongPrint = fingerprint(Buffer.alloc(51));
  const list = path.join(fleet.dir, 'list');
  const keys = `[127.0.0.1]:${three.port} ssh-ed25519 ${three.hostKey.key}\n`;
  writeFileSync(list, `c1 ${one.fingerprint}\nc2 ${wrongPrint}\n${keys}`);
  const result = await fleet.trust('--from', list, '--json');
  assert.equal(result.status, 1);
  assert.deepEqual(resultsOf(result), { c1: 'added', c2: 'failed', c3: 'added', c4: 'failed' });
  const { clients } = JSON.parse(result.stdout) as TrustJson;
  assert.equal(clients[1]?.code, 'host-key-changed');
  assert.ok(clients[1].message?.includes(wrongPrint));
  assert.equal(clients[3]?.code, 'host-key-unknown');
  assert.deepEqual(resultsOf(await fleet.trust('--json', 'c1', 'c3')), { c1: 'known', c3: 'known' });
});

test('--from takes a file as PowerShell writes it, in UTF-16 or with a byte order mark', async (t) => {
  const fleet = await startFleet(t, 2);
  const [one, two] = fleet.servers as [LoopbackServer, LoopbackServer];
  const list = path.join(fleet.dir, 'list');
  writeFileSync(list, `\ufeffc1 ${one.fingerprint}\r\n`, 'utf16le');
  assert.deepEqual(resultsOf(await fleet.trust('--from', list, '--json', 'c1')), { c1: 'added' });
  writeFileSync(list, `\ufeff[127.0.0.1]:${two.port} ssh-ed25519 ${two.hostKey.key}\r\n`);
  assert.deepEqual(resultsOf(await fleet.trust('--from', list, '--json', 'c2')), { c2: 'added' });
});

test('--from a file that is not there is a wrong command line', async (t) => {
  const fleet = await startFleet(t, 1);
  await exits(
    2,
    fleet.trust('--from', '/nowhere/at/all'),
    /^fleet-health: --from: \/nowhere\/at\/all cannot be read: it does not exist/,
  );
});

for (const title of ['* without a port', '127.0.0.1 without a port', '127.0.0.1, hashed, without a port']) {
  const [names = ''] = title.split(/,? /);
  test(`a key that is revoked for ${title} is never trusted, whatever is said`, async (t) => {
    const fleet = await startFleet(t, 1);
    const server = fleet.servers[0] as LoopbackServer;
    writeKnownHosts(fleet, `@revoked ${names} ssh-ed25519 ${server.hostKey.key}\n`);
    const file = path.join(fleet.dir, 'state', 'known_hosts');
    if (title.includes('hashed')) execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const before = fleet.knownHosts();
    const result = await fleet.trust('--yes', '--replace', '--json');
    assert.equal(result.status, 1);
    const [client] = (JSON.parse(result.stdout) as TrustJson).clients;
    assert.equal(client?.code, 'host-key-revoked');
    assert.match(client.message ?? '', /is marked @revoked in .*known_hosts line 1$/);
    assert.equal(fleet.knownHosts(), before);
  });
}

test('what has no host key is passed over; an unknown client is refused with the nearest name', async (t) => {
  const fleet = await startFleet(t, 1);
  fleet.configure('<client name="here" ip="127.0.0.1" transport="local"/>');
  assert.deepEqual(resultsOf(await fleet.trust('--yes', '--json')), { c1: 'added', here: 'local' });
  await exits(2, fleet.trust('hre'), /hre.*here/);
});
