/** A real dropbear server for tests, with accounts of its own as in sshd.ts. Needs root and dropbear. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  authorizeAtHome,
  claimDir,
  dirTemplate,
  makeAccount,
  removeAccount,
  sweepDeadOwners,
} from '../programs/accounts.ts';
import type { AccountOptions, SshdAccount } from '../programs/accounts.ts';
import { atExit } from '../at-exit.ts';
import { freePort } from '../servers/free-port.ts';

const dropbearPath = '/usr/sbin/dropbear';

/**
 * Returns the reason that no dropbear can be started here; `null` if it can. With CI set, a missing server is an error.
 */
export function dropbearMissing(): string | null {
  let reason: string | null = null;
  if (process.getuid?.() !== 0) reason = 'needs root, to make accounts';
  else if (!existsSync(dropbearPath)) reason = `needs ${dropbearPath} (dropbear-bin)`;
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

export type Dropbear = Awaited<ReturnType<typeof startDropbear>>;

export async function startDropbear() {
  await sweepDeadOwners();
  const dir = mkdtempSync(dirTemplate);
  claimDir(dir);
  chmodSync(dir, 0o755);
  for (const name of ['home', 'authorized_keys']) mkdirSync(path.join(dir, name), { mode: 0o755 });
  const keyFile = path.join(dir, 'host_key');
  const made = execFileSync('dropbearkey', ['-t', 'ed25519', '-f', keyFile], { encoding: 'utf8', stdio: 'pipe' });
  const [type = '', key = ''] = (/^ssh-ed25519 .*$/m.exec(made)?.[0] ?? '').split(' ');
  const accounts: SshdAccount[] = [];
  const logFile = path.join(dir, 'log');
  const { child, port } = await launch(dir, keyFile, logFile);
  const letLive = atExit(() => void child.kill('SIGKILL'));
  const log = (): string => readFileSync(logFile, 'utf8');
  return {
    port,
    dir,
    log,
    count: (pattern: RegExp) => log().match(pattern)?.length ?? 0,
    hostKeyLine: (address = '127.0.0.1') => `[${address}]:${port} ${type} ${key}`,
    addAccount: async (options: AccountOptions = {}) => {
      const account = await makeAccount(dir, options);
      accounts.push(account);
      if (options.publicKey !== undefined) authorizeAtHome(account, options.publicKey);
      return account;
    },
    stop: async () => {
      letLive();
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
      // dropbear misses a SIGTERM just before its select, and sleeps on.
      child.kill('SIGKILL');
      await ended;
      for (const account of accounts) await removeAccount(account);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts dropbear with a separate /etc/shells, because it accepts only the shells in it. */
const start = 'mount --bind "$1" /etc/shells; shift; exec "$@" 2>"$0"';

/** Starts dropbear. Tries another port if a process has taken the first one. */
async function launch(dir: string, keyFile: string, logFile: string) {
  const shells = path.join(dir, 'shells');
  writeFileSync(shells, `${readFileSync('/etc/shells', 'utf8')}\n${path.join(dir, 'ash')}\n`);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const args = ['-F', '-E', '-m', '-w', '-r', keyFile, '-p', `0.0.0.0:${port}`, '-P', path.join(dir, 'pidfile')];
    const command = ['/bin/sh', '-c', start, logFile, shells, dropbearPath, ...args];
    const child = spawn('unshare', ['-m', ...command], { stdio: 'ignore' });
    writeFileSync(path.join(dir, 'pid'), String(child.pid));
    const until = Date.now() + 60_000;
    while (child.exitCode === null && Date.now() < until) {
      if (await answers(port)) return { child, port };
      await sleep(10);
    }
    child.kill('SIGKILL');
    if (attempt === 10) throw new Error(`dropbear did not start:\n${readFileSync(logFile, 'utf8')}`);
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'data', { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
