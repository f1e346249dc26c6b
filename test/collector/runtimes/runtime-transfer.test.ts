/** The upload of a runtime to clients with unusable folders, missing tools and broken transfers. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { codecSuffix, type Codec } from '../../../src/collector/runtimes/runtime-codecs.ts';
import type { StoredRuntime } from '../../../src/collector/runtimes/runtime-store.ts';
import { transferRuntime, type TransferOptions } from '../../../src/collector/runtimes/runtime-transfer.ts';
import { fails, failure } from '../../support/login.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { ownRuntime, ownTarget } from '../../support/own-runtime.ts';
import { shellConnection, type ShellConnection, type ShellConnectionOptions } from '../../support/shell-connection.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

const dir = tempFolder();
fs.chmodSync(dir, 0o755);
const asRoot = process.getuid?.() === 0;
const usual = '/usr/local/bin:/usr/bin:/bin';

/** Makes a runtime for the upload alone: a program that exits with `status`. */
function runtimeOf(codecs: readonly Codec[], name: string, status = 0): StoredRuntime {
  const file = path.join(dir, name);
  const padding = randomBytes(150_000).toString('hex');
  fs.writeFileSync(file, `#!/bin/sh\n[ ${status} = 0 ]||echo no luck here >&2\nexit ${status}\n#${padding}\n`);
  const copies = codecs.map((codec) => {
    const copy = `${file}${codecSuffix[codec]}`;
    if (codec !== 'raw') fs.writeFileSync(copy, execFileSync(codec, ['-c', file]));
    return { codec, sizeBytes: fs.statSync(copy).size, file: copy };
  });
  const content = fs.readFileSync(file);
  const digest = createHash('sha256').update(content).digest('hex');
  const facts = { target: 'linux-x64', version: '20.20.2', addedAtMs: 0, source: file };
  return { ...facts, digest, sizeBytes: content.length, copies };
}

const runtime = runtimeOf(['gzip', 'raw'], 'usual');
const sizeOf = (codec: string, of = runtime) => of.copies.find((copy) => copy.codec === codec)?.sizeBytes ?? NaN;
const idOf = ({ digest }: StoredRuntime): string => digest.slice(0, 16);

function machine(t: TestContext) {
  const home = fs.mkdtempSync(path.join(dir, 'home-'));
  t.after(() => spawnSync('umount', ['-l', home]));
  const connect = (more: Partial<ShellConnectionOptions> = {}) =>
    shellConnection({ env: { HOME: home, PATH: usual }, ...more });
  const transfer = (options: Partial<TransferOptions> = {}) =>
    transferRuntime({
      connection: connect(),
      client: 'web-1',
      collectorId: 'c0ffee',
      runtime,
      signal: new AbortController().signal,
      ...options,
    });
  /** Returns the collector's folder in the home. The folder must exist. */
  const place = (): string => {
    const state = path.join(home, '.local/state/fleet-health');
    return path.join(state, fs.readdirSync(state)[0] ?? '', 'c0ffee');
  };
  return { home, place, connect, transfer };
}

function assertBrought(place: string, of = runtime): void {
  const folder = path.join(place, `runtime-${idOf(of)}`);
  assert.deepEqual(fs.readdirSync(folder), ['node']);
  const node = path.join(folder, 'node');
  assert.equal(createHash('sha256').update(fs.readFileSync(node)).digest('hex'), of.digest);
  assert.deepEqual([fs.statSync(node).mode & 0o777, fs.statSync(folder).mode & 0o777], [0o700, 0o700]);
}

for (const codec of isWide ? (['gzip', 'xz', 'zstd', 'raw'] as const) : (['gzip', 'raw'] as const)) {
  test(`sent as ${codec}`, async (t) => {
    const { place, transfer } = machine(t);
    const sent = runtimeOf(codec === 'raw' ? ['raw'] : [codec, 'raw'], `as-${codec}`);
    assert.deepEqual(await transfer({ runtime: sent }), { codec, sentBytes: sizeOf(codec, sent) });
    assertBrought(place(), sent);
  });
}

/** Returns a PATH with all usual programs except some. */
function without(...missing: readonly string[]): string {
  const bin = fs.mkdtempSync(path.join(dir, 'bin-'));
  fs.chmodSync(bin, 0o755);
  const all =
    'ls wc cat df mkdir rm rmdir mv chmod uname id timeout sleep sha256sum shasum openssl gzip xz zstd sh head';
  for (const name of all.split(' ').filter((one) => !missing.includes(one))) {
    const found = usual.split(':').find((folder) => fs.existsSync(path.join(folder, name)));
    if (found !== undefined) fs.symlinkSync(path.join(found, name), path.join(bin, name));
  }
  return bin;
}

test('the client takes the best of what it can undo', async (t) => {
  const { home, place, transfer } = machine(t);
  const sent = runtimeOf(['xz', 'zstd', 'gzip', 'raw'], 'choice');
  const env = { HOME: home, PATH: without('xz', 'zstd') };
  const { codec } = await transfer({ runtime: sent, connection: shellConnection({ env }) });
  assert.equal(codec, 'gzip');
  assertBrought(place(), sent);
});

for (const shell of isWide ? ['/bin/dash', '/bin/bash', '/usr/bin/mksh', '/usr/bin/busybox sh'] : ['/bin/bash']) {
  test(`by ${shell}`, async (t) => {
    const [program = '', ...args] = shell.split(' ');
    if (!fs.existsSync(program)) {
      t.skip(`${program} is not installed`);
      return;
    }
    const { place, connect, transfer } = machine(t);
    const connection = connect();
    const exec = (command: string): ReturnType<ShellConnection['exec']> =>
      connection.exec(command.replace(/^\/bin\/sh -c/, [program, ...args, '-c'].join(' ')));
    await transfer({ connection: { ...connection, exec } });
    assertBrought(place());
  });
}

const manyMissing = ['sha256sum', 'shasum', 'openssl', 'timeout', 'df'];
for (const missing of [...(isWide ? [['sha256sum'], ['sha256sum', 'shasum']] : []), manyMissing]) {
  test(`a client without ${missing.join(', ')}`, async (t) => {
    const { home, place, transfer } = machine(t);
    const connection = shellConnection({ env: { HOME: home, PATH: without(...missing) } });
    await transfer({ connection });
    assertBrought(place());
  });
}

const otherDigest = runtime.digest.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
const damaged = { ...runtime, digest: otherDigest };

for (const tool of isWide ? ['sha256sum', 'shasum', 'openssl'] : ['sha256sum']) {
  test(`what is not what was sent is found out by ${tool}, and nothing of it stays`, async (t) => {
    const others = ['sha256sum', 'shasum', 'openssl'].filter((one) => one !== tool);
    const { home, place, transfer } = machine(t);
    const connection = shellConnection({ env: { HOME: home, PATH: without(...others) } });
    await fails(transfer({ runtime: damaged, connection }), 'upload-failed', /did not arrive as it was sent/);
    assert.deepEqual(fs.readdirSync(place()), []);
  });
}

test(
  'with no tool at all the new node finds it out itself',
  { skip: skipUnlessWide || ownTarget === null },
  async (t) => {
    const { home, place, transfer } = machine(t);
    const PATH = without('sha256sum', 'shasum', 'openssl');
    const own = ownRuntime([]);
    const connect = (): ShellConnection => shellConnection({ env: { HOME: home, PATH } });
    const other = { ...own, digest: 'a'.repeat(64) };
    const { message } = await failure(transfer({ runtime: other, connection: connect() }));
    assert.match(message, /not arrive as it was sent/);
    assert.deepEqual(fs.readdirSync(place()), []);
    await transfer({ runtime: own, connection: connect() });
    assertBrought(place(), own);
  },
);

test('one that broke off goes on where it was', async (t) => {
  const { place, connect, transfer } = machine(t);
  const connection = connect();
  const limits = { unpackMs: 500 };
  const slowed = (command: string) => command.replace('cat >>', 'head -c 70000 >>"$o";exec sleep 2;cat >>');
  const slow = { ...connection, exec: (command: string) => connection.exec(slowed(command)) };
  await fails(transfer({ connection: slow, limits }), 'upload-failed', /uploading Node\.js took too long/);
  connection.destroy();
  for (const child of connection.children) await (child.exitCode ?? child.signalCode ?? once(child, 'close'));
  assert.deepEqual(fs.readdirSync(path.join(place(), `runtime-${idOf(runtime)}`)), ['gzip.part']);
  assert.deepEqual(await transfer(), { codec: 'gzip', sentBytes: sizeOf('gzip') - 70_000 });
  assertBrought(place());
});

test('one that broke off when all had come only has to be unpacked', async (t) => {
  const { place, transfer } = machine(t);
  await transfer();
  const folder = path.join(place(), `runtime-${idOf(runtime)}`);
  fs.rmSync(path.join(folder, 'node'));
  const gzip = runtime.copies.find(({ codec }) => codec === 'gzip');
  fs.writeFileSync(path.join(folder, 'gzip.part'), fs.readFileSync(gzip?.file ?? ''), { mode: 0o600 });
  assert.equal((await transfer()).sentBytes, 0);
  assertBrought(place());
});

for (const [what, part] of [
  ['a part that is not of it', Buffer.alloc(100, 'x')],
  ['a part that is longer than the whole', Buffer.alloc(1_000_000, 'x')],
] as const) {
  test(`${what} costs one more attempt at most`, async (t) => {
    const { place, transfer } = machine(t);
    await transfer();
    const folder = path.join(place(), `runtime-${idOf(runtime)}`);
    fs.writeFileSync(path.join(folder, 'gzip.part'), part, { mode: 0o600 });
    await transfer().catch(() => transfer());
    assertBrought(place());
  });
}

test('what cannot run there is said with the client’s words, and is not left', async (t) => {
  const { place, transfer } = machine(t);
  const says = /web-1: Node\.js 20\.20\.2 for linux-x64 was uploaded, but cannot run here: no luck here/;
  await fails(transfer({ runtime: runtimeOf(['gzip', 'raw'], 'lame', 1) }), 'no-runtime', says);
  assert.deepEqual(fs.readdirSync(place()), []);
});

test('those of other digests are removed, in every place; the agent and the reports stay', async (t) => {
  const { home, place, connect, transfer } = machine(t);
  const state = path.join(home, 'state');
  fs.mkdirSync(state);
  await transfer({ runtime: runtimeOf(['raw'], 'old') });
  fs.writeFileSync(path.join(place(), `${'a'.repeat(64)}.t.cjs`), '');
  fs.mkdirSync(path.join(place(), 'client'));
  const env = { HOME: home, PATH: usual, XDG_STATE_HOME: state };
  await transfer({ connection: connect({ env }) });
  assert.deepEqual(fs.readdirSync(place()).toSorted(), [`${'a'.repeat(64)}.t.cjs`, 'client']);
  assertBrought(place().replace('.local/state', 'state'));
});

test('a planted link is not followed', async (t) => {
  const { home, transfer } = machine(t);
  const elsewhere = path.join(home, 'elsewhere');
  fs.mkdirSync(elsewhere, { mode: 0o700 });
  fs.mkdirSync(path.join(home, '.local/state'), { recursive: true });
  fs.symlinkSync(elsewhere, path.join(home, '.local/state/fleet-health'));
  const result = transfer({ connection: shellConnection({ env: { HOME: home, PATH: usual }, uid: nobody(t) }) });
  await result.catch(() => undefined);
  assert.deepEqual(fs.readdirSync(elsewhere), []);
});

/** Returns a user id without an account. The files of this user outside of homes are removed after the test. */
function nobody(t: TestContext): number {
  const uid = 2_000_000 + Math.floor(Math.random() * 1_000_000);
  t.after(() => {
    for (const root of ['/var/tmp', '/dev/shm'])
      fs.rmSync(`${root}/fleet-health-${uid}`, { recursive: true, force: true });
  });
  return uid;
}

/** Mounts a tmpfs that belongs to the user on the home of a machine. */
function mounted(home: string, uid: number, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=700,uid=${uid},${options}`, 'tmpfs', home]);
}

const onlyPlaceOf = (root: string): string => path.join(root, fs.readdirSync(root)[0] ?? '', 'c0ffee');

for (const { what, options, why } of [
  { what: 'a home that is mounted noexec', options: 'noexec', why: 'executed' },
  { what: 'a home that is full', options: 'size=200k', why: 'room' },
] as const) {
  test(`${what}: the next place is taken`, { skip: !asRoot }, async (t) => {
    const { home, connect, transfer } = machine(t);
    const uid = nobody(t);
    mounted(home, uid, options);
    await transfer({ connection: connect({ uid }) });
    assertBrought(onlyPlaceOf(`/var/tmp/fleet-health-${uid}`));
    // No file of a failed attempt is left in the home.
    assert.deepEqual(fs.readdirSync(onlyPlaceOf(path.join(home, '.local/state/fleet-health'))), [], why);
  });
}

test('a disk that is fuller than df says is left for the next place', { skip: !asRoot }, async (t) => {
  const { home, connect, transfer } = machine(t);
  const uid = nobody(t);
  mounted(home, uid, 'size=200k');
  const bin = without('df');
  const env = { HOME: home, PATH: bin };
  for (const sent of [runtime, runtimeOf(['raw'], 'whole')]) {
    await transfer({ connection: connect({ uid, env }), runtime: sent });
    assertBrought(onlyPlaceOf(`/var/tmp/fleet-health-${uid}`), sent);
  }
});

test('without any place it is said why, for each', { skip: !asRoot }, async (t) => {
  const { home, connect, transfer } = machine(t);
  const uid = nobody(t);
  mounted(home, uid, 'noexec');
  for (const root of ['/var/tmp', '/dev/shm']) fs.mkdirSync(`${root}/fleet-health-${uid}`, { mode: 0o700 });
  fs.chownSync(`/dev/shm/fleet-health-${uid}`, uid, uid);
  fs.chmodSync(`/dev/shm/fleet-health-${uid}`, 0o755);
  const says = /no place for Node\.js .*executed in .*\/var\/tmp\/fleet-health-\d+ cannot be used.*\/dev\/shm/;
  await fails(transfer({ connection: connect({ uid }) }), 'upload-failed', says);
});

/** Returns shell text that replaces the command; `sign TEXT` prints a line as the real command would. */
const pretend = (text: string): string =>
  `M=$(echo "$COMMAND"|grep -o "fh .[A-Za-z0-9_-]*. "|head -n 1|cut -c 5-26); sign() { echo "fh-$M-$1"; }; ${text}`;

const asks = 'sign runtime-1-gzip-0';

for (const { what, text, code, message } of [
  {
    what: 'takes nothing',
    text: 'sign loader-; sign runtime-1-raw-0; sleep 30',
    code: 'upload-failed',
    message: /took too long: \d+ of \d+ bytes/,
  },
  {
    what: 'finds no place',
    text: 'sign loader-; sleep 30',
    code: 'upload-failed',
    message: /took too long: no place for it was found/,
  },
  {
    what: 'never ends',
    text: 'sign loader-; sign runtime-1-gzip-0; cat >/dev/null; sleep 30',
    code: 'upload-failed',
    message: /not unpacked/,
  },
  {
    what: 'asks for more than there is',
    text: 'sign loader-; sign runtime-1-gzip-99999999',
    code: 'upload-failed',
    message: /ended before/,
  },
  {
    what: 'asks for another codec',
    text: 'sign loader-; sign runtime-1-rot13-0',
    code: 'upload-failed',
    message: /ended before/,
  },
  { what: 'runs no shell', text: 'echo go away', code: 'no-shell', message: /go away|did not run/ },
  {
    what: 'prints without end',
    text: `sign loader-; head -c 3000000 /dev/zero; ${asks}`,
    code: 'upload-failed',
    message: /ended before/,
  },
  {
    what: 'ends too early',
    text: `sign loader-; ${asks}; head -c 1000 >/dev/null; exit 5`,
    code: 'upload-failed',
    message: /status 5/,
  },
] as const) {
  test(`a client that ${what} is ${code}, in time`, async (t) => {
    const { connect, transfer } = machine(t);
    const connection = connect({ scripts: [pretend(text)] });
    t.after(() => connection.destroy());
    const limits = { lookMs: 1000, stallMs: 1000, unpackMs: 1000 };
    const sent = what === 'takes nothing' ? runtimeOf(['raw'], 'big') : runtime;
    const began = performance.now();
    await fails(transfer({ connection, limits, runtime: sent }), code, message);
    assertWithin(began, 8000);
  });
}
