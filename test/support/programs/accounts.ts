/** Accounts of this machine that exist as long as a test, and the removal of those that killed tests left. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { packageDir } from '../../../src/state-folder/paths.ts';

/** The reason why no test can run this checkout as another account; false if they can. */
export const noOtherAccount: string | false = whyNoOther();

function whyNoOther(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, for another account';
  for (let folder = packageDir; folder !== '/'; folder = path.dirname(folder)) {
    const isOpen = (statSync(folder).mode & 0o001) !== 0;
    if (!isOpen && process.env['CI'] === undefined) return `other accounts cannot enter ${folder}`;
  }
  return false;
}

export interface SshdAccount {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
}

export interface AccountOptions {
  /** The absolute path; default: /bin/sh. */
  readonly shell?: string;
  readonly password?: string;
  /** A line of authorized_keys. */
  readonly publicKey?: string;
  /** True for an account that expired in 1970. */
  readonly expired?: boolean;
}

/** Makes an account with its home in `dir`/home and its keys in `dir`/authorized_keys. */
export async function makeAccount(dir: string, options: AccountOptions): Promise<SshdAccount> {
  const name = `fh${randomBytes(5).toString('hex')}`;
  const home = path.join(dir, 'home', name);
  // `*` is no password, but not a locked account either, which sshd would refuse.
  const hash =
    options.password === undefined
      ? '*'
      : execFileSync('openssl', ['passwd', '-6', '-stdin'], {
          input: `${options.password}\n`,
          encoding: 'utf8',
        }).trim();
  const args = ['-c', 'test account', '-m', '-d', home, '-s', options.shell ?? '/bin/sh', '-p', hash, name];
  await accountCommand('useradd', args);
  if (options.publicKey !== undefined) {
    writeFileSync(path.join(dir, 'authorized_keys', name), `${options.publicKey}\n`, { mode: 0o644 });
  }
  if (options.expired === true) await accountCommand('usermod', ['-e', '1970-01-02', name]);
  return { name, home, uid: statSync(home).uid };
}

/** Returns the file of keys that servers read by default. */
export function keysFileAtHome({ home }: SshdAccount): string {
  return path.join(home, '.ssh', 'authorized_keys');
}

/** Writes the public key to the home's authorized_keys, as a server wants it: nobody but the account can write it. */
export function authorizeAtHome(account: SshdAccount, publicKey: string): void {
  const file = keysFileAtHome(account);
  const folder = path.dirname(file);
  chmodSync(account.home, 0o755);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${publicKey}\n`, { mode: 0o600 });
  for (const name of [folder, file]) chownSync(name, account.uid, account.uid);
}

/** Kills the processes of an account and removes the account. */
export async function removeAccount({ name, uid }: SshdAccount): Promise<void> {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (statSync(`/proc/${pid}`).uid === uid) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // The process ended by itself.
    }
  }
  await accountCommand('userdel', ['-f', name]);
}

/**
 * Runs a program on the account files. Retries while another test holds their lock, which is one for the whole machine.
 */
async function accountCommand(program: string, args: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { status, stderr } = spawnSync(`/usr/sbin/${program}`, args, { encoding: 'utf8' });
    // 6: another test has removed it already.
    if (status === 0 || (program === 'userdel' && status === 6)) return;
    // `cannot remove entry`: the account was removed between two look-ups of one program.
    if (attempt === 100 || !/lock|cannot remove entry/.test(stderr)) throw new Error(`${program}: ${stderr}`);
    await sleep(20 + Math.random() * 60);
  }
}

const dirPrefix = 'fh-sshd-';

/** The path template of the folders that `claimDir` marks, without the random end. */
export const dirTemplate = path.join(tmpdir(), dirPrefix);

/** Marks a folder as in use by this process. */
export function claimDir(dir: string): void {
  writeFileSync(path.join(dir, 'owner'), String(process.pid));
}

/** Removes servers, accounts and folders of test processes that ended without cleaning up, as after a kill. */
export async function sweepDeadOwners(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(dirPrefix))) {
    const dir = path.join(tmpdir(), name);
    const owner = numberIn(path.join(dir, 'owner'));
    if (owner === null || isAlive(owner)) continue;
    const server = numberIn(path.join(dir, 'pid'));
    if (server !== null && commandOf(server).includes(dir)) process.kill(server, 'SIGKILL');
    for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
      const [account = '', , uid, , , home = ''] = line.split(':');
      if (home.startsWith(`${dir}/`)) await removeAccount({ name: account, uid: Number(uid), home });
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

function numberIn(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
