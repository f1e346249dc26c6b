import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { disks } from '../../../agent/probes/disks.ts';
import { hangingChildren, rememberHanging, askNetworkMounts } from '../../../agent/live/network-mounts.ts';
import { startOf } from '../../../agent/start/running.ts';
import type { MountAnswer } from '../../../agent/probes/source.ts';
import { contextOf, familyOf } from '../probes/fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

function placeFor(t: TestContext): string {
  const dir = tempFolder(t);
  return dir;
}

function reasonOf(answer: MountAnswer | undefined): string {
  if (answer === undefined || 'usage' in answer) return 'answered';
  return `${answer.unresponsive ? 'unresponsive' : 'unknown'}: ${answer.reason}`;
}

/** Returns a child command that answers only for its first mount and then runs the shell text. */
function halfChild(then: string): readonly string[] {
  return ['/bin/sh', '-c', `echo '[0,4096,100,50,50,10,5]'; ${then}`, 'sh'];
}

test('mounts that answer, and one that is not there', async (t) => {
  const answers = await askNetworkMounts({ mounts: ['/', '/no/such'], deadlineMs: 5000, placeDir: placeFor(t) });
  const root = answers.get('/');
  assert.ok(root !== undefined && 'usage' in root);
  assert.equal(root.usage.blocks * root.usage.bsize, fs.statfsSync('/').blocks * fs.statfsSync('/').bsize);
  assert.equal(reasonOf(answers.get('/no/such')), 'unknown: statfs: ENOENT');
});

test('a mount that hangs costs itself only, and its child is gone afterwards', async (t) => {
  const placeDir = placeFor(t);
  const pidFile = path.join(placeDir, 'pid');
  const begun = performance.now();
  const answers = await askNetworkMounts({
    mounts: ['/a', '/b'],
    deadlineMs: 400,
    placeDir,
    command: halfChild(`echo $$ > ${pidFile}; exec sleep 60`),
  });
  assert.equal(reasonOf(answers.get('/a')), 'answered');
  assert.equal(reasonOf(answers.get('/b')), 'unresponsive: no answer within 400 ms');
  assertWithin(begun, 2000);
  assert.equal(startOf(Number(fs.readFileSync(pidFile, 'utf8'))), null);
  assert.deepEqual(hangingChildren(placeDir), []);
});

test('a stopped child does not hold anybody up either', async (t) => {
  const placeDir = placeFor(t);
  const command = halfChild('kill -STOP $$; sleep 60');
  const answers = await askNetworkMounts({ mounts: ['/a', '/b'], deadlineMs: 300, placeDir, command });
  assert.equal(reasonOf(answers.get('/b')), 'unresponsive: no answer within 300 ms');
});

test('a child that fails makes unknown, not unresponsive', async (t) => {
  const placeDir = placeFor(t);
  const ask = async (command: readonly string[]): Promise<string> =>
    reasonOf((await askNetworkMounts({ mounts: ['/a', '/b'], deadlineMs: 5000, placeDir, command })).get('/b'));
  assert.equal(await ask(halfChild('exit 3')), 'unknown: the child process ended: 3');
  assert.equal(await ask(halfChild('kill -9 $$')), 'unknown: the child process ended: SIGKILL');
  assert.equal(await ask(['/no/such/program']), 'unknown: the child process could not be started: ENOENT');
  const nonsense = halfChild("echo 'no JSON'; echo '[]'; echo '[7,1]'; exit 0");
  assert.equal(await ask(nonsense), 'unknown: the child process ended: 0');
});

test('while an earlier child hangs its mounts are not asked again', async (t) => {
  const placeDir = placeFor(t);
  const hanging = spawn('/bin/sleep', ['60']);
  t.after(() => hanging.kill('SIGKILL'));
  const pid = hanging.pid ?? 0;
  const start = startOf(pid) ?? 0;
  rememberHanging(placeDir, [{ pid, start, mounts: ['/b'] }]);
  const asked = path.join(placeDir, 'asked');
  const ask = async (): Promise<ReadonlyMap<string, MountAnswer>> =>
    askNetworkMounts({
      mounts: ['/a', '/b'],
      deadlineMs: 5000,
      placeDir,
      command: ['/bin/sh', '-c', `echo "$@" > ${asked}; echo '[0,1,1,1,1,1,1]'; echo '[1,1,1,1,1,1,1]'`, 'sh'],
    });

  const during = await ask();
  assert.equal(reasonOf(during.get('/a')), 'answered');
  assert.equal(reasonOf(during.get('/b')), 'unresponsive: an earlier question still hangs');
  assert.equal(fs.readFileSync(asked, 'utf8'), '6000 /a\n');
  assert.equal(hangingChildren(placeDir).length, 1);

  hanging.kill('SIGKILL');
  await once(hanging, 'exit');
  const after = await ask();
  assert.equal(reasonOf(after.get('/b')), 'answered');
  assert.equal(fs.readFileSync(asked, 'utf8'), '6000 /a /b\n');
});

test('a process id that was used again is not the child that hung', (t) => {
  const placeDir = placeFor(t);
  rememberHanging(placeDir, [{ pid: process.pid, start: (startOf(process.pid) ?? 0) - 1, mounts: ['/b'] }]);
  assert.deepEqual(hangingChildren(placeDir), []);
});

for (const content of ['', '{', 'null', '[null]', '[{"pid":1}]', '[{"pid":1,"start":2,"mounts":[3]}]', '7']) {
  test(`a damaged memory is no memory: ${content || 'empty'}`, (t) => {
    const placeDir = placeFor(t);
    fs.writeFileSync(path.join(placeDir, 'hanging-mounts.json'), content);
    assert.deepEqual(hangingChildren(placeDir), []);
  });
}

test('no place to remember: nothing is asked', async () => {
  const answers = await askNetworkMounts({ mounts: ['/'], deadlineMs: 100, placeDir: null, command: ['/no/such'] });
  assert.equal(reasonOf(answers.get('/')), 'unknown: not asked: nothing can be remembered on this client');
});

const freezer = '/sys/fs/cgroup/freezer';
const canFreeze = process.getuid?.() === 0 && fs.existsSync(`${freezer}/tasks`);

const skipFreezing = canFreeze ? false : 'needs root and the freezer of cgroup version 1';
test(
  'a child that cannot be killed is remembered, and forgotten when it has ended',
  { skip: skipFreezing },
  async (t) => {
    const placeDir = placeFor(t);
    const group = `${freezer}/fh-test-${process.pid}`;
    fs.mkdirSync(group);
    const thaw = (): void => fs.writeFileSync(`${group}/freezer.state`, 'THAWED');
    t.after(async () => {
      thaw();
      while (fs.readFileSync(`${group}/tasks`, 'utf8') !== '') await setTimeout(10);
      fs.rmdirSync(group);
    });
    const freeze = halfChild(`echo $$ > ${group}/tasks; echo FROZEN > ${group}/freezer.state; sleep 60`);
    const ask = async (command: readonly string[]): Promise<string> =>
      reasonOf((await askNetworkMounts({ mounts: ['/a', '/b'], deadlineMs: 400, placeDir, command })).get('/b'));
    assert.equal(await ask(freeze), 'unresponsive: no answer within 400 ms');
    const [left] = hangingChildren(placeDir);
    assert.deepEqual(left?.mounts, ['/b']);
    assert.equal(await ask(['/bin/sh', '-c', 'exit 9']), 'unresponsive: an earlier question still hangs');

    thaw();
    while (startOf(left.pid) !== null) await setTimeout(10);
    assert.equal(await ask(['/bin/sh', '-c', 'exit 9']), 'unknown: the child process ended: 9');
    assert.deepEqual(hangingChildren(placeDir), []);
  },
);

const canMountFuse = process.getuid?.() === 0 && fs.existsSync('/dev/fuse');

const skipFuse = canMountFuse ? false : 'needs root and /dev/fuse';
test('a mounted file system that never answers', { skip: skipFuse }, async (t) => {
  const placeDir = placeFor(t);
  const mount = fs.mkdtempSync(path.join(tmpdir(), 'fh-dead-'));
  // The server of the mount is a process that holds /dev/fuse open and reads nothing: the kernel waits for ever.
  const server = spawn(
    '/bin/sh',
    [
      '-c',
      `exec 3<>/dev/fuse; mount -i -t fuse.sshfs -o fd=3,rootmode=40000,user_id=0,group_id=0 dead ${mount} ` +
        '&& echo ready; exec sleep 60',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  t.after(() => {
    spawnSync('umount', ['-l', mount]);
    server.kill('SIGKILL');
    fs.rmSync(mount, { recursive: true, force: true });
  });
  const [said] = (await Promise.race([once(server.stdout, 'data'), once(server, 'exit')])) as [Buffer | number];
  assert.equal(String(said).trim(), 'ready', String(server.stderr.read()));

  const begun = performance.now();
  const { functions } = await disks.run(contextOf('', { placeDir, leftMs: () => 1000 }));
  const { data, unknown } = familyOf(functions, 'disk');
  const dead = data.findIndex((row) => row['mount'] === mount);
  assert.equal(data[dead]?.['unresponsive'], 1);
  assert.equal(data[dead]['used_percent'], null);
  assert.equal(data[dead]['scope'], 'network');
  assert.ok(unknown?.some(({ row, reason }) => row === dead && reason === 'no answer within 600 ms'));
  assert.equal(typeof data.find((row) => row['mount'] === '/')?.['used_percent'], 'number');
  assertWithin(begun, 3000);
});
