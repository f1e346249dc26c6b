/** The texts of a restricted key. Their use by a real sshd is tested in test/end-to-end/restricted-key.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { authorizedKeysOptions, findLauncherWords, launcherStatus } from '../../../src/transport/loader/launcher.ts';
import { launcherCommand, shellLauncherCommand, type LauncherOptions } from '../../../src/transport/loader/launcher.ts';
import { visitCommand } from '../../support/ssh/restricted-key.ts';
import { fakeNode, impostors, launcherPath, otherTimeouts, saysVersion } from '../../support/ssh/launcher-path.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const options: LauncherOptions = {
  client: 'web-1',
  agentDigest: 'a'.repeat(64),
  inventoryDigest: 'b'.repeat(64),
  collectorId: '57961bcb-d028-45f9-9828-3bc654105a74',
  publicKey: Buffer.alloc(32, 7),
  node: null,
};

test('the command holds what every login shell hands on', () => {
  const command = launcherCommand(options);
  assert.match(command, /^\/bin\/sh -c '[^']+' fh( '[^']*')+$/);
  assert.doesNotMatch(command, /[!\\\n]/);
});

test('the line is one line that dropbear reads too, even with a long RSA key', () => {
  const rsa4096 = `ssh-rsa ${'A'.repeat(724)}`;
  const line = `${authorizedKeysOptions({ command: launcherCommand(options), forwards: [], from: [] })} ${rsa4096}`;
  assert.match(line, /^restrict,command="[^"\\]+" ssh-rsa A+$/);
  // MAX_AUTHKEYS_LINE of dropbear's svr-authpubkey.c.
  assert.ok(line.length < 4200, String(line.length));
});

for (const node of ["/opt/it's/node", '/opt/a"b/node', '/opt/wow!/node', '/opt/a\\b/node', '/opt/a\nb']) {
  test(`a path of node that a shell might change is refused: ${JSON.stringify(node)}`, () => {
    assert.throws(() => launcherCommand({ ...options, node }), {
      ...{ code: 'config-invalid', stage: 'config', client: 'web-1' },
      message: `web-1: this cannot be passed to a shell: ${JSON.stringify(node)}`,
    });
  });
}

test('a restricted key forwards to the given targets alone, and is accepted from the given addresses alone', () => {
  const none = { command: 'c', forwards: [], from: [] };
  assert.equal(authorizedKeysOptions(none), 'restrict,command="c"');
  assert.equal(
    authorizedKeysOptions({ ...none, forwards: ['a:1', 'b:2'] }),
    'restrict,command="c",port-forwarding,permitopen="a:1",permitopen="b:2"',
  );
  assert.equal(
    authorizedKeysOptions({ ...none, from: ['192.0.2.0/24', '::1'] }),
    'restrict,command="c",from="192.0.2.0/24,::1"',
  );
});

test('a launcher is bound to its agent, its collector and its key, and reads the state only where it may', () => {
  const { agentDigest, inventoryDigest, collectorId } = options;
  const key = Buffer.alloc(32, 7).toString('base64url');
  const bound = [agentDigest, inventoryDigest, collectorId, key, '-'].map((word) => `'${word}'`).join(' ');
  assert.ok(launcherCommand(options).includes(` fh ${bound} '`));
  const ofShell = `fh '${agentDigest}' '${collectorId}'`;
  assert.ok(shellLauncherCommand(options).endsWith(ofShell));
  assert.ok(shellLauncherCommand({ ...options, state: true }).endsWith(`${ofShell} 's'`));
});

function run(asked: string | null, launcher: Partial<LauncherOptions>, env: Record<string, string>, edit = same) {
  const original = asked === null ? {} : { SSH_ORIGINAL_COMMAND: asked };
  const command = edit(launcherCommand({ ...options, ...launcher }));
  return spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', env: { ...env, ...original }, input: '' });
}
const same = (command: string): string => command;

test('node gets a fixed environment and the command as one word', (t) => {
  const home = tempFolder(t);
  const tells = 'env | grep -v "^\\(_\\|PWD\\|OLDPWD\\|SHLVL\\)="; for last in "$@"; do :; done; echo "[$last]"';
  const node = fakeNode(path.join(home, 'bin'), `${saysVersion}; ${tells}`);
  const asked = 'a  b;$(id)`id`"\'*\nc';
  const env = { HOME: home, PATH: '/evil', NODE_OPTIONS: '--require=/evil', LC_ALL: 'C', XDG_STATE_HOME: '/evil' };
  const { status, stdout } = run(asked, { node }, env);
  assert.equal(status, 0);
  const fixed = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  assert.deepEqual(stdout.split('\n').slice(0, 2).sort(), [`HOME=${home}`, fixed]);
  assert.ok(stdout.endsWith(`\n[${asked}]\n`), stdout);
});

for (const text of otherTimeouts) {
  test(`node is started where timeout is another program: ${text}`, (t) => {
    const home = tempFolder(t);
    const bin = path.join(home, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'timeout'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const node = fakeNode(path.join(home, 'own'), `${saysVersion}; echo started`);
    const first = (command: string): string => command.replace(launcherPath, `${bin}:${launcherPath}`);
    assert.equal(run(visitCommand(), { node }, { HOME: home }, first).stdout, 'started\n');
  });
}

for (const [what, text] of Object.entries(impostors)) {
  test(`a node that ${what} is passed over`, (t) => {
    const home = tempFolder(t);
    const node = fakeNode(path.join(home, 'bin'), text);
    const ended = run(visitCommand(), { node }, { HOME: home });
    assert.equal(ended.status, launcherStatus.agentAbsent, ended.stderr);
  });
}

test('without any node it says so, with the digest', (t) => {
  const hide = (command: string): string =>
    command.replaceAll(/\/usr\S*bin(?=[:;])|\/usr\/local (?=\/opt)|\/\S*\/node(?=[ ;])/g, '/nowhere ');
  const ended = run(visitCommand(), {}, { HOME: tempFolder(t) }, hide);
  assert.equal(ended.status, launcherStatus.noRuntime, ended.stderr);
  const words = findLauncherWords(ended.stderr);
  assert.deepEqual(words, { digest: options.agentDigest, reason: 'no Node.js 18.15 or newer was found' });
});

for (const [what, asked] of [
  ['nothing', null],
  ['an empty command', ''],
  ['a shell', 'sh -i'],
  ['an option of node', '--version'],
] as const) {
  test(`${what} is refused with a line for people`, (t) => {
    const ended = run(asked, { node: process.execPath }, { HOME: tempFolder(t) });
    assert.deepEqual([ended.status, ended.stdout], [launcherStatus.refused, '']);
    assert.equal(findLauncherWords(ended.stderr)?.digest, options.agentDigest);
  });
}

test('the words are found behind what a login shell complains of', () => {
  const said = `bash: warning: setlocale\nfleet-health restricted key ${'c'.repeat(64)}: because\nmore`;
  assert.deepEqual(findLauncherWords(said), { digest: 'c'.repeat(64), reason: 'because' });
  assert.equal(findLauncherWords('fleet-health restricted key x: because'), null);
});
