// Second tier: several servers and programs.
/** An ssh-agent that is offered for forwarding, on a client whose key is restricted. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { restrict } from '../support/restricted-key.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../support/sshd.ts';
import { databaseKinds } from './support/whole-fleet.ts';

/** Starts an ssh-agent with a key, until the test ends. Returns the path of its socket. */
async function startAgent(t: TestContext, dir: string): Promise<string> {
  const socket = path.join(dir, 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  await once(child.stdout, 'data');
  const { privateKey } = sshKeygen(path.join(dir, 'forwarded'), '-t', 'ed25519');
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  assert.equal(spawnSync('ssh-add', ['-q', privateKey], { env }).status, 0);
  return socket;
}

/** A script in place of node. It counts the account's processes with SSH_AUTH_SOCK in their environment. */
const lookAround = `#!/bin/sh
for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; done 2>/dev/null | grep -c '^SSH_AUTH_SOCK='
exit 0
`;

suite('agent forwarding to a restricted key', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ config: ['AllowAgentForwarding yes'] });
  const [sqlite] = databaseKinds();
  assert.ok(sqlite);

  for (const kind of ['node', 'shell'] as const) {
    test(`is refused by the line for the agent of ${kind}, as it would not be without restrict`, async (t) => {
      const { site, ssh, keysFile } = await restrict(sshd, await sqlite.site(t, ''), { args: ['--agent', kind] });
      // ssh forwards an agent only if it has one itself.
      const before = process.env['SSH_AUTH_SOCK'];
      process.env['SSH_AUTH_SOCK'] = await startAgent(t, site.dir);
      t.after(() => {
        if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
        else process.env['SSH_AUTH_SOCK'] = before;
      });
      const spy = path.join(sshd.dir, `spy-${kind}`);
      writeFileSync(spy, lookAround, { mode: 0o755 });
      const line = readFileSync(keysFile, 'utf8');
      const seen = (options: string): string => {
        // The same line with the spy as its command.
        writeFileSync(keysFile, line.replace(/^restrict,command="[^"]+"/m, `${options}command="${spy}"`));
        const { status, stdout, stderr } = ssh('anything', '-A');
        assert.equal(status, 0, stderr);
        return stdout.trim();
      };
      assert.equal(seen('restrict,'), '0');
      assert.notEqual(seen(''), '0', 'the spy sees a forwarded agent where there is one');
      assert.match(line, /^restrict,command="/);
    });
  }
});
