// Second tier: each login shell with each transport, and each of both with each server.
/**
 * Whole visits of both transports, to OpenSSH and dropbear, through every login shell: the first visit uploads the
 * agent, the second finds it.
 */
import assert from 'node:assert/strict';
import { chownSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';

import { visit } from '../support/clients/agent-visit.ts';
import { isLong } from '../support/long-tests.ts';
import { sshServers } from '../support/ssh/ssh-servers.ts';
import { sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { connectBy, noChildLeft, targetAt, transports } from '../support/ssh/both-transports.ts';

const shells = ['bash', 'dash', 'zsh', 'fish', 'tcsh', 'mksh', 'ash'];

/** Returns the path of a shell; null if it is missing. BusyBox is a shell if it is called by a shell's name. */
function shellPath(name: string, dir: string): string | null {
  if (name !== 'ash') return ['/usr/bin', '/bin'].map((folder) => path.join(folder, name)).find(existsSync) ?? null;
  if (!existsSync('/bin/busybox')) return null;
  const link = path.join(dir, 'ash');
  if (!existsSync(link)) symlinkSync('/bin/busybox', link);
  return link;
}

for (const [ofServer, server] of sshServers.entries()) {
  describe(`visits to ${server.name}`, { skip: server.missing ?? false }, async () => {
    const running = await stoppedAfter(server.start());
    const { privateKey, publicKey } = sshKeygen(path.join(running.dir, 'login'), '-t', 'ed25519');
    afterEach(noChildLeft);

    for (const [ofShell, name] of shells.entries()) {
      // Each with each of the others; all three together with FLEET_HEALTH_LONG_TESTS=1.
      const tried = transports.filter((_, ofTransport) => isLong || (ofServer + ofShell + ofTransport) % 2 === 0);
      for (const transport of tried) {
        it(`${transport}, login shell ${name}`, async (t) => {
          const shell = shellPath(name, running.dir);
          if (shell === null) {
            assert.equal(process.env['CI'], undefined, `${name} is missing`);
            t.skip(`${name} is not installed`);
            return;
          }
          const { name: username } = await running.addAccount({ shell, publicKey });
          const target = targetAt(running, { username, privateKey });
          for (const uploaded of [true, false]) {
            const connection = await connectBy(transport, target);
            const { result, reports } = await visit({ connection, waitForExit: false });
            assert.equal(result.fault, null);
            assert.deepEqual(
              { uploaded: result.uploaded, acknowledged: result.acknowledged, reports: reports.length },
              { uploaded, acknowledged: 1, reports: 1 },
            );
            await connection.leave();
          }
        });
      }
    }

    for (const transport of transports) {
      it(`${transport}, a login shell that leaves a process behind, which holds the output open`, async () => {
        const { name: username, home, uid } = await running.addAccount({ shell: '/bin/bash', publicKey });
        writeFileSync(path.join(home, '.bashrc'), '(sleep 600 &)\n');
        chownSync(path.join(home, '.bashrc'), uid, uid);
        const target = targetAt(running, { username, privateKey });
        for (const uploaded of [true, false]) {
          const connection = await connectBy(transport, target);
          const { result } = await visit({ connection, waitForExit: false });
          assert.deepEqual([result.fault, result.uploaded], [null, uploaded]);
          await connection.leave();
        }
      });
    }
  });
}
