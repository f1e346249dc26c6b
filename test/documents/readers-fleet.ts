/** The machines and servers that the documents name: clients with an account for the collector, and a mail server. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { packageDir } from '../../src/state-folder/paths.ts';
import type { ReceivedMail } from '../support/servers/smtp-server.ts';
import type { DocumentMachine } from './document-machine.ts';

/** The names of the pages with the addresses that a machine answers for them. */
export const readersHosts = {
  'web-1': '192.0.2.10',
  'db-1': '192.0.2.7',
  'db-1.example.org': '192.0.2.11',
  'mail.example.org': '127.0.0.1',
} as const;

/** The authority of the mail server's certificate, which the machine's programs trust. */
export const trusted = { NODE_EXTRA_CA_CERTS: '/etc/ssl/mail.pem' } as const;

/**
 * Makes the account of the reader, who may become root by sudo, and lets npm install from the cache that this
 * machine's npm has filled, without a network.
 */
export async function addReader(machine: DocumentMachine, name: string): Promise<void> {
  const npm = (setting: string): string =>
    execFileSync('npm', ['config', 'get', setting], { cwd: packageDir, encoding: 'utf8' }).trim();
  const file = path.join(machine.root, npm('globalconfig'));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `offline=true\nregistry=${npm('registry')}\n`);
  // Nobody but root may read that cache.
  writeFileSync(path.join(machine.root, 'root/.npmrc'), `cache=${npm('cache')}\n`);
  await machine.prepare(`
    useradd --create-home --shell /bin/bash ${name}
    echo '${name} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/reader`);
}

/**
 * Makes the Debian packages, without Node's, in a folder of the machine. `npm run deb` would build the project first,
 * under the tests that run beside this one.
 */
export async function debianPackages(machine: DocumentMachine, folder: string): Promise<void> {
  const out = path.join(machine.root, folder);
  const words = ['--import', 'tsx', 'build/packages/deb.ts', '--without-node', '--out', out];
  await promisify(execFile)(process.execPath, words, { cwd: packageDir });
}

export interface ReadersFleet {
  readonly mails: () => readonly ReceivedMail[];
}

/** Adds the account that visits log in to. */
export async function addMonitor(machine: DocumentMachine): Promise<void> {
  await machine.prepare(`
    useradd --create-home --shell /bin/sh monitor && install -d -m 700 -o monitor -g monitor ~monitor/.ssh`);
}

/** Starts sshd on the ports 22 and 2222 of every address, and the mail server. */
export async function startReadersFleet(machine: DocumentMachine): Promise<ReadersFleet> {
  const certificate = '/etc/ssl/mail.pem';
  const request = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mail.example.org';
  await machine.prepare(`
    mkdir -p /run/sshd && rm -f /etc/ssh/ssh_host_* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
    /usr/sbin/sshd -p 22 -p 2222 -o HostKey=/etc/ssh/ssh_host_ed25519_key -o UsePAM=yes -o MaxStartups=100
    openssl req -x509 ${request} -addext subjectAltName=DNS:mail.example.org -days 2 -keyout /tmp/key -out ${certificate}
    cat ${certificate} /tmp/key >/tmp/mail.pem`);
  const file = path.join(machine.root, 'tmp/mails');
  const script = path.join(import.meta.dirname, 'mail-server.ts');
  const pem = path.join(machine.root, 'tmp/mail.pem');
  machine.startBeside(process.execPath, '--import', 'tsx', script, '587', pem, file);
  await machine.prepare('until (exec 3<>/dev/tcp/127.0.0.1/587) 2>/dev/null; do sleep 0.1; done');
  return {
    mails: () =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as ReceivedMail)
        : [],
  };
}
