// Second tier: sshd with each limit of sessions, by both transports.
/** Servers that open one channel at a time, or one for each connection, by both transports. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import ssh2 from 'ssh2';

import { serverName } from '../../../src/transport/openssh/openssh-only.ts';
import { commandTransportFor } from '../../../src/transport/transport-for.ts';
import type { Connection } from '../../../src/transport/transport.ts';
import { visit } from '../../support/clients/agent-visit.ts';
import { startBastionServers } from '../../support/ssh/bastion-servers.ts';
import { clientOf, connectBy, noChildLeft, targetAt, transports } from '../../support/ssh/both-transports.ts';
import { sharedFor } from '../../support/ssh/run-shared.ts';
import { startSsh2Server } from '../../support/ssh/ssh2-server.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../../support/ssh/sshd.ts';
import { isWide } from '../../support/long-tests.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };

/** Runs commands as an upload does: the next one as soon as the one before has its exit status. */
async function runInTurn(connection: Connection, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const channel = await connection.exec(`echo ${round}; exit 81`);
    const printed = text(channel.stdout);
    assert.deepEqual(await channel.exit, { status: 81, signal: null });
    assert.equal(await printed, `${round}\n`);
  }
  await connection.leave();
}

describe('sshd with MaxSessions 1', { skip: sshdMissing() ?? false }, async () => {
  const one = { config: ['MaxSessions 1'] };
  const sshd = await sshdOfSuite(one);
  const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const servers = await startBastionServers(() => one);
  afterEach(noChildLeft);

  for (const via of transports) {
    it(`${via}: runs commands in turn over one login`, async () => {
      const account = await sshd.addAccount({ publicKey });
      const target = targetAt(sshd, { username: account.name, privateKey });
      await runInTurn(await connectBy(via, target), 4);
      assert.equal(sshd.count(new RegExp(`Accepted publickey for ${account.name} `, 'g')), 1);
    });

    it(`${via}: runs commands in turn behind a bastion`, async () => {
      const shared = sharedFor({ bastions: [servers.fra()] });
      await runInTurn(await commandTransportFor(servers.web({ via }), shared).connect(limits), 3);
      await shared.close();
    });

    it(`${via}: uploads the agents to an empty account, and takes the inventory over the same login`, async () => {
      const account = await sshd.addAccount({ publicKey });
      const target = targetAt(sshd, { username: account.name, privateKey });
      const connection = await connectBy(via, target);
      const { result } = await visit({ connection });
      assert.equal(result.fault, null);
      assert.deepEqual([result.uploaded, result.reports], [true, 1]);
      const inventory = await visit({ connection, kind: 'inventory', waitForExit: false });
      assert.equal(inventory.result.fault, null);
      assert.equal(inventory.result.reports, 1);
      await connection.leave();
      assert.equal(sshd.count(new RegExp(`Accepted publickey for ${account.name} `, 'g')), 1);
    });
  }
});

describe('a server that opens one channel for each connection', { skip: sshdMissing() ?? false }, async () => {
  let logins = 0;
  let answers: 'refuses' | 'is silent' | 'closes' = 'refuses';
  const dir = tempFolder();
  const { privateKey } = sshKeygen(path.join(dir, 'login'), '-t', 'ed25519');
  const server = await stoppedAfter(
    startSsh2Server({
      serve: (pem) =>
        new ssh2.Server({ hostKeys: [pem] }, (client) => {
          client.on('error', () => undefined);
          client.on('authentication', (attempt) => {
            if (attempt.method === 'publickey') attempt.accept();
            else attempt.reject(['publickey']);
          });
          client.on('ready', () => {
            logins += 1;
            let channels = 0;
            client.on('session', (accept, reject) => {
              channels += 1;
              if (channels === 1) {
                accept().on('exec', (take, _refuse, { command }) => {
                  const stream = take();
                  stream.write(`${command}\n`);
                  stream.exit(81);
                  stream.end();
                  if (answers === 'closes') stream.once('close', () => client.end());
                });
              } else if (answers === 'refuses') reject();
              else if (answers === 'closes') client.end();
            });
          });
        }),
    }),
  );
  afterEach(noChildLeft);

  const connectAgain = async (via: (typeof transports)[number], stateDir: string) => {
    const shared = sharedFor({ stateDir });
    const client = clientOf(via, targetAt({ ...server, dir }, { privateKey }));
    return { shared, name: serverName(client), connection: await commandTransportFor(client, shared).connect(limits) };
  };
  const run = async (connection: Connection, ...commands: readonly string[]): Promise<void> => {
    for (const command of commands) {
      const channel = await connection.exec(command);
      assert.equal(await text(channel.stdout), `${command}\n`);
      assert.equal((await channel.exit).status, 81);
    }
    const bytes = connection.bytes();
    assert.ok(bytes.in > 0, JSON.stringify(bytes));
    await connection.leave();
  };

  for (const via of transports) {
    for (const how of ['refuses', 'is silent', 'closes'] as const) {
      if (via === 'openssh' && how !== 'refuses' && !isWide) continue;
      it(`${via}: a server that ${how} gets a further login for each further command`, async (t) => {
        [answers, logins] = [how, 0];
        const stateDir = tempFolder(t);
        const first = await connectAgain(via, stateDir);
        await run(first.connection, 'one', 'two', 'three');
        assert.equal(logins, 3);
        assert.equal(first.shared.oneChannel.has(first.name), how !== 'closes');
        first.shared.oneChannel.save();
        // Another run knows the server: it does not wait for an answer.
        const second = await connectAgain(via, stateDir);
        const startedMs = performance.now();
        await run(second.connection, 'one', 'two');
        assert.equal(logins, 5);
        assert.ok(performance.now() - startedMs < 60_000);
      });
    }
  }

  it('no further login follows an abort, or the end of the connection here', async () => {
    [answers, logins] = ['refuses', 0];
    const { connection } = await connectAgain('ssh2', '/nowhere');
    const channel = await connection.exec('one');
    channel.stdout.resume();
    await channel.exit;
    connection.destroy();
    await assert.rejects(connection.exec('two'), { code: 'connect-failed' });
    assert.equal(logins, 1);
  });
});
