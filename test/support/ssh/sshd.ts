/**
 * A real OpenSSH server for tests, with host keys, configuration, log and accounts of its own. It listens on a port of
 * its own on every address, so that 127.0.0.1 to 127.0.0.50 are fifty clients. Needs root and /usr/sbin/sshd.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, type TestContext } from 'node:test';

import { claimDir, dirTemplate, makeAccount, removeAccount, sweepDeadOwners } from '../programs/accounts.ts';
import type { AccountOptions, SshdAccount } from '../programs/accounts.ts';
import { atExit } from '../at-exit.ts';
import { freePort } from '../servers/free-port.ts';

export type { AccountOptions, SshdAccount };

const sshdPath = '/usr/sbin/sshd';

export type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa';

export interface SshdOptions {
  /** Default: ed25519 alone, which is generated fastest. */
  readonly hostKeyTypes?: readonly HostKeyType[];
  /** True for keyboard-interactive logins, which need PAM. Default: false, sshd itself checks passwords. */
  readonly pam?: boolean;
  /** Files of this machine that are hidden from its logins. */
  readonly hidden?: readonly string[];
  /** Files and folders that its logins see in place of those of this machine, by the path of these. */
  readonly replaced?: Readonly<Record<string, string>>;
  /** The network namespace that it listens in, at its IPv6 addresses too. */
  readonly namespace?: string;
  /** Further lines of sshd_config. They come first, so they take precedence. */
  readonly config?: readonly string[];
  /**
   * Called before the start, when the host keys exist (`host_ed25519` in the folder). Returns further lines of
   * sshd_config.
   */
  readonly prepare?: (dir: string) => readonly string[];
}

export interface SshdHostKey {
  readonly type: HostKeyType;
  /** The public key, as `ssh-ed25519 AAAA...`. */
  readonly line: string;
  /** The fingerprint in the form of `ssh-keygen -l`. */
  readonly fingerprint: string;
}

export interface Sshd {
  readonly port: number;
  /** The server's folder, which `stop` removes. */
  readonly dir: string;
  readonly hostKeys: readonly SshdHostKey[];
  /** Returns a known_hosts line for an address of this server, without line break: `[address]:port type key`. */
  hostKeyLine(address?: string, type?: HostKeyType): string;
  addAccount(options?: AccountOptions): Promise<SshdAccount>;
  /** Returns the whole log so far, at level VERBOSE. */
  log(): string;
  /** Counts the matches in the log, for instance of /Accepted publickey/g. */
  count(pattern: RegExp): number;
  /** Waits until the log matches. */
  logged(pattern: RegExp): Promise<void>;
  /** Returns the pid of the listening process, whose children are the sessions. */
  pid(): number;
  isAlive(): boolean;
  /** Kills the listening process with SIGKILL; its sessions go on. */
  kill(): Promise<void>;
  /** Starts the server again after `kill`, on the same port. */
  restart(): Promise<void>;
  /** Ends the server, its sessions and its accounts. */
  stop(): Promise<void>;
}

/** Returns the reason that no sshd can be started here; null if one can. With CI set, a missing server is an error. */
export function sshdMissing(): string | null {
  let reason: string | null = null;
  if (process.getuid?.() !== 0) reason = 'needs root, to make accounts';
  else if (!existsSync(sshdPath)) reason = `needs ${sshdPath} (openssh-server)`;
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

/** True if sshd can be started. Otherwise skips the test with the reason. */
export function sshdOrSkip(t: TestContext): boolean {
  const reason = sshdMissing();
  if (reason !== null) t.skip(reason);
  return reason === null;
}

/** Makes a key pair with ssh-keygen, in an existing folder. */
export function sshKeygen(
  file: string,
  ...options: readonly string[]
): { readonly privateKey: string; readonly publicKey: string } {
  // The primes of an RSA key of the default length cost up to a second.
  const short = options.includes('rsa') && !options.includes('-b') ? ['-b', '2048'] : [];
  const args = ['-q', '-N', '', ...options, ...short, '-f', file];
  execFileSync('ssh-keygen', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return { privateKey: file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

/** Returns the fingerprint of a key file, in the form of `ssh-keygen -l`. */
export function fingerprintOf(file: string): string {
  return execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(' ')[1] ?? '';
}

/** Starts an sshd that is stopped after the running test or suite. */
export async function sshdOfSuite(options?: SshdOptions): Promise<Sshd> {
  const sshd = await startSshd(options);
  after(() => sshd.stop());
  return sshd;
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  await sweepDeadOwners();
  const dir = mkdtempSync(dirTemplate);
  claimDir(dir);
  chmodSync(dir, 0o755);
  const logFile = path.join(dir, 'log');
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const name of ['home', 'authorized_keys']) mkdirSync(path.join(dir, name), { mode: 0o755 });
  const hostKeys = (options.hostKeyTypes ?? ['ed25519']).map((type) => makeHostKey(dir, type));
  const accounts: SshdAccount[] = [];
  const whole = { ...options, config: [...(options.config ?? []), ...(options.prepare?.(dir) ?? [])] };
  const launched = await launch(dir, whole, logFile);
  const { port } = launched;
  let { child } = launched;
  const letLive = atExit(() => void child.kill('SIGKILL'));
  const log = (): string => readFileSync(logFile, 'utf8');

  return {
    port,
    dir,
    hostKeys,
    log,
    count: (pattern) => log().match(pattern)?.length ?? 0,
    logged: async (pattern) => {
      const until = Date.now() + 60_000;
      while (!pattern.test(log())) {
        assert.ok(Date.now() < until, `sshd did not log ${String(pattern)}:\n${log()}`);
        await sleep(10);
      }
    },
    pid: () => child.pid ?? 0,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: async () => {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    },
    restart: async () => {
      ({ child } = await launch(dir, whole, logFile, port));
    },
    hostKeyLine: (address = '127.0.0.1', type) => {
      const key = hostKeys.find((candidate) => type === undefined || candidate.type === type);
      assert.ok(key, `the server has no ${String(type)} key`);
      return `[${address}]:${port} ${key.line}`;
    },
    addAccount: async (account = {}) => {
      const made = await makeAccount(dir, account);
      accounts.push(made);
      return made;
    },
    stop: async () => {
      letLive();
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
      child.kill('SIGTERM');
      await ended;
      for (const account of accounts) await removeAccount(account);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function makeHostKey(dir: string, type: HostKeyType): SshdHostKey {
  const { publicKey } = sshKeygen(path.join(dir, `host_${type}`), '-t', type, '-C', '');
  const [name = '', key = ''] = publicKey.split(' ');
  return { type, line: `${name} ${key}`, fingerprint: fingerprintOf(path.join(dir, `host_${type}`)) };
}

function sshdConfig(dir: string, options: SshdOptions): string {
  const pam = options.pam === true ? 'yes' : 'no';
  const [, major = '0', minor = '0'] =
    /OpenSSH_(\d+)\.(\d+)/.exec(spawnSync(sshdPath, ['-V'], { encoding: 'utf8' }).stderr) ?? [];
  const hasPenalties = Number(major) * 100 + Number(minor) >= 908;
  return [
    ...(options.config ?? []),
    'ListenAddress 0.0.0.0',
    ...(options.namespace === undefined ? [] : ['ListenAddress ::']),
    ...(options.hostKeyTypes ?? ['ed25519']).map((type) => `HostKey ${path.join(dir, `host_${type}`)}`),
    'PidFile none',
    'LogLevel VERBOSE',
    'StrictModes no',
    `AuthorizedKeysFile ${path.join(dir, 'authorized_keys')}/%u`,
    `UsePAM ${pam}`,
    `KbdInteractiveAuthentication ${pam}`,
    'PasswordAuthentication yes',
    'PermitRootLogin no',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    'LoginGraceTime 60',
    // sshd takes the last line of this option, not the first.
    ...(options.config?.some((line) => line.startsWith('MaxStartups ')) === true ? [] : ['MaxStartups 1000']),
    ...(hasPenalties ? ['PerSourcePenalties no'] : []),
    '',
  ].join('\n');
}

/** Returns the words that start a program with separate mounts: hidden files are empty devices, others are replaced. */
function inMounts({ hidden = [], replaced = {} }: SshdOptions): readonly string[] {
  const mounts = [
    ...hidden.map((file) => ['/dev/null', file]),
    ...Object.entries(replaced).map(([to, from]) => [from, to]),
  ];
  if (mounts.length === 0) return [];
  const text = 'while [ "$1" != -- ];do mount --bind "$1" "$2"||exit;shift 2;done;shift;exec "$@"';
  return ['unshare', '-m', 'sh', '-c', text, 'sh', ...mounts.flat(), '--'];
}

/**
 * Starts sshd on a port that was just free, because sshd cannot report a port chosen by the kernel. Tries another port
 * if that one is taken.
 */
async function launch(
  dir: string,
  options: SshdOptions,
  logFile: string,
  wanted: number | null = null,
): Promise<{ child: ChildProcess; port: number }> {
  const configFile = path.join(dir, 'sshd_config');
  writeFileSync(configFile, sshdConfig(dir, options));
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await freePort());
    writeFileSync(logFile, '');
    const args = ['-D', '-f', configFile, '-p', String(port), '-E', logFile];
    const inside = options.namespace === undefined ? [] : ['ip', 'netns', 'exec', options.namespace];
    const [program, ...before] = [...inside, ...inMounts(options)];
    const child = spawn(program ?? sshdPath, program === undefined ? args : [...before, sshdPath, ...args], {
      stdio: 'ignore',
    });
    writeFileSync(path.join(dir, 'pid'), String(child.pid));
    const until = Date.now() + 60_000;
    for (;;) {
      const log = readFileSync(logFile, 'utf8');
      if (log.includes(`Server listening on 0.0.0.0 port ${port}.`)) return { child, port };
      if (child.exitCode !== null || Date.now() > until) break;
      await sleep(5);
    }
    child.kill('SIGKILL');
    const log = readFileSync(logFile, 'utf8');
    if (attempt === 10 || !/Address already in use/.test(log)) throw new Error(`sshd did not start:\n${log}`);
  }
}
