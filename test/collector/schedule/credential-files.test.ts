/** Changes that end the pause after a refused login, over passes that share only the database. */
import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Client, SshSettings } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { credentialsChangedAtMs } from '../../../src/collector/schedule/credential-files.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { makeClient, makeConfig, makeFleet, openFleet, sshSettings, type Fleet } from '../../support/fleets/fleet.ts';

const nobody = { bastions: [], clients: [], jumpHosts: sshSettings };
const firstMs = 1_795_000_000_000;
const clientWith = (ssh: Partial<SshSettings>): Client => makeClient('locked', { ssh: { ...sshSettings, ...ssh } });

/** Returns the minutes of the passes that visited a client whose logins are always refused. */
async function visitedAt(
  minutes: readonly number[],
  client: (fleet: Fleet) => Client = () => clientWith({}),
  beforePass: (minute: number, fleet: Fleet) => { readonly digest?: string } | undefined = () => undefined,
): Promise<readonly number[]> {
  const { dir } = makeFleet();
  const visited: number[] = [];
  for (const minute of minutes) {
    const fleet = openFleet(dir);
    const config = { ...makeConfig(fleet.stateDir, [client(fleet)]), ...beforePass(minute, fleet) };
    await fleet.collect([], {
      config,
      now: () => firstMs + minute * 60_000,
      transportFor: () => {
        visited.push(minute);
        const fault = new FleetError({ code: 'auth-failed', stage: 'login', message: 'refused' });
        return { connect: () => Promise.reject(fault) };
      },
    });
  }
  return visited;
}

function touch(file: string, minute: number): void {
  writeFileSync(file, 'a key, for all that matters here');
  utimesSync(file, firstMs / 1000 + minute * 60, firstMs / 1000 + minute * 60);
}

test('nothing but time, while nothing changes', async () => {
  const minutes = Array.from({ length: 30 }, (_, run) => run * 5);
  assert.deepEqual(await visitedAt(minutes), [0, 5, 15, 35, 75, 135]);
});

test('a changed config.xml, once', async () => {
  const changed = (minute: number) => (minute < 10 ? undefined : { digest: '1'.repeat(64) });
  const visited = await visitedAt([0, 5, 10, 15, 20, 25, 30], undefined, changed);
  // The pause continues to grow.
  assert.deepEqual(visited, [0, 5, 10, 30]);
});

test('a key file that was replaced, once', async () => {
  const file = (fleet: Fleet): string => path.join(fleet.dir, 'id_ed25519');
  const visited = await visitedAt(
    [0, 5, 10, 15, 20, 25, 30],
    (fleet) => clientWith({ privateKey: file(fleet) }),
    (minute, fleet) => {
      if (minute === 0 || minute === 10) touch(file(fleet), minute - 1);
      return undefined;
    },
  );
  // The pause continues to grow.
  assert.deepEqual(visited, [0, 5, 10, 30]);
});

test('all files with credentials count, and none that is not there', () => {
  const fleet = makeFleet();
  const file = (name: string): string => path.join(fleet.dir, name);
  const secret = (name: string): Secret => new Secret({ kind: 'file', path: file(name) });
  const client = clientWith({
    privateKey: file('key'),
    password: secret('password'),
    passphrase: secret('passphrase'),
    config: file('config'),
    explicit: { config: 'config.xml:3' },
  });
  assert.equal(credentialsChangedAtMs(client, nobody), null);
  for (const [minute, name] of ['key', 'password', 'passphrase', 'config'].entries()) {
    touch(file(name), minute);
    assert.equal(credentialsChangedAtMs(client, nobody), firstMs + minute * 60_000, name);
  }
  const literal = clientWith({ password: new Secret({ kind: 'literal', value: 'x' }) });
  assert.equal(credentialsChangedAtMs(literal, nobody), null);
});

test('so do those of the machines of config.xml on the way, the way of the first one included', () => {
  const fleet = makeFleet();
  const file = (name: string): string => path.join(fleet.dir, name);
  const settings = (name: string, proxyJump: string | null) => ({ ...sshSettings, privateKey: file(name), proxyJump });
  const bastion = (name: string, proxyJump: string | null) =>
    ({ name, address: name, port: 22, ssh: settings(name, proxyJump), file: 'config.xml', line: 3 }) as const;
  // The last two bastions are reached through each other, a fault that `check` reports.
  const machines = {
    bastions: [bastion('fra', 'gate'), bastion('ber', null), bastion('one', 'two'), bastion('two', 'one')],
    clients: [makeClient('gate', { ssh: settings('gate', null) })],
    jumpHosts: settings('jump', null),
  };
  const changed = (proxyJump: string): number | null => credentialsChangedAtMs(clientWith({ proxyJump }), machines);
  assert.equal(changed('fra,ops@elsewhere:2222'), null);
  for (const [minute, name] of ['gate', 'fra', 'jump', 'ber'].entries()) touch(file(name), minute);
  assert.equal(changed('fra'), firstMs + 60_000);
  assert.equal(changed('gate'), firstMs);
  assert.equal(changed('fra,ops@elsewhere:2222'), firstMs + 2 * 60_000);
  assert.equal(changed('fra,ber'), firstMs + 3 * 60_000);
  assert.equal(changed('one'), null);
});
