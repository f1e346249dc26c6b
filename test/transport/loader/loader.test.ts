/** The shell texts of the loader: the files that they find and those that they refuse. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lchownSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { maxExecBytes } from '../../../src/report/wire.ts';
import {
  findLoaderSign,
  loaderStatus,
  lookCommand,
  runCommand,
  uploadCommand,
  uploadShellCommand,
  type RunOptions,
} from '../../../src/transport/loader/loader.ts';
import { bundles, machine } from '../../support/clients/agent-visit.ts';
import { fakeNode, saysVersion } from '../../support/ssh/launcher-path.ts';
import { shellConnection } from '../../support/clients/shell-connection.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const PATH = process.env['PATH'] ?? '';
const options: RunOptions = {
  client: 'web-1',
  marker: '-Xw1f0SvQ9q_7bXWjbT4bA',
  killAfterSeconds: 11,
  node: '/usr/bin/node',
  request: 'eyJ2IjoxfQ',
  kind: 'visit',
  agentDigest: 'a'.repeat(64),
  inventoryDigest: 'b'.repeat(64),
  collectorId: 'c0ffee',
  shell: null,
};
const uploadOptions = { ...options, lengthBytes: 10, digest: 'a'.repeat(64), otherDigest: 'b'.repeat(64) };

test('no command line holds what a login shell would take for its own, and both leave room for the request', () => {
  for (const command of [runCommand(options), uploadCommand(uploadOptions)]) {
    assert.doesNotMatch(command, /[!\\\n]/);
    assert.match(command, /^\/bin\/sh -c '[^']+' fh( '[^']*')+$/);
    assert.ok(command.length < maxExecBytes / 3, String(command.length));
  }
});

test('a command line has the words of its script, in their order', () => {
  const shell = { digest: 'd'.repeat(64), marker: '1.2.3', folder: 'a-folder' };
  const wordsOf = (command: string): readonly string[] =>
    (command.slice(command.indexOf("' fh '") + 4).match(/'[^']*'/g) ?? []).map((word) => word.slice(1, -1));
  const { marker, node, request, agentDigest, inventoryDigest, collectorId } = options;
  const usual = [marker, '11', '/usr/bin/node'];
  const visit = ['visit', agentDigest, inventoryDigest, collectorId];
  assert.deepEqual(wordsOf(runCommand(options)), [...usual, ...visit, '-', '-', '-', request]);
  assert.deepEqual(
    [wordsOf(runCommand({ ...options, node: null, shell })), node],
    [[marker, '11', '-', ...visit, shell.digest, '1.2.3', 'a-folder', request], '/usr/bin/node'],
  );
  const upload = wordsOf(uploadCommand(uploadOptions));
  assert.deepEqual([upload.slice(0, 6), upload[7]], [[...usual, '10', agentDigest, inventoryDigest], request]);
  const ofShell = uploadShellCommand({ ...options, lengthBytes: 5, shell });
  assert.deepEqual(wordsOf(ofShell), [...usual, '5', shell.digest, collectorId, '1.2.3', 'a-folder', request]);
  const pairs = [
    { address: '192.0.2.1', port: 22 },
    { address: '::1', port: 2222 },
  ];
  const look = wordsOf(lookCommand({ client: 'web-1', marker, node: null, seconds: 3, pairs }));
  assert.deepEqual(
    [look.slice(0, 3), look.slice(4)],
    [
      [marker, '3', '-'],
      [
        'exec 3<>/dev/tcp/$1/$2||exit;echo open;while read -r l<&3;do case $l in SSH-*)echo reached;exit;;esac;done',
        '192.0.2.1',
        '22',
        '::1',
        '2222',
      ],
    ],
  );
});

test('the last sign of a loader counts, and only statuses of missing programs say that one is missing', () => {
  const found = (...signs: readonly string[]) =>
    findLoaderSign(Buffer.from(`motd ${signs.map((sign) => `fh-${sign}\n`).join('')}`), 'm');
  assert.equal(found(), null);
  assert.equal(found('other-loader-81'), null);
  assert.deepEqual(found('m-loader-81', 'm-loader-89'), { absentStatus: loaderStatus.shellAbsent });
  for (const status of [81, 82, 89]) assert.deepEqual(found(`m-loader-${status}`), { absentStatus: status });
  for (const other of ['83', '00', '']) assert.deepEqual(found(`m-loader-${other}`), { absentStatus: null });
});

test('what does not fit into a command line is a fault of the configuration that names the client', () => {
  const fits = maxExecBytes - runCommand({ ...options, request: '' }).length;
  assert.equal(runCommand({ ...options, request: 'x'.repeat(fits) }).length, maxExecBytes);
  const common = { name: 'FleetError', code: 'config-invalid', stage: 'config', client: 'web-1' };
  const fault = { ...common, message: /^web-1: .* 1 bytes/ };
  assert.throws(() => runCommand({ ...options, request: 'x'.repeat(fits + 1) }), fault);
});

for (const node of ["/opt/it's/node", '/opt/wow!/node', '/opt/a\\b/node', '/opt/a\nb', '/opt/nöde']) {
  test(`a path of node that a shell might change is refused: ${JSON.stringify(node)}`, () => {
    assert.throws(() => runCommand({ ...options, node }), { code: 'config-invalid' });
  });
}

function run(command: string, env: Record<string, string>): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { env, input: '' });
  return { status, stdout, stderr: stderr.toString() };
}

test('an absent agent has a status of its own for each program, and the sign says which', (t) => {
  const env = { HOME: tempFolder(t), PATH };
  for (const [kind, status] of [
    ['visit', loaderStatus.agentAbsent],
    ['inventory', loaderStatus.inventoryAbsent],
  ] as const) {
    const ended = run(runCommand({ ...options, kind }), env);
    assert.equal(ended.status, status);
    assert.equal(ended.stderr, '');
    assert.deepEqual(findLoaderSign(ended.stdout, options.marker), { absentStatus: status });
  }
});

test('a device that echoes its command line does not give the sign', () => {
  for (const command of [runCommand(options), uploadCommand(uploadOptions)]) {
    assert.equal(findLoaderSign(Buffer.from(`unknown command: ${command}`), options.marker), null);
  }
});

/** Puts a file where the loader looks for the agent. Returns its path. */
const placeAgent = (home: string): string => {
  const plan = runCommand(options).replace('command -v timeout', 'echo "at $m";command -v timeout');
  const probe = run(plan, { HOME: home, PATH });
  const machineId = /^at (.*)$/m.exec(probe.stdout.toString())?.[1] ?? '';
  const dir = path.join(home, '.local/state/fleet-health', machineId, 'c0ffee');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, `${options.agentDigest}.w.cjs`);
  writeFileSync(file, '', { mode: 0o600 });
  return file;
};

test('nodes are tried in order until one is new enough', (t) => {
  const home = tempFolder(t);
  placeAgent(home);
  const bin = path.join(home, 'bin');
  fakeNode(bin, `echo in PATH >&2; exit ${loaderStatus.nodeTooOld}`);
  const configured = fakeNode(path.join(home, 'configured'), `echo configured >&2; exit ${loaderStatus.nodeTooOld}`);
  const versions = path.join(home, '.nvm/versions/node');
  fakeNode(path.join(versions, 'v12.22.9/bin'), 'echo nvm 12 >&2; exit 0');
  fakeNode(path.join(versions, 'v22.1.0/bin'), `${saysVersion}; echo nvm 22 >&2; exit 9`);
  const ended = run(runCommand({ ...options, node: configured }), { HOME: home, PATH: `${bin}:${PATH}` });
  assert.deepEqual(ended.stderr.trim().split('\n'), ['configured', 'in PATH', 'nvm 22']);
  assert.equal(ended.status, 9);
});

test('a node that cannot be started is passed over', (t) => {
  const home = tempFolder(t);
  placeAgent(home);
  const broken = fakeNode(path.join(home, 'broken'), 'exit 127');
  fakeNode(path.join(home, 'bin'), saysVersion);
  assert.equal(run(runCommand({ ...options, node: broken }), { HOME: home, PATH: path.join(home, 'bin') }).status, 0);
});

for (const [what, status] of [
  ['no node at all', null],
  ['only old ones', loaderStatus.nodeTooOld],
] as const) {
  test(`${what}: a status of its own, and nothing is brought`, async (t) => {
    const { visit, home } = machine(t);
    const bin = path.join(home, 'bin');
    mkdirSync(bin);
    if (status !== null) fakeNode(bin, `echo "node v12 is too old" >&2; exit ${status}`);
    // The usual folders belong to this machine, which may have a node in any of them.
    const script =
      'eval "$(printf %s "$COMMAND" | /bin/sed "s:found /usr/local [^;]*;go /snap/bin/node:found /nowhere:")"';
    const connection = shellConnection({ env: { HOME: home, PATH: bin }, scripts: [script, script] });
    const { result } = await visit({ connection, node: null });
    assert.equal(result.fault?.code, 'no-runtime', result.fault?.message ?? '');
    assert.equal(result.uploaded, false);
    if (status !== null) assert.match(result.fault.message, /too old/);
  });
}

const linkInstead = (place: string): void => {
  renameSync(place, `${place}.x`);
  symlinkSync(`${place}.x`, place);
};
const giveAway = (place: string): void => lchownSync(place, 61_236, 61_236);

for (const [what, spoil] of [
  ['is a symbolic link', linkInstead],
  ['belongs to somebody else', giveAway],
  ['lies in a folder of somebody else', (file: string) => giveAway(path.dirname(file))],
  ['lies behind a symbolic link', (file: string) => linkInstead(path.dirname(file))],
] as const) {
  test(`an agent is not run when it ${what}`, (t) => {
    if (process.getuid?.() !== 0 && what.includes('somebody')) {
      t.skip('needs root, to give a file away');
      return;
    }
    const home = tempFolder(t);
    const node = fakeNode(path.join(home, 'bin'), `${saysVersion}; exit 7`);
    const file = placeAgent(home);
    assert.equal(run(runCommand({ ...options, node }), { HOME: home, PATH }).status, 7);
    spoil(file);
    assert.equal(run(runCommand({ ...options, node }), { HOME: home, PATH }).status, loaderStatus.agentAbsent);
  });
}

test('a home that is missing is not made: the next place is used', async (t) => {
  const { visit, home } = machine(t);
  const missing = path.join(home, 'nonexistent');
  const { result } = await visit({ connection: shellConnection({ env: { HOME: missing, PATH } }) });
  assert.deepEqual([result.fault, existsSync(missing)], [null, false]);
});

test('XDG_STATE_HOME comes first, and counts only when it is absolute', async (t) => {
  const { visit, home } = machine(t);
  const state = path.join(home, 'state dir');
  for (const [value, expected] of [
    [state, [state]],
    ['relative', [state, path.join(home, '.local/state')]],
  ] as const) {
    const env = { HOME: home, PATH, XDG_STATE_HOME: value };
    const { result } = await visit({ connection: shellConnection({ env }) });
    assert.equal(result.fault, null);
    for (const dir of expected) assert.deepEqual(readdirSync(dir), ['fleet-health']);
  }
});

test('what is brought is checked for length and digest on the client', (t) => {
  const { digest } = bundles.agent;
  const packed = bundles.agent.packed();
  const bring = (input: Buffer, asked = digest): number | null => {
    const command = uploadCommand({ ...options, lengthBytes: packed.length, digest: asked, otherDigest: digest });
    return spawnSync('/bin/sh', ['-c', command], { env: { HOME: tempFolder(t), PATH }, input }).status;
  };
  assert.equal(bring(packed.subarray(1)), loaderStatus.uploadDamaged);
  const changed = Buffer.from(packed);
  changed[100] = (changed[100] ?? 0) ^ 1;
  assert.equal(bring(changed), loaderStatus.uploadDamaged);
  assert.equal(bring(packed, 'a'.repeat(64)), loaderStatus.uploadDamaged);
  // The argument here is not a valid request. The agent reports that fault itself.
  assert.equal(bring(packed), 1);
});
