import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, lstatSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { hostKeyOf, type HostKey } from '../../../src/transport/known-hosts/fingerprint.ts';
import { hostName, loadKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import { addKnownHosts, replaceKnownHosts } from '../../../src/transport/known-hosts/write-known-hosts.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();

function newKey(): HostKey {
  const key = hostKeyOf(decodeLoginKey(generateHostKey(), null).publicBlob);
  assert.ok(key);
  return key;
}
const [first, second, third] = [newKey(), newKey(), newKey()];
const line = (hosts: string, key: HostKey): string => `${hosts} ${key.type} ${key.key}\n`;
const nowMs = Date.UTC(2026, 10, 20, 10, 0, 0, 123);
/** Returns a line as the program writes it. */
const dated = (hosts: string, key: HostKey): string =>
  `${hosts} ${key.type} ${key.key} first-seen=2026-11-20T10:00:00Z\n`;
let count = 0;
function fileWith(content: string | Buffer): string {
  const file = path.join(dir, `f${count++}`, 'known_hosts');
  addKnownHosts(file, [{ name: 'x', keys: [first] }], nowMs);
  writeFileSync(file, content);
  return file;
}

describe('addKnownHosts', () => {
  it('makes the file and its folder, 0600, and adds each key once', () => {
    const file = path.join(dir, 'made', 'known_hosts');
    const hosts = [
      { name: 'web-1', keys: [first, second] },
      { name: '[web-2]:2222', keys: [first] },
    ];
    for (let time = 0; time < 2; time += 1) addKnownHosts(file, hosts, nowMs);
    const expected = dated('web-1', first) + dated('web-1', second) + dated('[web-2]:2222', first);
    assert.equal(readFileSync(file, 'utf8'), expected);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('writes a line once where two machines are one host', () => {
    const file = path.join(dir, 'twice', 'known_hosts');
    const host = { name: '[web-1]:2222', keys: [first] };
    addKnownHosts(file, [host, host], nowMs);
    assert.equal(readFileSync(file, 'utf8'), dated('[web-1]:2222', first));
    const other = { ...host, keys: [second] };
    replaceKnownHosts(file, [other, other], nowMs);
    assert.equal(readFileSync(file, 'utf8'), dated('[web-1]:2222', second));
  });

  it('ends an unfinished line first', () => {
    const file = fileWith('# comment without its end');
    addKnownHosts(file, [{ name: 'web-1', keys: [first] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), `# comment without its end\n${dated('web-1', first)}`);
  });
});

describe('replaceKnownHosts', () => {
  it('removes the other keys of a host and leaves every other byte', () => {
    const others = Buffer.concat([
      Buffer.from(`# a comment\r\n\n  \t\n${line('web-2', first)}nonsense\n`),
      Buffer.from([0xff, 0xfe, 0x20, 0x41, 0x0a]),
    ]);
    const file = fileWith(Buffer.concat([others, Buffer.from(line('web-1', first) + line('WEB-1', third))]));
    replaceKnownHosts(file, [{ name: 'web-1', keys: [second] }], nowMs);
    assert.deepEqual(readFileSync(file), Buffer.concat([others, Buffer.from(dated('web-1', second))]));
  });

  it('takes only the name out of a line with several', () => {
    const file = fileWith(`web-1,192.0.2.1,web-9 ${first.type} ${first.key} the comment\n`);
    replaceKnownHosts(file, [{ name: '192.0.2.1', keys: [second] }], nowMs);
    const expected = `web-1,web-9 ${first.type} ${first.key} the comment\n${dated('192.0.2.1', second)}`;
    assert.equal(readFileSync(file, 'utf8'), expected);
  });

  it('replaces the key of an address in another form', () => {
    const file = fileWith(line('2001:DB8:0::7', first));
    const name = hostName('2001:db8::7', 22);
    assert.equal(loadKnownHosts(file).lookup(name).keys.length, 1);
    replaceKnownHosts(file, [{ name, keys: [second] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), dated('2001:db8::7', second));
  });

  it('finds hashed lines', () => {
    const file = fileWith(line('web-1', first) + line('web-2', first));
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    const before = readFileSync(file, 'utf8').split('\n');
    replaceKnownHosts(file, [{ name: 'web-1', keys: [second] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), `${before[1] ?? ''}\n${dated('web-1', second)}`);
  });

  it('leaves a key that stays, patterns and revoked lines', () => {
    const content = line('web-1', second) + line('*.example.org,web-?', first) + line('@revoked web-1', first);
    const file = fileWith(content);
    replaceKnownHosts(file, [{ name: 'web-1', keys: [second] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), content);
  });

  it('does several hosts at once, and agrees with the reader', () => {
    const file = fileWith(line('web-1,web-2', first) + line('web-3', first));
    const keys = [second, third];
    const hosts = ['web-1', 'web-2'].map((name) => ({ name, keys }));
    replaceKnownHosts(file, hosts, nowMs);
    const known = loadKnownHosts(file);
    for (const name of ['web-1', 'web-2']) {
      const found = known.lookup(name).keys.map(({ key }) => key);
      assert.deepEqual(
        found,
        keys.map(({ key }) => key),
      );
    }
    const seen = known.lookup('web-3').keys.map(({ key }) => key);
    assert.deepEqual(seen, [first.key]);
  });

  it('ends an unfinished line first, and leaves it where no key is added', () => {
    const unfinished = line('web-2', second).trimEnd();
    const file = fileWith(unfinished);
    replaceKnownHosts(file, [{ name: 'web-2', keys: [second] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), unfinished);
    replaceKnownHosts(file, [{ name: 'web-1', keys: [first] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), `${unfinished}\n${dated('web-1', first)}`);
  });

  const atOnce = new Date(Date.UTC(2026, 10, 20));
  /** The ways in which another program may change the file; each leaves the rest of what tells a change. */
  const changes: Readonly<Record<string, (file: string, text: string) => void>> = {
    'in place': (file, text) => writeFileSync(file, text),
    'at its end, at the same time': (file) => {
      appendFileSync(file, line('web-8', third));
      utimesSync(file, atOnce, atOnce);
    },
    'by a rename, at the same time': (file, text) => {
      writeFileSync(`${file}.other`, text);
      utimesSync(`${file}.other`, atOnce, atOnce);
      renameSync(`${file}.other`, file);
    },
  };
  for (const [how, change] of Object.entries(changes)) {
    it(`loses no line that another program writes meanwhile ${how}`, () => {
      const file = fileWith(line('web-7', first));
      utimesSync(file, atOnce, atOnce);
      let isChanged = false;
      const host = {
        name: 'web-1',
        // The keys are read while the new file is made.
        get keys() {
          if (!isChanged) change(file, line('web-8', first));
          isChanged = true;
          return [second];
        },
      };
      replaceKnownHosts(file, [host], nowMs);
      assert.equal(loadKnownHosts(file).lookup('web-8').keys.length, 1);
      assert.equal(loadKnownHosts(file).lookup('web-1').keys.length, 1);
    });
  }

  it('ends after ten attempts at a file that others write all the time, and leaves no other file', () => {
    const file = fileWith('');
    let reads = 0;
    const host = {
      name: 'web-1',
      get keys() {
        appendFileSync(file, `# ${(reads += 1)}\n`);
        return [second];
      },
    };
    assert.throws(() => replaceKnownHosts(file, [host], nowMs), {
      message: `${file} is being written by somebody else`,
    });
    assert.equal(reads, 10);
    assert.deepEqual(readdirSync(path.dirname(file)), ['known_hosts']);
  });

  it('makes a file that is not there', () => {
    const file = path.join(dir, 'absent-known-hosts');
    replaceKnownHosts(file, [{ name: 'web-1', keys: [first] }], nowMs);
    assert.equal(readFileSync(file, 'utf8'), dated('web-1', first));
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('keeps the mode and a symbolic link, and leaves no other file', () => {
    const file = fileWith(line('web-1', first));
    chmodSync(file, 0o640);
    const link = path.join(dir, `link${count}`);
    symlinkSync(file, link);
    replaceKnownHosts(link, [{ name: 'web-1', keys: [second] }], nowMs);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readFileSync(file, 'utf8'), dated('web-1', second));
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(path.dirname(file)), ['known_hosts']);
  });
});
