/** The files of ssh_config: Includes, limits, owners. The comparison with `ssh -G` is in ssh-config.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, test } from 'node:test';

import {
  folderOfIncludes,
  isForeign,
  loadSshConfig,
  type SshConfigFile,
} from '../../../src/transport/ssh-config/ssh-config-file.ts';
import { askSshConfig } from '../../../src/transport/ssh-config/ssh-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const home = tempFolder();
const uid = String(process.getuid?.());
const self = { user: 'me', uid, home, hostname: 'here.example.org', environment: { WORD: 'b' } };
const load = (file: string): SshConfigFile => loadSshConfig(file, self);

const parts: Readonly<Record<string, string>> = {
  'parts/b.conf': 'User b',
  'parts/é.conf': 'User accent',
  '~': 'User tilde',
  'tree/a/x': 'User a',
  'tree/a-b/x': 'User a-b',
};
for (const [name, text] of Object.entries(parts)) {
  const file = path.join(home, '.ssh', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`);
}

/** Writes a file of ssh_config and returns its path. */
function write(text: string): string {
  const file = path.join(home, 'written');
  writeFileSync(file, `${text}\n`);
  return file;
}

function userOf(text: string): string | null {
  const { first } = askSshConfig([load(write(text))], { host: 'web', user: null, address: null, self });
  return first.get('user')?.args[0] ?? null;
}

describe('an Include', () => {
  const table: readonly (readonly [argument: string, user: string | null])[] = [
    ['parts/b.conf', 'b'],
    ['~/.ssh/parts/b.conf', 'b'],
    ['parts/${WORD}.conf', 'b'],
    ['parts/[a-c].conf', 'b'],
    // In ssh, `?` matches a byte, and this letter has two.
    ['parts/?.conf', 'b'],
    ['parts/??.conf', 'accent'],
    // glob(3) sorts whole paths by their bytes.
    ['tree/*/x', 'a-b'],
    ['~', null],
    ['parts/b.conf/x', null],
    ['none/*', null],
  ];
  for (const [argument, user] of table) it(argument, () => assert.equal(userOf(`Include ${argument}`), user));

  const faults: readonly (readonly [argument: string, says: RegExp])[] = [
    ['${WORD', /:1: Include has \$\{ without \}$/],
    ['parts/%Z', /:1: Include has a token that ssh does not know$/],
    ['%h/${WORD', /:1: Include has \$\{ without \}$/],
  ];
  for (const [argument, says] of faults) {
    it(`${argument} is refused`, () => assert.throws(() => load(write(`Include ${argument}`)), { message: says }));
  }

  it('is relative to /etc/ssh in the file of the system alone', () => {
    assert.equal(folderOfIncludes('/etc/ssh/ssh_config', '/home/me'), '/etc/ssh');
    assert.equal(folderOfIncludes('/etc/ssh/other', '/home/me'), '/home/me/.ssh');
  });

  it('counts the files and bytes that are read for one host', () => {
    const [block] = load(write('Include parts/%%/../%h.conf')).blocksFor('web');
    const [include] = block?.entries ?? [];
    assert.ok(include?.kind === 'include' && include.filesOf !== null);
    const read = include.filesOf;
    const bytes = 8 * 1024 * 1024 - 'User b\n'.length;
    for (const [budget, isWithin] of [
      [{ files: 999, bytes: 0 }, true],
      [{ files: 1000, bytes: 0 }, false],
      [{ files: 0, bytes }, true],
      [{ files: 0, bytes: bytes + 1 }, false],
    ] as const) {
      const reading = (): unknown => read({ h: 'b' }, { ...budget });
      if (isWithin) assert.doesNotThrow(reading);
      else assert.throws(reading, /b\.conf: more than 1000 files or 8 MiB of ssh_config are included$/);
    }
  });
});

test('the names of Host lines are listed with those of Includes, and patterns are not', () => {
  writeFileSync(path.join(home, 'inner'), 'Host two three*\n User x\n');
  const { hostNames } = load(write(`Host one !not *.org w?b\n Include ${home}/inner\nMatch host four\nHost five`));
  assert.deepEqual(hostNames, ['one', 'two', 'five']);
});

test('a block applies in the order of the file, and a Match final without options causes a second pass', () => {
  assert.equal(userOf('Host real\n User second\nHost web\n HostName real\nMatch final'), 'second');
  assert.equal(userOf('Host real\n User second\nHost web\n HostName real'), null);
});

test('a file that cannot be an ssh_config is refused, and /dev/null is empty', () => {
  assert.deepEqual(load('/dev/null').blocksFor('web')[0]?.entries ?? [], []);
  const pipe = path.join(home, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.throws(() => load(pipe), { message: `${pipe}: it is no ordinary file` });
  const large = path.join(home, 'large');
  writeFileSync(large, '');
  truncateSync(large, 8 * 1024 * 1024);
  // A line of ssh ends at a NUL.
  assert.deepEqual(load(large).blocksFor('web')[0]?.entries, []);
  truncateSync(large, 8 * 1024 * 1024 + 1);
  assert.throws(() => load(large), { message: `${large}: it is too large for an ssh_config` });
});

test('the owner and mode of ~/.ssh/config are checked, and not those of a file that is named', () => {
  const own = path.join(home, '.ssh/config');
  for (const file of [own, path.join(home, 'named')]) {
    writeFileSync(file, 'User x\n');
    chmodSync(file, 0o646);
  }
  assert.throws(() => load(own), {
    message: `${own}: it belongs to somebody else, or others can write to it; ssh refuses it too`,
  });
  assert.doesNotThrow(() => load(path.join(home, 'named')));
});

describe('a file of somebody else, or that others can write to', () => {
  const gid = process.getgid?.() ?? 0;
  const table: readonly (readonly [owner: number, group: number, mode: number, isForeign: boolean])[] = [
    [0, 0, 0o644, false],
    [1, 0, 0o644, true],
    [Number(uid), gid, 0o644, false],
    [Number(uid), gid, 0o664, false],
    [Number(uid), gid + 1, 0o664, true],
    [Number(uid), gid + 1, 0o655, false],
    [Number(uid), gid, 0o646, true],
    [Number(uid), gid, 0o602, true],
  ];
  for (const [owner, group, mode, expected] of table) {
    it(`${owner}:${group} ${mode.toString(8)}`, () => {
      assert.equal(isForeign({ uid: owner, gid: group, mode: 0o100_000 | mode }, { ...self, uid }), expected);
    });
  }

  it('the group is the own one only for the user of this process', () => {
    assert.equal(isForeign({ uid: 12_345, gid, mode: 0o664 }, { ...self, uid: '12345' }), true);
    assert.equal(isForeign({ uid: 12_345, gid, mode: 0o644 }, { ...self, uid: '12345' }), false);
  });
});

test('a file with a byte order mark, or of UTF-16, is refused as ssh refuses it', () => {
  const text = 'Host web\n User a\n';
  for (const [bytes, says] of [
    [Buffer.from(`\ufeff${text}`), /:1: .*byte order mark/],
    [Buffer.from(`\ufeff${text}`, 'utf16le'), /:1: .*UTF-16/],
    [Buffer.from(text, 'utf16le'), /:1: .*UTF-16/],
  ] as const) {
    const file = path.join(home, 'marked');
    writeFileSync(file, bytes);
    assert.throws(() => load(file), says);
  }
});
