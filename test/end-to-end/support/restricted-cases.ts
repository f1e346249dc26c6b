/** Tests of restricted keys that apply to both agents. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { install, owned, type Restricted } from '../../support/restricted-key.ts';
import type { Sshd } from '../../support/sshd.ts';
import { listing } from './whole-fleet.ts';

export interface RestrictedCases {
  readonly sshd: Sshd;
  /** A client for the tests that change nothing on it. */
  readonly shared: Restricted;
  /** Makes a client of a test's own. */
  readonly restricted: (t: TestContext, options?: { readonly shell: string }) => Promise<Restricted>;
  /** Commands that must not be run; null: no command at all. */
  readonly attacks: readonly (string | null)[];
  /** Functions that damage an agent's file, by the kind of damage. */
  readonly spoils: Readonly<Record<string, (file: string) => unknown>>;
  /** The text to put before the agent to make another version of it, and the extension of the agent's file. */
  readonly older: string;
  readonly ending: '.cjs' | '.sh';
}

export function testRestricted({ sshd, shared, restricted, attacks, spoils, older, ending }: RestrictedCases): void {
  // All other tests have /bin/sh as login shell, whose syntax bash and mksh share.
  for (const shell of ['/usr/bin/fish', '/bin/zsh', '/bin/tcsh']) {
    test(`${shell} as login shell`, { skip: existsSync(shell) ? false : `${shell} is missing` }, async (t) => {
      const { site } = await restricted(t, { shell });
      const { status, stdout } = await site.run('collect');
      assert.equal(status, 0, stdout);
    });
  }

  test('runs nothing else, whatever is asked for', () => {
    const { ssh, account } = shared;
    const before = listing(account.home);
    for (const command of attacks) {
      const { status, stdout, stderr } = ssh(command);
      assert.deepEqual({ status, stdout }, { status: 84, stdout: '' }, `${String(command)}\n${stderr}`);
      const why = 'it runs the agent of this digest and nothing else';
      assert.match(stderr, new RegExp(`^fleet-health restricted key [0-9a-f]{64}: ${why}$`, 'm'));
    }
    assert.deepEqual(listing(account.home), before);
    assert.equal(existsSync(owned), false);
  });

  test('no sftp, no terminal, no forwarding of ports, agents or tunnels', () => {
    const { ssh } = shared;
    const sftp = ssh('sftp', '-s');
    assert.deepEqual({ status: sftp.status, stdout: sftp.stdout }, { status: 84, stdout: '' }, sftp.stderr);
    const terminal = ssh('id', '-tt');
    assert.equal(terminal.status, 255);
    assert.match(terminal.stderr, /PTY allocation request failed/);
    assert.match(ssh(null, '-W', `127.0.0.1:${sshd.port}`).stderr, /stdio forwarding failed/);
    const remote = ssh(null, '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22', '-N');
    assert.match(remote.stderr, /remote port forwarding failed/);
    assert.notEqual(remote.status, 0);
  });

  for (const [what, spoil] of Object.entries(spoils)) {
    test(`an agent that ${what} is not run`, async (t) => {
      const { site, lib, codes } = await restricted(t);
      for (const name of readdirSync(lib)) spoil(path.join(lib, name));
      assert.equal((await site.run('collect')).status, 1);
      assert.deepEqual(await codes(), ['restricted-key']);
      const [visited] = await site.rows('SELECT message FROM visits');
      assert.match(String(visited?.['message']), /^web-1: agent [0-9a-f]{12}, .* is not on the client or was changed$/);
      assert.equal(existsSync(owned), false);
    });
  }

  test('an agent of an older version goes on, and a line says how to get the newer one', async (t) => {
    const { site, lib, keysFile, codes, account } = await restricted(t);
    // The collector is upgraded: the pinned agent is another version than its own.
    const [agent = ''] = readdirSync(lib).filter((name) => readFileSync(path.join(lib, name)).length < 100_000);
    const text = older + readFileSync(path.join(lib, agent), 'utf8');
    const digest = createHash('sha256').update(text).digest('hex');
    writeFileSync(path.join(lib, `${digest}${ending}`), text);
    rmSync(path.join(lib, agent));
    writeFileSync(keysFile, readFileSync(keysFile, 'utf8').replaceAll(path.basename(agent, ending), digest));
    const outdated = await site.run('collect');
    assert.equal(outdated.status, 0, outdated.stdout);
    assert.match(outdated.stdout, /web-1 runs the agent of another version under a restricted key/);

    // By now the collector knows which agent reads this client.
    install((await site.run('authorize', 'web-1', '--script')).stdout, sshd, account);
    const upgraded = await site.run('collect');
    assert.equal(upgraded.status, 0);
    assert.doesNotMatch(upgraded.stdout, /another version/);
    assert.deepEqual(await codes(), [null, null]);
    assert.equal(readFileSync(keysFile, 'utf8').split('ssh-ed25519').length, 2, 'one line with this key');
  });
}
