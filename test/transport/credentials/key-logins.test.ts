import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';

import type { Client, SshSettings } from '../../../src/config/config.ts';
import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { loadNotedNames } from '../../../src/state-folder/noted-names.ts';
import { planLogin } from '../../../src/transport/ssh2/login.ts';
import { loadPrivateKey } from '../../../src/transport/credentials/private-key.ts';
import { transportFor } from '../../../src/transport/transport-for.ts';
import { createTransportShared, type TransportShared } from '../../../src/transport/transport-shared.ts';
import { literal } from '../../support/ssh/both-transports.ts';
import { fails, failure } from '../../support/ssh/login.ts';
import { startRecordingServer, type RecordingServer } from '../../support/ssh/recording-ssh.ts';
import { ssh, sshBastion, sshClient } from '../../support/ssh/run-shared.ts';
import { sshKeygen } from '../../support/ssh/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const file = path.join(dir, 'key-logins');
const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };

/** Returns the transports of one run, whose state is kept in `dir`. */
function run(): TransportShared {
  const collector = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
  const config = { bastions: [], clients: [], explicit: [], collector, jumpHosts: ssh({}), stateDir: dir };
  return createTransportShared({ config });
}

for (const transport of ['ssh2', 'openssh'] as const) {
  describe(`the password of a client, by ${transport}`, async () => {
    const { privateKey } = sshKeygen(path.join(dir, `key-${transport}`), '-t', 'ed25519');
    const print = loadPrivateKey(privateKey, null).fingerprint;
    const password = literal('the fleet’s own');
    const honest = await stoppedAfter(startRecordingServer(print));
    const hostile = await stoppedAfter(startRecordingServer());
    const lines = [honest, hostile].map((server) => `${server.hostKeyLine()}\n`);
    before(() => writeFileSync(knownHosts, lines.join('')));

    const at = ({ port }: RecordingServer, name: string, own: Partial<SshSettings> = {}, was: string | null = null) =>
      sshClient(
        `${name}-${transport}`,
        { username: name, privateKey, password, knownHosts, via: transport, config: null, ...own },
        { address: '127.0.0.1', port, was: was === null ? null : `${was}-${transport}` },
      );
    const logIn = async (client: Client, shared: TransportShared): Promise<void> => {
      const connection = await transportFor(client, shared).connect(limits);
      connection.destroy();
    };
    const refusal = async (client: Client): Promise<FleetError> => await failure(logIn(client, run()));
    const offeredTo = (name: string): readonly string[] =>
      hostile.offered().filter((line) => line.startsWith(`${name} `));

    it('is not offered to one that refuses the key, once it has taken a key', async () => {
      const first = run();
      await logIn(at(honest, 'turned'), first);
      first.keyLogins.save();
      const fault = await refusal(at(hostile, 'turned'));
      assert.equal(fault.code, 'auth-failed', fault.message);
      assert.match(fault.message, /the password was not offered, because this client has taken a key before$/);
      assert.ok(fault.advice.includes(file), fault.advice);
      assert.deepEqual(offeredTo('turned'), [`turned key ${print}`]);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    it('is not offered either where the key cannot be read any more, or under a new name', async () => {
      const first = run();
      await logIn(at(honest, 'moved'), first);
      first.keyLogins.save();
      const missing = await refusal(at(hostile, 'moved', { privateKey: path.join(dir, 'missing') }));
      assert.match(missing.code, /^(?:credentials-unusable|auth-failed)$/, missing.message);
      assert.match(missing.message, /the password was not offered/);
      assert.deepEqual(offeredTo('moved'), []);
      await refusal(at(hostile, 'renamed', {}, 'moved'));
      assert.deepEqual(offeredTo('renamed'), [`renamed key ${print}`]);
    });

    it('is offered on first visits, and wherever no key is configured', async () => {
      await refusal(at(hostile, 'first'));
      assert.deepEqual(offeredTo('first'), [`first key ${print}`, 'first password the fleet’s own']);
      const keys = loadNotedNames({ file });
      keys.note(at(hostile, 'plain').name);
      keys.save();
      await refusal(at(hostile, 'plain', { privateKey: null, agent: null }));
      assert.deepEqual(offeredTo('plain'), ['plain password the fleet’s own']);
    });
  });
}

describe('the password of a bastion', () => {
  const { privateKey } = sshKeygen(path.join(dir, 'key-bastion'), '-t', 'ed25519');
  const print = loadPrivateKey(privateKey, null).fingerprint;
  const password = literal('the bastion’s own');

  it('is not offered to one that refuses the key, once it has taken a key', async () => {
    const honest = await stoppedAfter(startRecordingServer(print));
    const hostile = await stoppedAfter(startRecordingServer());
    const lines = [honest, hostile].map((server) => `${server.hostKeyLine()}\n`);
    writeFileSync(knownHosts, lines.join(''));
    const reach = async ({ port }: RecordingServer, name: string, save: boolean): Promise<void> => {
      const shared = run();
      const own = { username: name, privateKey, password, knownHosts, config: null };
      const { hops } = shared.routeTo(sshBastion(name, own, { address: '127.0.0.1', port }));
      try {
        await shared.bastions.reach(hops, { client: 'web-1', lane: 'addresses' }, limits.signal);
        if (save) shared.keyLogins.save();
      } finally {
        await shared.close();
      }
    };
    await reach(honest, 'jump', true);
    const attempt = reach(hostile, 'jump', false);
    await fails(attempt, 'bastion-failed', /the password was not offered, because this bastion has taken a key before/);
    assert.deepEqual(hostile.offered(), [`jump key ${print}`]);
    // Another bastion is on its first visit, so its password is offered.
    await failure(reach(hostile, 'other', false));
    assert.deepEqual(hostile.offered().slice(1), [`other key ${print}`, 'other password the bastion’s own']);
  });
});

describe('the memory of logins by key', () => {
  it('does not hold clients that want a password besides', () => {
    const key = loadPrivateKey(sshKeygen(path.join(dir, 'both'), '-t', 'ed25519').privateKey, null);
    const credentials = { password: 'p', keys: [key], agent: null, problem: null, certificates: [] };
    const begin = () => planLogin({ username: 'u', credentials, refuse: (why) => assert.fail(why) });
    const both = begin();
    assert.equal(both.byKey(), false);
    both.next(null, null);
    assert.equal(both.byKey(), true);
    both.next(['password'], true);
    assert.equal(both.byKey(), false);
    both.next(['publickey'], true);
    assert.equal(both.byKey(), false);
  });
});
