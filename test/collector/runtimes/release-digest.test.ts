/**
 * Release archives that are compared with the SHASUMS256.txt of nodejs.org before anything of them is unpacked or run.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';

import { takeRuntime } from '../../../src/collector/runtimes/add-runtime.ts';
import type { RuntimeOrigin } from '../../../src/collector/runtimes/runtime-origin.ts';
import { isOwnTarget } from '../../../src/collector/runtimes/node-binary.ts';
import type { StoredRuntime } from '../../../src/collector/runtimes/runtime-store.ts';
import { runtimeTargets, targetNamed } from '../../../src/collector/runtimes/runtime-targets.ts';
import { configFolder, runCli } from '../../support/run-cli.ts';
import { madeElf, madeTar } from '../../support/made-files.ts';
import { npmRegistry } from '../../support/npm-registry.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const archiveName = 'node-v22.1.0-linux-arm64.tar.gz';
const archiveOf = (node: Buffer, folder = 'node-v22.1.0-linux-arm64'): Buffer =>
  gzipSync(madeTar([{ path: `${folder}/bin/node`, content: node }]));
const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

interface Place {
  readonly file: (name: string, content: Buffer | string) => string;
  readonly take: (origin: RuntimeOrigin, target?: string) => Promise<StoredRuntime>;
}

function place(t: TestContext): Place {
  const root = tempFolder(t);
  return {
    file: (name, content) => {
      writeFileSync(path.join(root, name), content);
      return path.join(root, name);
    },
    take: async (origin, name = 'linux-arm64') =>
      await takeRuntime({
        dir: path.join(root, 'state', 'runtimes'),
        target: targetNamed(name) ?? assert.fail(name),
        origin,
        onChecked: () => undefined,
        nowMs: Date.UTC(2026, 10, 20),
        signal: new AbortController().signal,
      }),
  };
}

const good = archiveOf(madeElf());
const lines = (...entries: readonly (readonly [digest: string, name: string])[]): string =>
  entries.map(([digest, name]) => `${digest}  ${name}\n`).join('');

test('an archive whose digest is listed for the platform is kept, with the version of its line', async (t) => {
  const { file, take } = place(t);
  const shasums = file('SHASUMS256.txt', lines(['0'.repeat(64), 'node-v22.1.0.tar.gz'], [digestOf(good), archiveName]));
  const kept = await take({ kind: 'file', file: file('renamed.tgz', good), shasums });
  assert.equal(kept.version, '22.1.0');
});

for (const [what, list, message] of [
  ['is not listed', lines(['0'.repeat(64), archiveName]), /is none of the files in /],
  [
    'is one for another platform',
    lines([digestOf(good), 'node-v22.1.0-linux-x64.tar.gz']),
    /no release for linux-arm64/,
  ],
  ['is no release at all', lines([digestOf(good), 'node-v22.1.0.tar.gz']), /no release for linux-arm64/],
  [
    'stands beside the signed text of a .asc file',
    `${lines([digestOf(good), archiveName])}-----BEGIN PGP SIGNED MESSAGE-----\n`,
    /is no SHASUMS256\.txt/,
  ],
  ['has a list that is empty', '', /is no SHASUMS256\.txt/],
] as const) {
  test(`an archive that ${what} is refused, and nothing is kept`, async (t) => {
    const { file, take } = place(t);
    const origin = { kind: 'file', file: file(archiveName, good), shasums: file('SHASUMS256.txt', list) } as const;
    await assert.rejects(take(origin), { code: 'runtime-invalid', message });
  });
}

const own = runtimeTargets.find(isOwnTarget);
const skip = own !== undefined && existsSync('/bin/true') ? false : 'this machine is none of the targets';
/** A program that runs here and is no node, which shows if it was run. */
const foreign = skip === false ? readFileSync('/bin/true') : Buffer.alloc(0);

test('a binary of a changed archive is not run', { skip }, async (t) => {
  const { file, take } = place(t);
  const archive = file(archiveName, archiveOf(foreign));
  const shasums = file('SHASUMS256.txt', lines([digestOf(good), archiveName]));
  await assert.rejects(take({ kind: 'file', file: archive, shasums }, own?.name), { message: /is none of the files/ });
  await assert.rejects(take({ kind: 'file', file: archive, shasums: null }, own?.name), {
    message: /does not run as node does/,
  });
});

test('npm’s binary is not run here, because nobody but npm has compared it', { skip }, async (t) => {
  const { take } = place(t);
  await npmRegistry(t, { name: `node-${own?.name ?? ''}`, version: '22.3.4', tgz: archiveOf(foreign, 'package') });
  assert.equal((await take({ kind: 'npm', version: '22' }, own?.name)).version, '22.3.4');
});

for (const from of [[], ['--from', 'npm'], ['--from', 'self']]) {
  test(`--shasums with ${from.join(' ') || 'no --from'} is refused: no list names that`, async (t) => {
    const cwd = configFolder(t, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>');
    const { status, stderr } = await runCli(['runtimes', 'add', 'linux-x64', ...from, '--shasums', 'x'], { cwd });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /--shasums lists release archives.*--from FILE/);
  });
}
