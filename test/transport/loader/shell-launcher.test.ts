// Second tier: each shell.
/** The launcher of a restricted key that runs the shell agent, in every shell that it is written for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { bundleOf } from '../../../src/collector/agent/agent-bundles.ts';
import { encodeRequest } from '../../../src/report/agent-request.ts';
import type { AgentRequest } from '../../../src/report/wire.ts';
import { gunzipSync } from 'node:zlib';
import { parseEnd } from '../../../src/report/frames.ts';
import { authorizedKeysOptions, findLauncherWords, launcherStatus } from '../../../src/transport/loader/launcher.ts';
import { noAwk, shellLauncherCommand } from '../../../src/transport/loader/launcher.ts';
import { bundles } from '../../support/clients/agent-visit.ts';
import { framesOf, shellStart, visitCommand } from '../../support/ssh/restricted-key.ts';
import { isWide } from '../../support/long-tests.ts';
import { commandOf, shells, whereIs } from '../../support/clients/shell-client.ts';
import { launcherPath, otherTimeouts } from '../../support/ssh/launcher-path.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const collectorId = '57961bcb-d028-45f9-9828-3bc654105a74';
const options = { client: 'web-1', agentDigest: bundles.shell.digest, collectorId };
const visit = visitCommand({}, shellStart);

test('the line is one line that dropbear reads too, and what every login shell hands on', () => {
  const command = shellLauncherCommand(options);
  assert.match(command, /^\/bin\/sh -c '[^']+' fh( '[^']*')+$/);
  assert.doesNotMatch(command, /[!"\\\n]/);
  const line = `${authorizedKeysOptions({ command, forwards: [], from: [] })} ssh-rsa ${'A'.repeat(724)}`;
  assert.ok(line.length < 4200);
});

test('requests begin with what an agent under a restricted key looks for', () => {
  const request = { kind: 'visit', run: 'x', v: 1 } as unknown as AgentRequest;
  assert.match(encodeRequest(request), /^eyJ2IjoxLCJraW5kIjoidmlzaXQi/);
});

interface PlaceOptions {
  readonly shell?: string;
  readonly without?: readonly string[];
  /** The account that the launcher runs as. Default: the test's own. */
  readonly uid?: number;
  readonly digest?: string;
  /** True for a line of `authorize --state`. */
  readonly state?: boolean;
}

const programs = 'awk cat date df env grep id ls mkdir mv printf rm sha256sum sleep stat tail timeout tr true uname wc';
const below = (home: string): string => path.join(home, '.local/lib/fleet-health');

/**
 * Makes a machine with these programs alone. The launcher's own folders and PATH are replaced by folders of the test.
 * `root` stands for the folder that root installs to.
 */
function place(
  t: TestContext,
  { shell = 'dash', without = [], uid, digest = bundles.shell.digest, state = false }: PlaceOptions,
) {
  const home = tempFolder(t);
  chmodSync(home, 0o755);
  const [root, bin] = [path.join(home, 'root'), path.join(home, 'bin')];
  for (const dir of [root, bin, below(home)]) mkdirSync(dir, { recursive: true });
  for (const name of programs.split(' ')) {
    const found = whereIs(name);
    if (found !== null && !without.includes(name)) symlinkSync(found, path.join(bin, name));
  }
  const [program, ...args] = commandOf(shell) ?? ['/bin/sh'];
  const sh = path.join(bin, 'sh');
  writeFileSync(sh, `#!/bin/sh\nexec ${[program, ...args].join(' ')} "$@"\n`, { mode: 0o755 });
  const command = shellLauncherCommand({ ...options, agentDigest: digest, state })
    .replaceAll('/bin/sh ', `${sh} `)
    .replace(launcherPath, bin)
    .replaceAll('/usr/local/lib/fleet-health', root);
  const run = (asked: string | null = visit) => {
    const env = { HOME: home, PATH: bin, ...(asked === null ? {} : { SSH_ORIGINAL_COMMAND: asked }) };
    const account = uid === undefined ? {} : { uid, gid: uid };
    return spawnSync(program, [...args, '-c', command], { encoding: 'latin1', env, input: '', ...account });
  };
  return { home, root, run };
}

function put(dir: string, content = bundles.shell.content, digest = bundles.shell.digest): string {
  const file = path.join(dir, `${digest}.sh`);
  writeFileSync(file, content);
  return file;
}
/** A capture ends at the second marker. */
const wasRead = /fh-AAECAwQFBgcICQoLDA0ODw-loader-\n(.{16})H.*"reader":"shell","pinned":"[0-9a-f]{64}"\}U.*\1/s;

for (const shell of isWide ? shells : shells.slice(0, 1)) {
  test(`${shell}: runs the agent, whichever folder it is in, and nothing that is not its`, (t) => {
    if (commandOf(shell) === null) {
      t.skip(`${shell} is not installed`);
      return;
    }
    const { home, root, run } = place(t, { shell });
    const absent = run();
    assert.equal(absent.status, launcherStatus.agentAbsent, absent.stderr);
    assert.match(findLauncherWords(absent.stderr)?.reason ?? '', /^no program [0-9a-f]{64}, unchanged, in \S+ or \S+$/);
    put(root, Buffer.from('echo owned'));
    assert.equal(run().status, launcherStatus.agentAbsent);
    put(below(home));
    const ended = run();
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, wasRead);
    for (const asked of [null, '', 'id', `${visit};id`, visitCommand(), visit.replaceAll("'", '"')]) {
      const { status, stdout, stderr } = run(asked);
      assert.deepEqual([status, stdout], [launcherStatus.refused, ''], stderr);
      assert.equal(findLauncherWords(stderr)?.digest, options.agentDigest);
    }
    assert.equal(run(visitCommand({ v: 2 as never }, shellStart)).status, launcherStatus.otherVersion);
  });
}

for (const shell of isWide ? shells : shells.slice(0, 1)) {
  test(`${shell}: the agent gets a fixed environment, and the command as one word`, (t) => {
    const program = bundleOf(Buffer.from('env;for x do printf "[%s]\\n" "$x";done'));
    const { home, run } = place(t, { shell, digest: program.digest });
    put(below(home), program.content, program.digest);
    const asked = 'a  b;$(id)`id`"\'*\nc\\n';
    const { status, stdout, stderr } = run(asked);
    assert.equal(status, 0, stderr);
    const lines = stdout.split('\n').filter((line) => !/^(_|PWD|OLDPWD|SHLVL)=/.test(line));
    assert.deepEqual(lines.slice(0, 2).sort(), [`HOME=${home}`, `PATH=${path.join(home, 'bin')}`]);
    assert.doesNotMatch(stdout, /^SSH_ORIGINAL_COMMAND=/m);
    assert.ok(stdout.includes('\n[pinned]\n[120]\n[t]\n'), stdout);
    assert.ok(stdout.endsWith(`\n[${collectorId}]\n[${program.digest}]\n[-]\n[${asked}]\n`), stdout);
  });
}

for (const state of [false, true]) {
  test(`the state is ${state ? 'told' : 'told to nobody, nor is its stamp,'} by a line ${state ? 'with' : 'without'} --state`, (t) => {
    const { home, run } = place(t, { state });
    put(below(home));
    const { stdout } = run(visitCommand({ state: true, stamp: true }, shellStart));
    const frames = framesOf(stdout);
    const capture = gunzipSync(frames.get('U') ?? Buffer.alloc(0)).toString('latin1');
    const { stamp } = parseEnd(frames.get('E') ?? Buffer.alloc(0));
    assert.deepEqual(
      [/^=state$/m.test(capture), /etc\/passwd/.test(capture), stamp !== undefined],
      [state, state, state],
    );
  });
}

test('a home with blanks and globs in its name', (t) => {
  const { run, home } = place(t, {});
  const odd = path.join(home, 'a  b *');
  mkdirSync(below(odd), { recursive: true });
  put(below(odd));
  assert.equal(run().status, launcherStatus.agentAbsent);
  const command = shellLauncherCommand(options);
  const env = { HOME: odd, SSH_ORIGINAL_COMMAND: visit };
  const ended = spawnSync('/bin/sh', ['-c', command], { encoding: 'latin1', env, input: '' });
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stdout, wasRead);
});

test('without awk it says so', (t) => {
  const { home, run } = place(t, { without: ['awk'] });
  put(below(home));
  const { status, stderr } = run();
  assert.equal(status, launcherStatus.noRuntime);
  assert.equal(findLauncherWords(stderr)?.reason, noAwk);
});

for (const text of [null, ...otherTimeouts]) {
  test(`without timeout the agent has a watchdog of its own: ${text ?? 'none'}`, (t) => {
    const { home, run } = place(t, { without: ['timeout'] });
    if (text !== null) writeFileSync(path.join(home, 'bin/timeout'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    put(below(home));
    assert.match(run().stdout, wasRead);
  });
}

const nobody = 65534;

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'needs root, to install for another account' };

test('where nothing computes SHA-256, only what the account cannot write is run', asRoot, (t) => {
  const { home, root, run } = place(t, { without: ['sha256sum'], uid: nobody });
  const file = put(below(home));
  spawnSync('chown', ['-R', String(nobody), path.join(home, '.local')]);
  const said = run();
  assert.equal(said.status, launcherStatus.agentAbsent);
  assert.match(findLauncherWords(said.stderr)?.reason ?? '', /^nothing here computes SHA-256, so/);
  assert.match(file, /\.local/);

  const installed = put(root);
  for (const spoil of [
    ['chmod', '666', installed],
    ['chown', String(nobody), installed],
    ['chmod', '777', root],
  ]) {
    spawnSync(spoil[0] ?? '', spoil.slice(1));
    assert.equal(run().status, launcherStatus.agentAbsent, spoil.join(' '));
    spawnSync('chown', ['0', installed]);
    chmodSync(installed, 0o644);
    chmodSync(root, 0o755);
  }
  const { status, stdout, stderr } = run();
  assert.equal(status, 0, stderr);
  assert.match(stdout, wasRead);
});

test('a line break in the name of a unit makes no mount of what follows', (t) => {
  const { home, run } = place(t, { without: ['stat'] });
  put(below(home));
  const asked = path.join(home, 'asked');
  const script = `#!/bin/sh\necho "$@" >>${asked}\nexec ${whereIs('stat') ?? ''} "$@"\n`;
  writeFileSync(path.join(home, 'bin/stat'), script, { mode: 0o755 });
  const [, request = ''] = /'([\w-]+)'$/.exec(visit) ?? [];
  const json = Buffer.from(request, 'base64url').toString().replace('"options":{}', '"options":{"units":["x\nm/odd"]}');
  assert.match(json, /x\nm/);
  const { status, stdout } = run(visit.replace(request, Buffer.from(json).toString('base64url')));
  assert.equal(status, 0);
  assert.match(stdout, wasRead);
  assert.doesNotMatch(readFileSync(asked, 'utf8'), /odd/);
});
