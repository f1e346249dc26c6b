/**
 * A client of the calendar: an account of a real sshd in a mount namespace, with a boot, a kernel's clock, packages and
 * an /etc of its own. The node or the sh of its agent sets the calendar's clock, because a restricted key starts the
 * agent with `env -i`.
 *
 * Not faked: the starts of processes, the change and birth times of files for programs other than node, what the kernel
 * counts (sectors, packets), the ports of this machine, and the clock of programs that are linked statically: BusyBox
 * needs a guest whose clock is set (test/machines). sshd itself uses the real clock.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { lutimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { everyNode } from '../../support/programs/every-node.ts';
import { sshKeygen, startSshd, type Sshd, type SshdAccount } from '../../support/ssh/sshd.ts';
import { tempFolder, type Scope } from '../../support/temp-folder.ts';
import type { CalendarClock } from './calendar-clock.ts';

export type AgentKind = 'node' | 'shell';

export interface Machine {
  readonly agent: AgentKind;
  readonly sshd: Sshd;
  readonly account: SshdAccount;
  readonly privateKey: string;
  /** Moves the machine's uptime to the calendar's time. */
  readonly tick: () => void;
  readonly reboot: () => void;
  /** Writes a file of /etc. */
  readonly edit: (name: string, text: string) => void;
  /** Sets the versions of the packages that are installed, and of those that the package lists offer. */
  readonly packages: (installed: Versions, offered: Versions) => void;
  /** Sets the exit status of the check `backup`. */
  readonly backup: (status: number) => void;
  /** Makes the certificate of the check `app`, which runs out after so many days. */
  readonly certify: (days: number) => void;
}

export type Versions = Readonly<Record<string, string>>;

export interface MachineOptions {
  readonly agent: AgentKind;
  readonly clock: CalendarClock;
}

/** Writes a file of the machine at the calendar's time. Returns its path. */
type Write = (name: string, text: string, mode?: number) => string;

/** Starts a client that was booted a day ago. It is stopped at the end of the scope. */
export async function startMachine(t: Scope, { agent, clock }: MachineOptions): Promise<Machine> {
  const dir = tempFolder(t);
  chmodSync(dir, 0o755);
  const write: Write = (name, text, mode = 0o644) => {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    const seconds = clock.now() / 1000;
    lutimesSync(file, seconds, seconds);
    return file;
  };
  const { tick, reboot } = bootOf(write, clock);
  const packages = packagesOf(write);
  makeEtc(dir, write);
  mkdirSync(path.join(dir, 'srv'));
  const sshd = await startSshd({
    hidden: agent === 'node' ? [] : everyNode,
    replaced: { ...programOf(write, { agent, clock }), ...patientSleepOf(write), ...filesOf(dir) },
  });
  t.after(() => sshd.stop());
  const { privateKey, publicKey } = sshKeygen(path.join(dir, 'key'), '-t', 'ed25519');
  const account = await sshd.addAccount({ publicKey });
  for (const name of ['passwd', 'group', 'shadow']) {
    const lines = readFileSync(`/etc/${name}`, 'utf8').split('\n');
    appendFileSync(path.join(dir, 'etc', name), `${lines.find((line) => line.startsWith(`${account.name}:`)) ?? ''}\n`);
  }
  const certify = (days: number): void => {
    const env = { PATH: process.env['PATH'] ?? '', ...clock.env };
    const words = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=app'];
    write('srv/app.pem', execFileSync('openssl', [...words, '-days', String(days)], { env, encoding: 'utf8' }));
  };
  const edit = (name: string, text: string): void => void write(`etc/${name}`, text);
  const backup = (status: number): void => void write('srv/backup', `#!/bin/sh\necho it ran\nexit ${status}\n`, 0o755);
  return { agent, sshd, account, privateKey, tick, reboot, edit, packages, backup, certify };
}

/** Keeps the kernel's files about its boot and its CPUs, a tenth of whose time is used. */
function bootOf(write: Write, clock: CalendarClock): Pick<Machine, 'tick' | 'reboot'> {
  const cpus = [...readFileSync('/proc/stat', 'utf8').matchAll(/^cpu\d/gm)].length;
  let bootedMs = 0;
  const tick = (): void => {
    const upS = (clock.now() - bootedMs) / 1000;
    const ticks = (count: number): string => {
      const tenth = Math.round(upS * 10) * count;
      return `${tenth} 0 0 ${9 * tenth} 0 0 0 0 0 0`;
    };
    const lines = Array.from({ length: cpus }, (_, at) => `cpu${at} ${ticks(1)}\n`).join('');
    const rest = `ctxt 1000\nbtime ${Math.floor(bootedMs / 1000)}\nprocesses 1000\nprocs_running 1\nprocs_blocked 0\n`;
    write('proc/stat', `cpu  ${ticks(cpus)}\n${lines}${rest}`);
    write('proc/uptime', `${upS.toFixed(2)} ${(0.9 * upS * cpus).toFixed(2)}\n`);
  };
  const bootAt = (timeMs: number): void => {
    bootedMs = timeMs;
    write('proc/sys/kernel/random/boot_id', `${randomUUID()}\n`);
    tick();
  };
  bootAt(clock.now() - 86_400_000);
  return { tick, reboot: () => bootAt(clock.now() - 60_000) };
}

/** The files of this machine's /etc that programs and sshd need. */
const neededOfEtc = (
  'alternatives debian_version dpkg ld.so.cache ld.so.conf ld.so.conf.d localtime login.defs nsswitch.conf ' +
  'os-release passwd group shadow ssl/openssl.cnf'
).split(' ');

function makeEtc(dir: string, write: Write): void {
  for (const name of neededOfEtc.filter((one) => existsSync(`/etc/${one}`))) {
    cpSync(`/etc/${name}`, path.join(dir, 'etc', name), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
  }
  write('etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  write('etc/motd', 'welcome\n');
  const checks = 'backup /srv/backup\ncertificate app file=/srv/app.pem warning=6d critical=3d\n';
  write('etc/fleet-health/checks.d/own.conf', checks);
}

/** The origins of the package lists. */
const origins = [
  { list: 'debian', suite: 'stable', label: 'Debian' },
  { list: 'debian-security', suite: 'stable-security', label: 'Debian-Security' },
];

/** Keeps the database of dpkg, and the lists of apt, in which every update is one of security. */
function packagesOf(write: Write): Machine['packages'] {
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const about = (name: string, version: string): string =>
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a package\n`;
  write('dpkg/info/format', '1\n');
  write('etc/apt/apt.conf.d/own', '');
  for (const folder of ['lists/partial', 'periodic', 'cache/archives/partial']) write(`apt/${folder}/.keep`, '');
  const sources = origins.map(({ list, suite }) => `deb [trusted=yes] http://192.0.2.1/${list} ${suite} main\n`);
  write('etc/apt/sources.list', sources.join(''));
  return (installed, offered) => {
    const rows = Object.entries(installed).map(
      ([name, version]) => `${about(name, version)}Status: install ok installed\n`,
    );
    write('dpkg/status', `${rows.join('\n')}\n`);
    for (const { list, suite, label } of origins) {
      const stem = `apt/lists/192.0.2.1_${list}_dists_${suite}`;
      write(`${stem}_Release`, `Origin: Debian\nLabel: ${label}\nSuite: ${suite}\nCodename: ${suite}\n`);
      const has = suite.endsWith('-security') ? Object.entries(offered) : [];
      const files = has.map(([name, version]) => `${about(name, version)}Filename: pool/${name}.deb\nSize: 10\n`);
      write(`${stem}_main_binary-${architecture}_Packages`, files.join('\n'));
    }
  };
}

/** Returns the files and folders that this machine's logins see in place of those of this machine. */
function filesOf(dir: string): Readonly<Record<string, string>> {
  const files = ['/proc/stat', '/proc/uptime', '/proc/sys/kernel/random/boot_id', '/etc', '/srv'];
  return {
    ...Object.fromEntries(files.map((file) => [file, path.join(dir, file)])),
    '/var/lib/dpkg': path.join(dir, 'dpkg'),
    '/var/lib/apt': path.join(dir, 'apt'),
    '/var/cache/apt': path.join(dir, 'apt/cache'),
  };
}

/**
 * Returns a sleep in place of the machine's: of two seconds and more, which are limits of what the shell agent asks, it
 * makes tens. What a busy machine does not answer in time is told at the next visit.
 */
function patientSleepOf(write: Write): Readonly<Record<string, string>> {
  const program = realpathSync('/usr/bin/sleep');
  const real = write('bin/real-sleep', '', 0o755);
  const text = `#!/bin/sh\ncase $1 in [2-9] | [1-9][0-9]) set -- "\${1}0" ;; esac\nexec ${real} "$@"\n`;
  return { [real]: program, [program]: write('bin/sleep', text, 0o755) };
}

/** Returns the program that sets the calendar's clock in place of the agent's node or sh. */
function programOf(write: Write, { agent, clock }: MachineOptions): Readonly<Record<string, string>> {
  const isNode = agent === 'node';
  const program = realpathSync(isNode ? process.execPath : '/bin/sh');
  // The first mount is of the program itself, the others hide every program that a login finds.
  const found = isNode ? everyNode.map((file) => realpathSync(file)) : [program];
  const real = write(`bin/real-${agent}`, '', 0o755);
  const exports = Object.entries(clock.env).map(([name, value]) => `export ${name}='${value}'\n`);
  const exec = `exec ${real} ${isNode ? clock.nodeOptions : ''} "$@"`;
  const text = `#!${isNode ? '/bin/sh' : real}\n${exports.join('')}${exec}\n`;
  const faked = write(`bin/${agent}`, text, 0o755);
  return { [real]: program, ...Object.fromEntries(found.map((file) => [file, faked])) };
}
