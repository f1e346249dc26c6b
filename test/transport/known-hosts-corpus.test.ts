// Second tier: a large table.
/**
 * The look-ups of every name in every file of testdata/known-hosts, compared with those of `ssh-keygen -F`. Names are
 * looked up in lower case, as ssh does (ssh-keygen does not).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { joinKnownHosts, loadKnownHosts, parseKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import type { KnownHostMatch } from '../../src/transport/known-hosts/known-hosts.ts';

const folder = path.join(import.meta.dirname, '../testdata/known-hosts');
const files = readdirSync(folder).map((name) => path.join(folder, name));
const names = [
  ...['web-1', 'WEB-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6', 'web-10', 'web', ''],
  ...['web-1', 'web-2', 'WEB-2', 'db', 'a.b'].map((name) => `${name}.example.org`),
  ...['example.org', '192.0.2.1', '192.0.2.3', '192.0.2.30', '2001:db8::2', '2001:DB8::2', '::1'],
  ...['[web-1]:2222', '[web-3]:2222', '[web-3]:22', '[WEB-3]:2222', '[web-3]:2223', '[web-3]:22222'],
  '[192.0.2.3]:2222',
  ...['[web-1.example.org]:2222', '[db.example.org]:2222', '[2001:db8::2]:2222', 'aabbcc', 'xaybzc', 'cba', '*', '?'],
  `${'a'.repeat(120)}.example.org`,
];

type Found = readonly [line: number, marker: 'CA' | 'REVOKED' | ''];

function ours({ keys, revoked, authorities }: KnownHostMatch): readonly Found[] {
  const found: Found[] = [
    ...keys.map(({ line }): Found => [line, '']),
    ...revoked.map(({ line }): Found => [line, 'REVOKED']),
    ...authorities.map(({ line }): Found => [line, 'CA']),
  ];
  return found.sort(([left], [right]) => left - right);
}

function theirs(file: string, name: string): readonly Found[] {
  const { status, stdout, stderr } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
  assert.ok(status === 0 || (status === 1 && stdout === ''), stderr);
  const found = stdout.matchAll(/^# Host .* found: line (\d+) (CA|REVOKED|)$/gm);
  return [...found].map(([, line, marker]) => [Number(line), marker as Found[1]]);
}

describe('known_hosts as ssh-keygen -F reads it', () => {
  it('there are files to compare', () => assert.ok(files.length >= 5));

  for (const file of files) {
    it(path.basename(file), () => {
      const known = loadKnownHosts(file);
      let matches = 0;
      for (const name of names.filter((one) => one !== '')) {
        const found = ours(known.lookup(name));
        assert.deepEqual(found, theirs(file, name.toLowerCase()), name);
        // The second look-up is answered from the cache.
        assert.deepEqual(ours(known.lookup(name)), found, name);
        matches += found.length;
      }
      assert.ok(matches > 5, 'the file says nothing of any name');
    });
  }

  it('all of them joined say all of it', () => {
    const parts = files.map(loadKnownHosts);
    const [first, ...others] = parts;
    assert.ok(first);
    const joined = joinKnownHosts(first, ...others);
    for (const name of names) {
      const expected = parts.flatMap((part) => part.lookup(name).keys);
      assert.deepEqual(joined.lookup(name).keys, expected, name);
    }
  });

  it('hashed names are found whatever their length, and whatever was asked before', () => {
    const [, key = ''] = /^\S+ (.*)\n$/m.exec(readFileSync(path.join(folder, 'hashed'), 'utf8')) ?? [];
    const long = [1, 54, 55, 56, 63, 64, 119, 120, 200].map((length) => 'x'.repeat(length));
    const text = [...long, ...long].map((name) => `${hashedName(name)} ${key}\n`).join('');
    const known = parseKnownHosts(text, 'f');
    for (const name of ['y', ...long, ...long.toReversed()]) {
      const expected = long.includes(name) ? [long.indexOf(name) + 1, long.indexOf(name) + 1 + long.length] : [];
      const lines = known.lookup(name).keys.map(({ line }) => line);
      assert.deepEqual(lines, expected, `${name.length} bytes`);
    }
  });
});

/** Returns the hashed name as `ssh-keygen -H` writes it. */
function hashedName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
