import assert from 'node:assert/strict';
import { test } from 'node:test';

import { foldersAbove, reachableMounts } from '../../../agent/probes/mountinfo.ts';

function mounted(...lines: readonly string[]): readonly string[] {
  return reachableMounts(lines.join('\n')).map(({ id, mount }) => `${id} ${mount}`);
}

test('fields, escapes and read-only in either place', () => {
  const [first, second, third] = reachableMounts(
    String.raw`36 35 98:0 /mnt1 /mnt\0402\011\134 rw,noatime master:1 shared:2 - ext3 /dev/my\040disk rw,errors=continue
37 35 98:1 / /ro ro,noatime - ext3 /dev/b rw
38 35 98:2 / /error rw - ext3 /dev/c ro,x`,
  );
  assert.deepEqual(first, {
    id: '36',
    parent: '35',
    device: '98:0',
    root: '/mnt1',
    mount: '/mnt 2\t\\',
    fstype: 'ext3',
    source: '/dev/my disk',
    writable: true,
  });
  assert.equal(second?.writable, false);
  assert.equal(third?.writable, false);
});

for (const { what, lines, expected } of [
  {
    what: 'the upper of two mounts on one place',
    lines: ['2 1 8:1 / /a rw - x s rw', '3 2 8:2 / /a rw - x s rw'],
    expected: ['3 /a'],
  },
  {
    what: 'the last of several mounts on one place whose parents are alike, or not there',
    lines: ['2 1 8:1 / /', '3 2 0:42 / /a', '4 2 0:42 / /a', '5 98 0:44 / /a'].map((mount) => `${mount} rw - x s rw`),
    expected: ['2 /', '5 /a'],
  },
  {
    what: 'what lies below a later mount further up is hidden, and what is mounted inside of it',
    lines: ['2 1 8:1 / /', '3 2 8:2 / /a/b', '4 3 8:3 / /a/b/c', '5 2 8:4 / /a'].map((mount) => `${mount} rw - x s rw`),
    expected: ['2 /', '5 /a'],
  },
  {
    what: 'what was mounted after the one further up belongs to it and is there',
    lines: ['2 1 8:1 / / rw - x s rw', '5 2 8:4 / /a rw - x s rw', '6 5 8:5 / /a/b rw - x s rw'],
    expected: ['2 /', '5 /a', '6 /a/b'],
  },
  {
    what: 'the first root below the real one',
    lines: ['1 1 0:2 / / rw - rootfs r rw', '2 1 8:1 / / rw - x s rw'],
    expected: ['2 /'],
  },
  { what: 'the first root where it is all there is', lines: ['1 1 0:2 / / rw - rootfs r rw'], expected: ['1 /'] },
  {
    what: 'a neighbour whose name begins alike',
    lines: ['2 1 8:1 / /ab rw - x s rw', '3 1 8:2 / /a rw - x s rw'],
    expected: ['2 /ab', '3 /a'],
  },
  {
    what: 'a circle of parents',
    lines: ['2 3 8:1 / /a rw - x s rw', '3 2 8:2 / /b rw - x s rw'],
    expected: ['2 /a', '3 /b'],
  },
  {
    what: 'lines that are no mounts',
    lines: ['', ' - ', '2 1', '2 1 8:1 / /a rw', '2 1 8:1 / /a rw - '],
    expected: [],
  },
] as const) {
  test(what, () => assert.deepEqual(mounted(...lines), expected));
}

test('a place that was mounted over 20,000 times', () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n + 2} ${n + 1} 8:1 / /a rw - x s rw`);
  assert.deepEqual(mounted(...lines), ['20001 /a']);
});

test('the folders above a path', () => {
  assert.deepEqual(foldersAbove('/a/b/c'), ['/', '/a', '/a/b']);
  assert.deepEqual(foldersAbove('/a'), ['/']);
  assert.deepEqual(foldersAbove('/'), []);
});
