import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import { openSqlite } from '../../src/platform/sqlite.ts';
import { holdLock, lookAtLock, takeLock, type LockAttempt, type LockHolder } from '../../src/state-folder/lock.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { fill, withSmallDisk } from '../support/programs/small-disk.ts';
import { tempFolder } from '../support/temp-folder.ts';

const isRoot = process.getuid?.() === 0;
const dir = tempFolder();
let files = 0;
const freshFile = (): string => path.join(dir, `lock-${files++}.db`);

function mustHold(attempt: LockAttempt): LockAttempt & { readonly kind: 'held' } {
  if (attempt.kind !== 'held') assert.fail(`taken by ${JSON.stringify(attempt.holder)}`);
  return attempt;
}

interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly said: Promise<LockAttempt>;
}

const children: ChildProcessWithoutNullStreams[] = [];
// A test that fails leaves its children, and this process would wait for them.
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

function startHolder(file: string, nowMs: number): Child {
  const script = path.join(import.meta.dirname, '../support/databases/lock-holder.ts');
  const child = spawn(process.execPath, [...programArgs(script), file, String(nowMs)]);
  children.push(child);
  child.stderr.pipe(process.stderr);
  const said = once(child.stdout, 'data').then(([data]) => JSON.parse(String(data)) as LockAttempt);
  return { process: child, said };
}

async function ended(child: Child, how: () => void): Promise<void> {
  const exit = once(child.process, 'exit');
  how();
  await exit;
}

test('a lock that nobody holds is had, and again after its release', async () => {
  const file = freshFile();
  for (const nowMs of [1, 2]) {
    mustHold(await takeLock({ file, nowMs })).release();
  }
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('the second in the same process learns of the first, which keeps its lock', async () => {
  const file = freshFile();
  const first = mustHold(await takeLock({ file, nowMs: 5 }));
  assert.deepEqual(await takeLock({ file, nowMs: 6 }), { kind: 'taken', holder: { pid: process.pid, startedAtMs: 5 } });
  const linked = path.join(dir, `link-${files++}`);
  symlinkSync(dir, linked);
  const roundabout = await takeLock({ file: path.join(linked, path.basename(file)), nowMs: 7 });
  assert.equal(roundabout.kind, 'taken');
  const other = startHolder(file, 8);
  assert.deepEqual(await other.said, { kind: 'taken', holder: { pid: process.pid, startedAtMs: 5 } });
  first.release();
});

test('a lock that is released is had by the caller that waits, and not by one whose time is over', async () => {
  const file = freshFile();
  const message = (holder: LockHolder | null): string => `held by ${holder?.pid}`;
  const first = mustHold(await takeLock({ file, nowMs: 5 }));
  await assert.rejects(holdLock({ file, message }), { code: 'locked', message: `held by ${process.pid}` });
  const waiting = holdLock({ file, message, waitMs: 60_000 });
  await setImmediate();
  first.release();
  (await waiting)();
  mustHold(await takeLock({ file, nowMs: 6 })).release();
});

interface Rows {
  /** Writes the row of a process, and takes the lock. */
  readonly hold: (pid: number, mode?: 'IMMEDIATE' | 'EXCLUSIVE') => void;
  readonly free: () => void;
  readonly exec: (sql: string) => void;
}

/** Returns the hands of another process on a lock that had a holder before. */
async function rowsOf(file: string): Promise<Rows> {
  mustHold(await takeLock({ file, nowMs: 5 })).release();
  const database = openSqlite(file);
  const exec = (sql: string): void => database.exec(sql);
  return {
    hold: (pid, mode = 'IMMEDIATE') =>
      exec(`UPDATE holder SET pid = ${pid}, started_at = 7, token = 'one'; BEGIN ${mode}`),
    free: () => database.close(),
    exec,
  };
}

for (const mode of ['IMMEDIATE', 'EXCLUSIVE'] as const) {
  test(`a caller learns the holder that lives, not the one before, while its row is written: ${mode}`, async () => {
    const file = freshFile();
    const { hold, exec, free } = await rowsOf(file);
    hold(spawnSync('true').pid, mode);
    const looked = lookAtLock(file);
    const refused = takeLock({ file, nowMs: 8 });
    await sleep(60);
    exec('COMMIT');
    hold(process.pid);
    const taken = { kind: 'taken', holder: { pid: process.pid, startedAtMs: 7 } };
    assert.deepEqual([await looked, await refused], [taken, taken]);
    free();
  });
}

test('a process that reads the row delays the lock, and does not refuse it', async () => {
  const file = freshFile();
  const { hold, exec, free } = await rowsOf(file);
  hold(spawnSync('true').pid);
  exec('COMMIT; BEGIN; SELECT * FROM holder');
  const waiting = takeLock({ file, nowMs: 8 });
  await sleep(60);
  exec('COMMIT');
  mustHold(await waiting).release();
  free();
});

test('a lock under the row of another process is not held', async () => {
  const file = freshFile();
  const { exec, free } = await rowsOf(file);
  exec("CREATE TRIGGER other AFTER INSERT ON holder BEGIN UPDATE holder SET token = 'other', pid = 0; END");
  const waiting = takeLock({ file, nowMs: 8 });
  await sleep(60);
  assert.deepEqual(await Promise.race([waiting, setImmediate('waits')]), 'waits');
  exec('DROP TRIGGER other');
  mustHold(await waiting).release();
  free();
});

test('a holder of another account is named at once', { skip: !isRoot }, async (t) => {
  const file = path.join(dir, 'others', 'lock.db');
  mkdirSync(path.dirname(file));
  const { hold, free } = await rowsOf(file);
  chmodSync(dir, 0o711);
  for (const [name, mode] of [
    [path.dirname(file), 0o777],
    [file, 0o666],
  ] as const)
    chmodSync(name, mode);
  const other = spawn('sleep', ['60'], { uid: 54_322, gid: 54_322 });
  t.after(() => other.kill());
  hold(other.pid ?? 0);
  process.seteuid?.(54_321);
  const refused = takeLock({ file, nowMs: 8 });
  process.seteuid?.(0);
  const attempt = await Promise.race([refused, setImmediate('waits')]);
  assert.deepEqual(attempt, { kind: 'taken', holder: { pid: other.pid, startedAtMs: 7 } });
  free();
});

test('a lock on a full disk is held', { skip: !isRoot }, async () => {
  const disk = path.join(dir, 'disk');
  await withSmallDisk(disk, 64, async () => {
    const file = path.join(disk, 'lock.db');
    const { hold, exec, free } = await rowsOf(file);
    hold(spawnSync('true').pid);
    exec('COMMIT');
    free();
    fill(disk);
    const held = mustHold(await takeLock({ file, nowMs: 8 }));
    const child = startHolder(file, 9);
    assert.equal((await child.said).kind, 'taken');
    held.release();
  });
});

test('the file does not stay open after a look or a refusal, also of a holder that has no row', async () => {
  const file = freshFile();
  writeFileSync(file, '');
  assert.equal(await lookAtLock(file), null);
  const other = openSqlite(file);
  other.exec('BEGIN IMMEDIATE');
  const unknown = { kind: 'taken', holder: null };
  assert.deepEqual(await Promise.all([lookAtLock(file), takeLock({ file, nowMs: 8 })]), [unknown, unknown]);
  other.close();
  const links = readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  const open = links.filter((link) => existsSync(link) && readlinkSync(link) === file);
  assert.deepEqual(open, []);
});

test('another process learns who holds it and since when', async () => {
  const file = freshFile();
  const child = startHolder(file, 1234);
  assert.equal((await child.said).kind, 'held');
  const attempt = await Promise.race([takeLock({ file, nowMs: 9 }), setImmediate('waits')]);
  assert.deepEqual(attempt, { kind: 'taken', holder: { pid: child.process.pid, startedAtMs: 1234 } });
  await ended(child, () => child.process.stdin.end());
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the lock dies with a holder ended by ${signal}`, async () => {
    const file = freshFile();
    const child = startHolder(file, 1);
    assert.equal((await child.said).kind, 'held');
    await ended(child, () => child.process.kill(signal));
    mustHold(await takeLock({ file, nowMs: 2 })).release();
  });
}

test('a holder that is stopped keeps it', async () => {
  const file = freshFile();
  const child = startHolder(file, 1);
  assert.equal((await child.said).kind, 'held');
  child.process.kill('SIGSTOP');
  assert.equal((await takeLock({ file, nowMs: 2 })).kind, 'taken');
  await ended(child, () => child.process.kill('SIGKILL'));
});

test('of many that start together exactly one has it, and the others name it', async () => {
  const file = freshFile();
  const children = Array.from({ length: 6 }, (_, index) => startHolder(file, 100 + index));
  const attempts = await Promise.all(children.map((child) => child.said));
  const winners = children.filter((_, index) => attempts[index]?.kind === 'held');
  assert.equal(winners.length, 1);
  for (const attempt of attempts) {
    if (attempt.kind === 'taken') assert.equal(attempt.holder?.pid, winners[0]?.process.pid);
  }
  await Promise.all(winners.map((child) => ended(child, () => child.process.kill('SIGKILL'))));
});

test('whoever looks learns the holder, and is never named as one', async () => {
  const file = freshFile();
  assert.equal(await lookAtLock(file), null);
  assert.ok(!existsSync(file));
  const child = startHolder(file, 1234);
  assert.equal((await child.said).kind, 'held');
  const taken = { kind: 'taken', holder: { pid: child.process.pid, startedAtMs: 1234 } };
  assert.deepEqual(await Promise.race([lookAtLock(file), sleep(400, 'waits', { ref: false })]), taken);
  await ended(child, () => child.process.kill('SIGKILL'));
  assert.equal(await lookAtLock(file), null);
  const database = openSqlite(file, { readOnly: true });
  assert.equal(database.prepare('SELECT pid FROM holder').get()?.['pid'], child.process.pid);
  database.close();
  const mine = mustHold(await takeLock({ file, nowMs: 5 }));
  assert.deepEqual(await lookAtLock(file), { kind: 'taken', holder: { pid: process.pid, startedAtMs: 5 } });
  mine.release();
});

test('whoever looks while another does does not learn the holder before, whose pid may be anybody by now', async () => {
  const file = freshFile();
  mustHold(await takeLock({ file, nowMs: 1 })).release();
  const other = openSqlite(file);
  other.exec('BEGIN IMMEDIATE');
  const look = lookAtLock(file);
  other.exec('ROLLBACK');
  other.close();
  assert.equal(await look, null);
  mustHold(await takeLock({ file, nowMs: 2 })).release();
});

test('a file that is no database is a fault of the state folder', async () => {
  const file = freshFile();
  writeFileSync(file, 'this is no database, and long enough to be taken for a damaged one\n'.repeat(20));
  await assert.rejects(takeLock({ file, nowMs: 1 }), { code: 'state-unusable', stage: 'lock' });
  await assert.rejects(lookAtLock(file), { code: 'state-unusable', stage: 'lock' });
  mkdirSync(`${file}.dir`);
  await assert.rejects(takeLock({ file: `${file}.dir`, nowMs: 1 }), { code: 'state-unusable' });
  rmdirSync(`${file}.dir`);
  mustHold(await takeLock({ file: `${file}.dir`, nowMs: 1 })).release();
});

test('a lock that cannot be made is refused for the reason of the disk, not for being missing', async (t) => {
  const full = path.join(dir, 'full');
  mkdirSync(full);
  t.after(() => spawnSync('umount', ['-l', full]));
  // Its root takes the only inode.
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=1', 'none', full]).status !== 0) {
    assert.ok(!process.env['CI'] || process.getuid?.() !== 0);
    t.skip('needs to mount a folder');
    return;
  }
  await assert.rejects(takeLock({ file: path.join(full, 'lock.db'), nowMs: 1 }), {
    code: 'state-unusable',
    message: /lock\.db.*(ENOSPC|unable to open)/,
    advice: /[Rr]oom/,
  });
});

test('a file system that is read-only is named as such', async (t) => {
  const file = freshFile();
  const attempt = await takeLock({ file, nowMs: 1 });
  if (attempt.kind === 'held') attempt.release();
  const view = path.join(dir, 'read-only');
  mkdirSync(view);
  const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;
  t.after(() => spawnSync('umount', ['-l', view]));
  if (!mount('--bind', dir, view) || !mount('-o', 'remount,bind,ro', view)) {
    assert.ok(!process.env['CI'] || process.getuid?.() !== 0);
    t.skip('needs to mount a folder');
    return;
  }
  const viewed = path.join(view, path.basename(file));
  for (const refused of [() => takeLock({ file: viewed, nowMs: 1 }), () => lookAtLock(viewed)]) {
    await assert.rejects(refused, {
      code: 'state-unusable',
      message: `${view} cannot be written: EROFS: read-only file system, access '${view}'`,
      advice: 'Mount its file system writable, or name another path.',
    });
  }
});
