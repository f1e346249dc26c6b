/** A whole Debian machine under QEMU (guest.sh), and actions in it as root. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../support/servers/free-port.ts';

const script = path.join(import.meta.dirname, 'guest.sh');
const cache = process.env['FLEET_HEALTH_GUESTS'] ?? '';
export const guestSuite = process.env['SUITE'] ?? 'trixie';
export const guestKey = path.join(imageOf(guestSuite), 'key');
export const skipWithoutGuest = withoutGuest(guestSuite);

/** Returns the folder with the image of a suite of Debian. */
function imageOf(suite: string): string {
  return path.join(cache, `guest-${suite}`);
}

/** Returns the option `skip` of node:test for a machine of this suite. */
export function withoutGuest(suite: string): string | false {
  return existsSync(path.join(imageOf(suite), 'disk')) ? false : 'there is no guest: npm run test:machines makes one';
}

const bootSeconds = 240;
const sshOptions = ['BatchMode=yes', 'ConnectTimeout=60', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];

export interface GuestOptions {
  /** Default: `SUITE` of the environment, or trixie. */
  readonly suite?: string;
  /** Files that are its disks vdd and following, for reading. */
  readonly disks?: readonly string[];
}

export class Guest {
  readonly #folder: string;
  readonly #options: Required<GuestOptions>;
  /** The file of the private key of root and of the machine's accounts. */
  readonly key: string;
  readonly #words: readonly string[];
  port = 0;
  #pid = 0;

  /** Creates a machine. Its disks are in the folder and outlive its boots. */
  constructor(folder: string, { suite = guestSuite, disks = [] }: GuestOptions = {}) {
    this.#folder = folder;
    this.#options = { suite, disks };
    this.key = path.join(imageOf(suite), 'key');
    this.#words = ['-q', '-i', this.key, ...sshOptions.flatMap((option) => ['-o', option])];
  }

  /** Boots the machine. Returns when a login succeeds. */
  async boot(): Promise<void> {
    this.port = await freePort();
    const { suite, disks } = this.#options;
    const args = [script, 'start', cache, this.#folder, String(this.port), ...disks];
    const env = { ...process.env, SUITE: suite };
    this.#pid = Number(execFileSync('sh', args, { encoding: 'utf8', env }));
    const end = Date.now() + bootSeconds * 1000;
    while (this.run('true').status !== 0) {
      if (Date.now() > end) assert.fail(readFileSync(path.join(this.#folder, 'console'), 'latin1').slice(-2000));
      await sleep(2000);
    }
  }

  run(command: string): { readonly status: number | null; readonly said: string } {
    const args = [...this.#words, '-p', String(this.port), 'root@127.0.0.1', command];
    // Unpacking packages takes minutes if other machines are emulated at the same time.
    const { status, stdout, stderr, error } = spawnSync('ssh', args, { encoding: 'utf8', timeout: 900_000 });
    return { status, said: `${stdout}${stderr}${error?.message ?? ''}` };
  }

  /** Runs a command that has to succeed. Returns its output. */
  make(command: string): string {
    const { status, said } = this.run(command);
    assert.equal(status, 0, `${command}\n${said}`);
    return said;
  }

  /** Repeats a command until it succeeds. */
  async until(command: string, seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000;
    for (let last = this.run(command); last.status !== 0; last = this.run(command)) {
      if (Date.now() > end) assert.fail(`${command}\n${last.said}`);
      await sleep(2000);
    }
  }

  /** Copies files into a folder of the machine. */
  put(files: readonly string[], folder: string): void {
    this.make(`mkdir -p ${folder}`);
    execFileSync('scp', [...this.#words, '-P', String(this.port), ...files, `root@127.0.0.1:${folder}/`], {
      stdio: 'pipe',
    });
  }

  /** Reboots the machine as its administrator does. */
  async reboot(): Promise<void> {
    this.run('systemctl reboot');
    // QEMU ends instead of rebooting.
    for (let tries = 0; isRunning(this.#pid); tries += 1) {
      if (tries === 120) assert.fail('the machine does not go down');
      await sleep(1000);
    }
    await this.boot();
  }

  /** Switches the machine off. */
  end(): void {
    if (isRunning(this.#pid)) process.kill(this.#pid, 'SIGKILL');
  }
}

function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return pid > 0 && existsSync(file) && !/\) Z /.test(readFileSync(file, 'latin1'));
}
