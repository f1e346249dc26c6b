/** The built programs, and the installed one beside the packages that it loads. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';

import ssh2 from 'ssh2';

import { partsOf } from '../build/packages/program-tree.ts';
import { readBundles } from '../src/collector/agent/agent-bundles.ts';
import { packageDir } from '../src/state-folder/paths.ts';
import { skipUnlessWide } from './support/long-tests.ts';
import { program } from './support/programs/installed.ts';
import { sshKeygen } from './support/ssh/sshd.ts';
import { tempFolder } from './support/temp-folder.ts';
import { pluck } from './support/pluck.ts';

const run = promisify(execFile);
const dist = path.join(packageDir, 'dist');

test('ssh2 is loaded from its package, so that npm can update it', () => {
  const parts = path.join(dist, 'parts');
  const text = readdirSync(parts)
    .map((name) => readFileSync(path.join(parts, name), 'utf8'))
    .join('');
  assert.match(text, /require\([`"']ssh2[`"']\)/);
  assert.doesNotMatch(readFileSync(path.join(dist, 'LICENCES.txt'), 'utf8'), /^ssh2$/m);
});

test('the program that a client is brought is as small as docs/installation.md says', () => {
  const text = readFileSync(path.join(packageDir, 'docs', 'installation.md'), 'utf8');
  const [, most] = /brings one small program \(under (\d+) KB,/.exec(text) ?? [];
  for (const name of ['agent.cjs', 'agent.sh']) {
    assert.ok(statSync(path.join(dist, 'agent', name)).size < Number(most) * 1000, name);
  }
});

test('the agent for Node.js takes 39 KiB on the wire at most', () => {
  assert.ok(readBundles().agent.packed().length <= 39 * 1024);
});

test('a state report loads neither the inventory nor the probes of other systems', () => {
  const text = readFileSync(path.join(dist, 'agent', 'inventory.cjs'), 'utf8');
  const expression = text.replace(/load\('\.\/main'\);\s*$/, 'parts');
  const { './main': main = '' } = runInNewContext(expression, { process }) as Readonly<Record<string, string>>;
  const wholly = [...main.matchAll(/(.{2})require\([`'"]\.\/[\w-]+[`'"]\)/g)].filter(([, before]) => before !== '=>');
  assert.deepEqual(pluck(wholly, 0), []);
  assert.ok(main.includes('State report') && main.length < 60_000, `${main.length} characters`);
});

test('the packages that the agent program loads are found by their names in its text, for its Debian package', () => {
  const { packages } = partsOf(dist, 'fleet-health-agent.cjs');
  for (const name of ['@photostructure/sqlite', 'systeminformation']) assert.ok(packages.includes(name), name);
});

for (const [passphrase, code] of [
  ['right', 'connect-refused'],
  ['wrong', 'credentials-unusable'],
] as const) {
  const skip = passphrase === 'right' ? false : skipUnlessWide;
  test(`a key under a passphrase is opened by the installed program: the ${passphrase} one`, { skip }, async (t) => {
    const dir = tempFolder(t);
    sshKeygen(path.join(dir, 'key'), '-t', 'ed25519', '-N', 'right');
    const config = path.join(dir, 'config.xml');
    const ssh = `username="nobody" privateKey="key" passphrase="${passphrase}" config="none"`;
    // Nobody listens on port 1; the key is opened before that is found out.
    writeFileSync(config, `<config><ssh ${ssh}/><client name="c" ip="127.0.0.1" port="1"/></config>\n`, {
      mode: 0o600,
    });
    const args = [program, '-c', config, '--json', 'collect', '--dry-run'];
    const { stdout } = await run(process.execPath, args).catch((thrown: unknown) => thrown as { stdout: string });
    const { visits } = JSON.parse(stdout) as { readonly visits: readonly { readonly code: string }[] };
    assert.deepEqual(pluck(visits, 'code'), [code]);
  });
}

test('whoever leaves a session of the installed simulator without a command ends nothing', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-bundle-'));
  const args = [program, 'simulate', '--dir', dir, '--clients', '1'];
  const simulator = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(simulator, 'close') as Promise<[number | null]>;
  t.after(async () => {
    simulator.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });
  let said = '';
  simulator.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
  for await (const chunk of simulator.stdout.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes('Ctrl-C')) break;
  }
  simulator.stdout.resume();
  const [, host, port] = /ip="([\d.]+)" port="(\d+)"/.exec(readFileSync(path.join(dir, 'clients.xml'), 'utf8')) ?? [];
  const privateKey = readFileSync(path.join(dir, 'login_key'));
  for (const visit of ['first', 'second']) {
    const client = new ssh2.Client();
    client.connect({ host: host ?? '', port: Number(port), username: 'simulated', privateKey });
    await once(client, 'ready');
    // A session is opened for it, and nobody there has a terminal.
    await assert.rejects(promisify(client.shell.bind(client))(), /Unable to request/, `the ${visit} visit`);
    client.destroy();
    await once(client, 'close');
  }
  simulator.kill('SIGTERM');
  assert.deepEqual([(await ended)[0], /internal/.test(said)], [0, false], said);
});
