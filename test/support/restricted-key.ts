/** A client of a real sshd whose key was restricted by what `authorize --script` printed. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';

import { encodeRequest } from '../../src/report/agent-request.ts';
import type { AgentRequest } from '../../src/report/wire.ts';
import { runCommand } from '../../src/transport/loader.ts';
import type { Site } from '../end-to-end/whole-fleet.ts';
import { sshKeygen, type Sshd, type SshdAccount } from './sshd.ts';

export interface Restricted {
  readonly site: Site;
  readonly account: SshdAccount;
  /** Where the script put the agents. */
  readonly lib: string;
  readonly keysFile: string;
  /** OpenSSH's client with the restricted key; one character of its output is one byte. */
  readonly ssh: (command: string | null, ...options: readonly string[]) => SpawnSyncReturns<string>;
  /** The codes of all visits so far; null: it went well. */
  readonly codes: () => Promise<readonly unknown[]>;
}

/** Restricts the key by running the script as the account itself. */
export async function restrict(sshd: Sshd, site: Site, shell = '/bin/sh'): Promise<Restricted> {
  const key = sshKeygen(path.join(site.dir, 'key'), '-t', 'ed25519');
  const account = await sshd.addAccount({ shell, publicKey: key.publicKey });
  const keysFile = path.join(sshd.dir, 'authorized_keys', account.name);
  site.configure(
    `<client name="web-1" ip="127.0.0.1" port="${sshd.port}" username="${account.name}" privateKey="${key.privateKey}"/>`,
  );
  assert.equal((await site.run('trust', '--yes')).status, 0);
  const script = await site.run('authorize', 'web-1', '--script');
  assert.deepEqual([script.status, script.stderr], [0, '']);
  install(script.stdout, sshd, account);
  // What the unrestricted key left.
  rmSync(path.join(account.home, '.local/state'), { recursive: true, force: true });
  const common = [
    ...['-F', 'none', '-i', key.privateKey, '-p', String(sshd.port), '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR'],
    ...['-o', `UserKnownHostsFile=${path.join(site.stateDir, 'known_hosts')}`],
  ];
  return {
    site,
    account,
    keysFile,
    lib: path.join(account.home, '.local/lib/fleet-health'),
    ssh: (command, ...options) => {
      const asked = command === null ? [] : ['--', command];
      const args = [...common, ...options, '-l', account.name, '127.0.0.1', ...asked];
      return spawnSync('ssh', args, { encoding: 'latin1', input: '', timeout: 20_000 });
    },
    codes: async () => (await site.rows('SELECT code FROM visits ORDER BY id')).map(({ code }) => code),
  };
}

/** As its own administrator would: this sshd reads no authorized_keys below a home. */
export function install(script: string, sshd: Sshd, { name, uid, home }: SshdAccount): void {
  const dir = path.join(sshd.dir, 'authorized_keys');
  chmodSync(dir, 0o777);
  execFileSync('chown', [name, path.join(dir, name)]);
  execFileSync('sh', ['-s'], {
    input: script,
    uid,
    gid: uid,
    env: { HOME: home, PATH: '/usr/bin:/bin', AUTHORIZED_KEYS: path.join(dir, name) },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/** The command line of a visit, as a collector would send it but for what is said here. */
export function visitCommand(request: Partial<AgentRequest> = {}): string {
  const marker = 'AAECAwQFBgcICQoLDA0ODw';
  return runCommand({
    client: 'web-1',
    marker,
    killAfterSeconds: 21,
    node: null,
    kind: 'visit',
    shell: null,
    agentDigest: 'a'.repeat(64),
    inventoryDigest: 'b'.repeat(64),
    collectorId: randomUUID(),
    request: encodeRequest({
      v: 1,
      kind: 'visit',
      run: randomUUID(),
      client: 'web-1',
      collector: randomUUID(),
      marker,
      key: Buffer.alloc(32, 9).toString('base64url'),
      options: {},
      deadlineMs: 10_000,
      maxFrames: 10,
      maxBytes: 1_000_000,
      ...request,
    }),
  });
}
