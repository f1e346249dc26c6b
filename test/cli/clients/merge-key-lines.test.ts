/** The script of `authorize` on lines of authorized_keys, in every awk that is installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { lineLeftStatus, mergeKeyLines } from '../../../src/cli/clients/authorize-script.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const awks = [['gawk'], ['mawk'], ['busybox', 'awk'], ['original-awk']].filter(
  ([file = '']) => spawnSync('sh', ['-c', `command -v ${file}`]).status === 0,
);
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIown';
const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIother somebody';
const ours = `restrict,command="/bin/sh -c 'x' fh 'y'"`;
const now = `${key} fleet-health:1`;

interface Merged {
  readonly status: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

function mergeWith(t: TestContext, awk: readonly string[], options: string, before: string | null): Merged {
  const dir = tempFolder(t);
  const file = path.join(dir, 'authorized_keys');
  if (before !== null) writeFileSync(file, before);
  const [program = '', ...args] = awk;
  const { status, stdout, stderr } = spawnSync(program, [...args, mergeKeyLines], {
    encoding: 'latin1',
    input: `${options}\n${now}\n`,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', file, exists: before === null ? '' : 'yes' },
  });
  return { status, lines: stdout.split('\n').slice(0, -1), stderr };
}

for (const awk of awks) {
  const name = awk.join(' ');

  for (const [what, before, after] of [
    ['a line without options', key, ours],
    ['from= with several addresses', `from="10.0.0.1,192.0.2.0/24" ${key}`, `${ours},from="10.0.0.1,192.0.2.0/24"`],
    ['options of a restricted line', `restrict,command="old",from="10.0.0.1" ${key}`, `${ours},from="10.0.0.1"`],
    ['a command with quotes, commas and blanks', `command="a \\"b, c\\" d",no-pty ${key} me`, `${ours},no-pty`],
    ['several of one name', `permitopen="a:1",permitopen="b:2" ${key}`, `${ours},permitopen="a:1",permitopen="b:2"`],
    ['names in capitals', `FROM="10.0.0.1",Restrict,COMMAND="x" ${key}`, `${ours},FROM="10.0.0.1"`],
    ['an escaped quote in a value', `environment="A=\\"b\\"" ${key}`, `${ours},environment="A=\\"b\\""`],
    ['what a shell would expand', `environment="A=$(id)\`id\`'" ${key}`, `${ours},environment="A=$(id)\`id\`'"`],
    ['a line break of Windows behind the key', `no-pty ${key}\r`, `${ours},no-pty`],
    ['a line break of Windows and no options', `${key}\r`, ours],
    // sshd ignores all of these characters in a key.
    ['other white space in the key', `no-pty ${key.slice(0, -4)}\v\f${key.slice(-4)}\f`, `${ours},no-pty`],
    ['blanks before and between', ` \tno-pty \t ${key}  me`, `${ours},no-pty`],
  ] as const) {
    test(`${name}: ${what}`, (t) => {
      const { status, lines, stderr } = mergeWith(t, awk, ours, `# mine\n${other}\n${before}\n`);
      assert.deepEqual([status, stderr], [0, '']);
      assert.deepEqual(lines, ['# mine', other, `${after} ${now}`]);
      assert.deepEqual(mergeWith(t, awk, ours, `${lines.join('\n')}\n`).lines, lines, 'the same when it runs again');
    });
  }

  for (const [what, line] of [
    ['a quote that stays open', `from="10.0.0.1 ${key}`],
    ['an option that is none', `from=10.0.0.1 ${key}`],
    ['text behind a closing quote', `from="10.0.0.1"x ${key}`],
    ['an empty option', `no-pty,,from="10.0.0.1" ${key}`],
    ['a key that signs certificates', `cert-authority ${key}`],
  ] as const) {
    test(`${name}: a line of the key with ${what} is left alone, and said`, (t) => {
      const { status, lines, stderr } = mergeWith(t, awk, ours, `${other}\n${line}\n`);
      assert.equal(status, lineLeftStatus);
      assert.match(
        stderr,
        /^fleet-health: line 2 of \S+ has this key and cannot be understood, so it is left as it is$/m,
      );
      assert.deepEqual(lines, [other, line, `${ours} ${now}`]);
    });
  }

  test(`${name}: the key in a comment or behind another key changes nothing`, (t) => {
    const before = [`#from="x" ${key}`, `${other} ${key}`, `command="echo ${key}" ${other}`];
    assert.deepEqual(mergeWith(t, awk, ours, `${before.join('\n')}\n`).lines, [...before, `${ours} ${now}`]);
  });

  test(`${name}: an address that is given replaces that of the line, and forwarding is not said twice`, (t) => {
    const given = `${ours},port-forwarding,permitopen="10.0.0.2:22",from="192.0.2.1"`;
    const before = `restrict,port-forwarding,permitopen="10.0.0.2:22",permitopen="[::1]:5",from="10.0.0.1" ${key}\n`;
    assert.deepEqual(mergeWith(t, awk, given, before).lines, [`${given},permitopen="[::1]:5" ${now}`]);
  });

  test(`${name}: two lines of the key stay two where their options differ`, (t) => {
    const { lines } = mergeWith(
      t,
      awk,
      ours,
      `from="10.0.0.1" ${key}\nfrom="10.0.0.2" ${key} b\nfrom="10.0.0.1" ${key} c\n`,
    );
    assert.deepEqual(lines, [`${ours},from="10.0.0.1" ${now}`, `${ours},from="10.0.0.2" ${now}`]);
  });

  test(`${name}: without a file, and with one that is empty or lacks its last line break`, (t) => {
    for (const before of [null, '', other]) {
      const { status, lines } = mergeWith(t, awk, ours, before);
      assert.equal(status, 0);
      assert.deepEqual(lines, [...(before === other ? [other] : []), `${ours} ${now}`]);
    }
  });
}

test('a file that cannot be read is not taken for an empty one', (t) => {
  const dir = tempFolder(t);
  const env = { PATH: process.env['PATH'], file: dir, exists: 'yes' };
  const { status } = spawnSync('awk', [mergeKeyLines], { input: `${ours}\n${now}\n`, env });
  assert.notEqual(status, 0);
});
