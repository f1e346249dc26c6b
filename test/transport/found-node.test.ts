// Second tier: each text that starts an agent, by each shell.
/** The owners whose node is run if it lies in a usual folder, for every text that starts an agent, in every /bin/sh. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { spoolScript } from '../../agent/spool/spool-script.ts';
import type { AgentRequest } from '../../src/report/wire.ts';
import { runCommand, uploadCommand } from '../../src/transport/loader/loader.ts';
import { launcherCommand } from '../../src/transport/loader/launcher.ts';
import { launcherPath, saysVersion } from '../support/ssh/launcher-path.ts';
import { tempFolder } from '../support/temp-folder.ts';

const digest = 'a'.repeat(64);
const options = {
  client: 'web-1',
  marker: '-Xw1f0SvQ9q_7bXWjbT4bA',
  killAfterSeconds: 11,
  node: null,
  request: 'eyJ2IjoxfQ',
  kind: 'visit',
  collectorId: 'c0ffee',
  shell: null,
  lengthBytes: 10,
  publicKey: Buffer.alloc(32, 7),
  digest,
  otherDigest: digest,
  agentDigest: digest,
  inventoryDigest: digest,
} as const;
const asked: AgentRequest = {
  v: 1,
  kind: 'visit',
  run: 'run',
  client: 'web-1',
  collector: 'c0ffee',
  marker: options.marker,
  key: 'key',
  options: {},
  deadlineMs: 1000,
  maxFrames: 1,
  maxBytes: 1000,
};
const texts: Readonly<Record<string, string>> = {
  loader: runCommand(options),
  'loader that brings': uploadCommand(options),
  launcher: launcherCommand(options),
  'spool.sh': spoolScript({ request: asked, digest, node: '-', guard: 'w' }) ?? '',
};
const foundOf = /found \/usr\/local .*?(;\s*)go \/snap\/bin\/node/;
const other = 61_236;
const needsRoot = process.getuid?.() === 0 ? false : 'needs root, for another account';
const tools = ['id', 'readlink', 'find', 'ls', 'env', 'sh', 'uname', 'true', 'cat'];

type Machine = ReturnType<typeof machine>;

/** Makes a home. The texts look for folders with a bin/node in `usual` alone; their PATH is `bin`. */
function machine(t: TestContext, shell = 'dash') {
  const home = tempFolder(t);
  const installed = path.join(home, '.local/lib/fleet-health');
  const [usual, bin] = [path.join(home, 'usual'), path.join(home, 'tools')];
  for (const dir of [usual, bin, installed]) mkdirSync(dir, { recursive: true });
  for (const tool of tools) symlinkSync(`/usr/bin/${shell === 'busybox sh' ? 'busybox' : tool}`, path.join(bin, tool));
  writeFileSync(path.join(installed, `${digest}.cjs`), '');
  chmodSync(home, 0o755);
  return { home, usual, bin };
}

/** Writes a node that prints the path it was started from, unless only its version is asked for. Returns the path. */
function putNode(folder: string, name = 'node'): string {
  const file = path.join(folder, 'bin', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${saysVersion}\n[ $# = 2 ] || echo "ran $0" >&2\nexit 4\n`);
  chmodSync(file, 0o755);
  return file;
}

interface As {
  readonly uid?: number;
  readonly shell?: string;
}

/** Runs a start text. Returns the lines of stderr about a node. */
function run({ home, usual, bin }: Machine, name: string, { uid, shell = 'dash' }: As = {}): readonly string[] {
  const text = texts[name] ?? '';
  assert.match(text, foundOf);
  const edited = text.replace(foundOf, `found ${usual}/*`).replace(launcherPath, bin);
  const file = path.join(home, 'text');
  writeFileSync(file, edited.replace(/^\/bin\/sh /, `exec /usr/bin/${shell} `));
  const args = name === 'spool.sh' ? [...shell.split(' ').slice(1), file] : [file];
  const program = name === 'spool.sh' ? (shell.split(' ')[0] ?? '') : 'dash';
  const { stderr } = spawnSync(`/usr/bin/${program}`, args, {
    encoding: 'utf8',
    env: { HOME: home, PATH: bin, SSH_ORIGINAL_COMMAND: 'x' },
    input: '',
    timeout: 20_000,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return stderr.split('\n').filter((line) => /^ran |^untrusted |^[a-z-]+[rwxtT-]{9}[.+@]? /.test(line));
}

function assertRefused(said: readonly string[], file: string, because: string): void {
  assert.equal(said[0], `untrusted ${file}:`);
  assert.match(said[1] ?? '', new RegExp(`^[dl-][rwxtT-]{9}.* ${because}( -> .*)?$`));
  assert.ok(!said.some((line) => line.startsWith('ran ')));
}

const toAnother = (file: string): void => chownSync(file, other, other);
const linkInstead = (target: string, file: string): void => {
  rmSync(file, { recursive: true });
  symlinkSync(target, file);
};
/** The faults of a node. Each function makes one and returns the path that the message names. */
const spoilt: readonly (readonly [string, (machine: Machine, folder: string, file: string) => string])[] = [
  ['that belongs to another account', (_, __, file) => (toAnother(file), file)],
  ['that its group can write', (_, __, file) => (chmodSync(file, 0o775), file)],
  ['that everybody can write', (_, __, file) => (chmodSync(file, 0o757), file)],
  ['in the folder of another account', (_, folder) => (toAnother(folder), folder)],
  ['below a folder of another account', ({ usual }) => (toAnother(usual), usual)],
  [
    'below a folder that a group can write',
    ({ usual }) => {
      chownSync(usual, 0, other);
      chmodSync(usual, 0o775);
      return usual;
    },
  ],
  ["below root's folder that root's group can write", ({ usual }) => (chmodSync(usual, 0o775), usual)],
  ['below a folder that everybody can write', ({ usual }) => (chmodSync(usual, 0o777), usual)],
  [
    "behind a link to another account's file",
    ({ home }, _, file) => {
      const theirs = putNode(path.join(home, 'theirs'));
      toAnother(path.dirname(theirs));
      linkInstead(theirs, file);
      return path.dirname(theirs);
    },
  ],
  [
    "behind a link into another account's folder",
    ({ home }, folder) => {
      const theirs = path.join(home, 'theirs');
      putNode(theirs);
      toAnother(theirs);
      linkInstead(theirs, folder);
      return theirs;
    },
  ],
  [
    'behind a link to a program of another name',
    ({ home }, _, file) => {
      linkInstead(putNode(home, 'volta-shim'), file);
      return file;
    },
  ],
];

suite('a node that lies in a usual place', { skip: needsRoot }, () => {
  for (const [what, spoil] of spoilt) {
    test(`one ${what} is not run but notified of, by every text`, (t) => {
      for (const name of Object.keys(texts)) {
        const where = machine(t);
        const folder = path.join(where.usual, 'shopapp');
        const file = putNode(folder);
        assert.deepEqual(run(where, name), [`ran ${file}`], name);
        const because = spoil(where, folder, file);
        assertRefused(run(where, name), file, because);
      }
    });
  }

  for (const shell of ['dash', 'bash', 'mksh', 'ksh', 'busybox sh', 'zsh --emulate sh']) {
    test(`the safe one is run and not the others, whatever they are called, with ${shell} as /bin/sh`, (t) => {
      for (const name of Object.keys(texts)) {
        const where = machine(t, shell);
        const theirs = ['a b', 'a*', '[a]', '$(id)'].map((called) => putNode(path.join(where.usual, called)));
        for (const file of theirs) toAnother(path.dirname(file));
        const file = putNode(path.join(where.usual, 'node v22 [z]*'));
        const said = run(where, name, { shell });
        const found = said.filter((line) => line.startsWith('untrusted')).sort();
        assert.deepEqual(found, theirs.map((one) => `untrusted ${one}:`).sort());
        assert.equal(said.at(-1), `ran ${file}`, name);
      }
    });
  }

  test('is run where root or the account itself owns it, and the group of the same number may write', (t) => {
    for (const name of Object.keys(texts)) {
      const where = machine(t);
      const folder = path.join(where.usual, 'v22');
      const file = putNode(folder);
      assert.deepEqual(run(where, name, { uid: other }), [`ran ${file}`]);
      for (const own of [folder, path.dirname(file), file]) {
        toAnother(own);
        chmodSync(own, 0o775);
      }
      assert.deepEqual(run(where, name, { uid: other }), [`ran ${file}`]);
      chownSync(folder, other, 0);
      chmodSync(folder, 0o775);
      assertRefused(run(where, name, { uid: other }), file, folder);
    }
  });

  test("is run by the path that no link of another account's leads to any more", (t) => {
    for (const name of Object.keys(texts)) {
      const where = machine(t);
      const file = putNode(path.join(where.home, 'v22'));
      const theirs = path.join(where.usual, 'current');
      symlinkSync(path.join(where.home, 'v22'), theirs);
      assert.deepEqual(run(where, name), [`ran ${file}`]);
    }
  });

  for (const tool of ['find', 'readlink', 'id']) {
    test(`is not run where there is no ${tool} to tell whose it is`, (t) => {
      const where = machine(t);
      const file = putNode(path.join(where.usual, 'v22'));
      rmSync(path.join(where.bin, tool));
      for (const name of Object.keys(texts)) assert.equal(run(where, name)[0], `untrusted ${file}:`);
    });
  }
});
