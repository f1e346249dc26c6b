/** A client of a real sshd whose key was restricted by the output of `authorize --script`. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';

import { encodeRequest } from '../../../src/report/agent-request.ts';
import { FrameParser } from '../../../src/report/frames.ts';
import { maxGreetingBytes, type AgentRequest } from '../../../src/report/wire.ts';
import { runCommand, type ShellStart } from '../../../src/transport/loader/loader.ts';
import type { Site } from '../../end-to-end/support/whole-fleet.ts';
import { authorizeAtHome, keysFileAtHome } from '../programs/accounts.ts';
import { sshKeygen, type Sshd, type SshdAccount } from './sshd.ts';

/** A server at which keys are restricted. */
export interface KeyServer extends Pick<Sshd, 'port' | 'dir' | 'addAccount'> {
  /** True if the server reads authorized_keys in the homes. Default: false, it reads them in a folder of its own. */
  readonly keysAtHome?: boolean;
}

export interface Restricted {
  readonly site: Site;
  readonly account: SshdAccount;
  /** The folder to which the script wrote the agents. */
  readonly lib: string;
  readonly keysFile: string;
  /** Runs OpenSSH's client with the restricted key. One character of its output is one byte. */
  readonly ssh: (command: string | null, ...options: readonly string[]) => SpawnSyncReturns<string>;
  /** Returns the codes of all visits so far, null for successful ones. */
  readonly codes: () => Promise<readonly unknown[]>;
}

export interface RestrictOptions {
  /** The login shell. Default: /bin/sh. */
  readonly shell?: string;
  /** The client's attributes in config.xml. */
  readonly attributes?: string;
  /** The type of the key, as arguments of ssh-keygen. Default: Ed25519. */
  readonly keyType?: readonly string[];
  /** True if the visit takes an inventory, which is slow. Default: false. */
  readonly takesInventory?: boolean;
  /** Arguments of `authorize` after the client. */
  readonly args?: readonly string[];
  /** Called before the key is restricted. */
  readonly beforehand?: (site: Site, account: SshdAccount) => Promise<void>;
}

/** Restricts the key by running the script as the account itself. */
export async function restrict(server: KeyServer, site: Site, options: RestrictOptions = {}): Promise<Restricted> {
  const { shell = '/bin/sh', keyType = ['-t', 'ed25519'], attributes = '', args: more = [] } = options;
  if (options.takesInventory !== true) await site.inventoried('web-1');
  const key = sshKeygen(path.join(site.dir, 'key'), ...keyType);
  const account = await server.addAccount({ shell, publicKey: key.publicKey });
  if (server.keysAtHome === true) authorizeAtHome(account, key.publicKey);
  const login = `port="${server.port}" username="${account.name}" privateKey="${key.privateKey}"`;
  site.configure(`<client name="web-1" ip="127.0.0.1" ${login} ${attributes}/>`);
  assert.equal((await site.run('trust', '--yes')).status, 0);
  await options.beforehand?.(site, account);
  const script = await site.run('authorize', 'web-1', ...more, '--script');
  assert.deepEqual([script.status, script.stderr], [0, '']);
  install(script.stdout, server, account);
  // These files are from visits with the unrestricted key.
  if (options.beforehand === undefined) {
    rmSync(path.join(account.home, '.local/state'), { recursive: true, force: true });
  }
  const common = [
    ...['-F', 'none', '-i', key.privateKey, '-p', String(server.port), '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR'],
    ...['-o', `UserKnownHostsFile=${path.join(site.stateDir, 'known_hosts')}`],
  ];
  return {
    site,
    account,
    keysFile: keysFileOf(server, account),
    lib: path.join(account.home, '.local/lib/fleet-health'),
    ssh: (command, ...options) => {
      const asked = command === null ? [] : ['--', command];
      const args = [...common, ...options, '-l', account.name, '127.0.0.1', ...asked];
      return spawnSync('ssh', args, { encoding: 'latin1', input: '', timeout: 60_000 });
    },
    codes: async () => (await site.rows('SELECT code FROM visits ORDER BY id')).map(({ code }) => code),
  };
}

/** Returns the file from which the server reads an account's keys. */
export function keysFileOf({ dir, keysAtHome = false }: KeyServer, account: SshdAccount): string {
  return keysAtHome ? keysFileAtHome(account) : path.join(dir, 'authorized_keys', account.name);
}

/** Runs the script as the client's administrator would, and tells it where the server reads keys if not at home. */
export function install(script: string, server: KeyServer, account: SshdAccount): void {
  const { name, uid, home } = account;
  const env: Record<string, string> = { HOME: home, PATH: '/usr/bin:/bin' };
  if (server.keysAtHome !== true) {
    const file = keysFileOf(server, account);
    chmodSync(path.dirname(file), 0o777);
    execFileSync('chown', [name, file]);
    env['AUTHORIZED_KEYS'] = file;
  }
  execFileSync('sh', ['-s'], { input: script, uid, gid: uid, cwd: '/', env, stdio: ['pipe', 'ignore', 'inherit'] });
}

const visitMarker = 'AAECAwQFBgcICQoLDA0ODw';

/** The options of visitCommand that start a shell agent. */
export const shellStart: ShellStart = {
  digest: 'c'.repeat(64),
  marker: [...Array(16).keys()].map((byte) => byte.toString(8)).join('.'),
  folder: 'd'.repeat(32),
};

/** Returns the command line of a visit, as a collector would send it, with these changes of the request. */
export function visitCommand(request: Partial<AgentRequest> = {}, shell: ShellStart | null = null): string {
  const marker = visitMarker;
  return runCommand({
    client: 'web-1',
    marker,
    killAfterSeconds: 21,
    node: null,
    kind: 'visit',
    shell,
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

/** A file that none of the attacks may create. */
export const owned = '/tmp/fleet-health-owned';

/** Returns commands made from that of a visit. Each would do something if a shell saw more of it than one word. */
export function attacksWith(visit: string): readonly string[] {
  const request = /'([\w-]+)'$/.exec(visit)?.[1] ?? '';
  return [
    'id',
    `touch ${owned}`,
    `;touch ${owned}`,
    `$(touch ${owned})`,
    `\`touch ${owned}\``,
    `${visit};touch ${owned}`,
    `${visit}\ntouch ${owned}`,
    `${visit} && touch ${owned}`,
    `touch ${owned};${visit}`,
    `/bin/sh -c 'touch ${owned}' fh 'visit' '${request}`,
    `/bin/sh -c 'touch ${owned}' fh 'visit'`,
    `/bin/sh -c 'touch ${owned}' fh 'visit' '$(touch ${owned})'`,
    `/bin/sh -c 'touch ${owned}' fh 'visit' '"; touch ${owned}; "'`,
    `/bin/sh -c 'touch ${owned}' fh 'bring' '${request}'`,
    visit.replace("'visit'", "'inventory'"),
    visit.replace("'visit'", "'-e'"),
    `--require=${owned} ${request}`,
    '-p process.env',
    '-',
    '* ? [a-z] ~ {a,b} !! ^a^b',
    `'\\''${'"'.repeat(50)}`,
    'x'.repeat(100_000),
    `${visit.slice(0, -request.length - 2)}'${'x'.repeat(9000)}'`,
    `${visit.slice(0, -request.length - 2)}'${Buffer.from('{"kind":["visit"]}').toString('base64url')}'`,
    `${visit.slice(0, -request.length - 2)}'${Buffer.from('null').toString('base64url')}'`,
  ];
}

/** Returns the first frame of each type in the output of an agent after the marker of visitCommand. */
export function framesOf(output: string): ReadonlyMap<string, Buffer> {
  const limits = { maxGreetingBytes, maxReportBytes: 1e6, maxReports: 100, maxTotalBytes: 1e7 };
  const marker = Buffer.from(visitMarker, 'base64url');
  const frames = new FrameParser({ marker, ...limits }).push(Buffer.from(output, 'latin1'));
  return new Map([...frames].reverse().map(({ type, payload }) => [type, payload]));
}
