/**
 * Root, and a state folder of the account that cron runs as: that account could not use files that root wrote there.
 */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { configFolder, exits, runCli } from '../support/programs/run-cli.ts';

const someone = 54_321;

suite('a state folder of another account', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  for (const command of [
    ...['trust --yes', 'collect', 'alert', 'prune', 'migrate', 'keys generate', 'keys rotate', 'mail discard 1'],
    ...['ack --all', 'unack --all'],
    ...['silence add --client c1 --until 1h', 'forget collector abcd', 'forget client gone --yes', 'cleanup --yes'],
    ...['authorize c1 --key key.pub', 'spool c1'],
  ]) {
    test(`${command} by root is refused, and says who must run it`, async (t) => {
      const dir = configFolder(t, '<config><client name="c1" ip="127.0.0.1" port="9"/></config>');
      const blob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), Buffer.alloc(32, 1)]);
      writeFileSync(path.join(dir, 'key.pub'), `ssh-ed25519 ${blob.toString('base64')}\n`);
      const state = path.join(dir, 'state');
      mkdirSync(state, { mode: 0o700 });
      chownSync(state, someone, someone);
      const { status, stdout, stderr } = await runCli(command.split(' '), { cwd: dir });
      assert.equal(status, 3, stdout + stderr);
      assert.match(stderr, /belongs to user 54321, and this runs as user 0/);
      assert.match(stderr, /sudo -u '#54321' fleet-health /);
      assert.deepEqual(readdirSync(state), []);
    });
  }

  test('trust by root writes no known_hosts in the home of another account either', async (t) => {
    const ssh = '<ssh knownHosts="home/known_hosts"/>';
    const dir = configFolder(t, `<config>${ssh}<client name="c1" ip="127.0.0.1" port="9"/></config>`);
    mkdirSync(path.join(dir, 'home'));
    chownSync(path.join(dir, 'home'), someone, someone);
    await exits(3, runCli(['trust', '--yes'], { cwd: dir }), /home belongs to user 54321, and this runs as root/);
  });

  test('an account is named as passwd(5) names it', async (t) => {
    const dir = configFolder(t, '<config><client name="c1" ip="127.0.0.1" port="9"/></config>');
    mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
    // Every passwd, such as Debian's, has this account.
    chownSync(path.join(dir, 'state'), 65_534, 65_534);
    const { stderr } = await runCli(['trust', '--yes'], { cwd: dir });
    assert.match(stderr, /Run it as that user: sudo -u nobody fleet-health /);
  });
});
