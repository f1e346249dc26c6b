import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeCertificates } from './certificates.ts';
import { freePort } from './free-port.ts';

export type Postfix = Awaited<ReturnType<typeof startPostfix>>;

const daemonDir = '/usr/lib/postfix/sbin';
const programs = ['/usr/sbin/postfix', '/usr/sbin/saslpasswd2', path.join(daemonDir, 'master')];
const isThere = programs.every((program) => existsSync(program)) && process.getuid?.() === 0;

/**
 * The reason that no Postfix can run here, or false. For `skip` of node:test. With CI set startPostfix fails instead.
 */
export const skipWithoutPostfix: string | false =
  !isThere && !process.env['CI'] ? 'postfix and sasl2-bin are not installed, or this is not root' : false;

const realm = 'mail.test';
const nobodyId = 65_534;

/**
 * Starts a real Postfix for the tests, on ports that the kernel chooses. Its queue and mailboxes are in a folder, which
 * is removed with it. Takes about a second.
 */
export async function startPostfix() {
  if (!isThere) throw new Error('postfix and sasl2-bin are not installed, or this is not root');
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-postfix-'));
  // Its daemons run under accounts of their own.
  chmodSync(dir, 0o755);
  const at = (name: string): string => path.join(dir, name);
  const [submissionPort, smtpsPort, plainPort] = [await freePort(), await freePort(), await freePort()];
  const { ca, good } = makeCertificates(at('tls'));
  makeFolders(dir);
  makeLogin(at('sasl'));
  writeFileSync(at('main.cf'), mainCf(dir, good, plainPort));
  writeFileSync(at('master.cf'), masterCf({ submissionPort, smtpsPort, plainPort }));
  const child = spawnMaster(dir);
  const log = (): string => (existsSync(at('log/mail.log')) ? readFileSync(at('log/mail.log'), 'utf8') : '');
  try {
    for (const port of [submissionPort, smtpsPort, plainPort]) await untilListening(port, child);
  } catch (thrown) {
    await end(child);
    throw new Error(`postfix does not start: ${log()}`, { cause: thrown });
  }
  return {
    /** The port that requires STARTTLS and a login. */
    submissionPort,
    /** The port with TLS from the first byte, and a login. */
    smtpsPort,
    /** The port that accepts every mail without TLS and login. */
    plainPort,
    /** The PEM file of the authority that signed its certificate, for localhost and 127.0.0.1. */
    ca,
    username: `fleet@${realm}`,
    password: loginPassword,
    /** The mailbox. Any other user of its domain is refused. */
    mailbox: 'ops@example.org',
    /** The folder with a Maildir for `ops` and for `fleet`, which accepts `fleet+ANYTHING`, too. */
    mailDir: at('mail'),
    /** Returns the mails in the order of arrival, once the mailbox has `count` of them. */
    delivered: (count: number) => delivered(at('mail/ops/new'), count, log),
    log,
    stop: () => end(child),
  };
}

const loginPassword = 'correct horse "battery" \u00fc';

function makeLogin(dir: string): void {
  mkdirSync(dir);
  const file = path.join(dir, 'sasldb2');
  execFileSync('/usr/sbin/saslpasswd2', ['-p', '-c', '-f', file, '-u', realm, 'fleet'], { input: loginPassword });
  chownSync(file, idOf('-u'), idOf('-g'));
  const settings = `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: ${file}\n`;
  writeFileSync(path.join(dir, 'smtpd.conf'), settings);
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postfix'], { encoding: 'utf8' }));
}

function makeFolders(dir: string): void {
  const [user, group] = [idOf('-u'), idOf('-g')];
  const own = ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'maildrop', 'private'];
  for (const name of ['data', 'queue', 'queue/pid', 'log', 'mail']) mkdirSync(path.join(dir, name));
  for (const name of [...own, 'public', 'saved', 'trace']) {
    mkdirSync(path.join(dir, 'queue', name), { mode: 0o700 });
    chownSync(path.join(dir, 'queue', name), user, group);
  }
  chownSync(path.join(dir, 'data'), user, group);
  chownSync(path.join(dir, 'mail'), nobodyId, nobodyId);
}

function mainCf(
  dir: string,
  { keyFile, certFile }: { readonly keyFile: string; readonly certFile: string },
  plainPort: number,
): string {
  const settings = {
    compatibility_level: '3.6',
    queue_directory: path.join(dir, 'queue'),
    data_directory: path.join(dir, 'data'),
    maillog_file: path.join(dir, 'log', 'mail.log'),
    maillog_file_prefixes: dir,
    inet_interfaces: 'loopback-only',
    inet_protocols: 'ipv4',
    myhostname: realm,
    mydestination: '',
    mynetworks: '',
    local_recipient_maps: '',
    alias_maps: '',
    relay_domains: 'loops.test',
    hopcount_limit: '10',
    default_transport: 'error:nothing leaves this machine',
    // Mails to these domains are accepted, the first after a login, and bounce later, untaken or after going round.
    transport_maps: `inline:{gone.test=gone: loops.test=smtp:[127.0.0.1]:${plainPort}}`,
    virtual_mailbox_domains: 'example.org',
    virtual_mailbox_base: path.join(dir, 'mail'),
    virtual_mailbox_maps: 'inline:{ops@example.org=ops/ fleet@example.org=fleet/}',
    recipient_delimiter: '+',
    virtual_minimum_uid: '1',
    virtual_uid_maps: `static:${nobodyId}`,
    virtual_gid_maps: `static:${nobodyId}`,
    smtpd_tls_cert_file: certFile,
    smtpd_tls_key_file: keyFile,
    smtpd_sasl_type: 'cyrus',
    smtpd_sasl_path: 'smtpd',
    cyrus_sasl_config_path: path.join(dir, 'sasl'),
    smtpd_relay_restrictions: 'permit_sasl_authenticated, reject_unauth_destination',
    smtpd_delay_reject: 'yes',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

interface Ports {
  readonly submissionPort: number;
  readonly smtpsPort: number;
  readonly plainPort: number;
}

function masterCf({ submissionPort, smtpsPort, plainPort }: Ports): string {
  const login = ['smtpd_sasl_auth_enable=yes', 'smtpd_client_restrictions=permit_sasl_authenticated,reject'];
  const inet = (port: number, options: readonly string[]): string =>
    [`127.0.0.1:${port} inet n - n - - smtpd`, ...options.map((option) => `  -o ${option}`)].join('\n');
  const unix = (name: string, program: string, limits = '- n - -'): string => `${name} unix - ${limits} ${program}`;
  const lines = [
    inet(submissionPort, ['smtpd_tls_security_level=encrypt', 'smtpd_tls_auth_only=yes', ...login]),
    inet(smtpsPort, ['smtpd_tls_wrappermode=yes', ...login]),
    inet(plainPort, ['smtpd_tls_security_level=none']),
    'postlog unix-dgram n - n - 1 postlogd',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    unix('rewrite', 'trivial-rewrite'),
    ...['bounce', 'defer', 'trace'].map((name) => unix(name, 'bounce', '- n - 0')),
    unix('error', 'error'),
    unix('virtual', 'virtual', 'n n - -'),
    unix('smtp', 'smtp'),
    unix('gone', 'pipe user=nobody argv=/usr/bin/false', 'n n - -'),
    unix('anvil', 'anvil', '- n - 1'),
    unix('proxymap', 'proxymap'),
  ];
  return `${lines.join('\n')}\n`;
}

/** Starts the master. Its shell ends it and removes the folder when the pipe to this process closes. */
function spawnMaster(dir: string): ChildProcess {
  const script = '"$1" -c "$2" -d & pid=$!; read line; kill "$pid"; wait "$pid"; rm -rf "$2"';
  return spawn('/bin/sh', ['-c', script, 'sh', path.join(daemonDir, 'master'), dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Signals of a terminal must reach the tests alone.
    detached: true,
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (thrown) {
      if (attempt === 300 || child.exitCode !== null) throw thrown;
      await sleep(50);
    } finally {
      socket.destroy();
    }
  }
}

async function delivered(dir: string, count: number, log: () => string): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const files = existsSync(dir) ? readdirSync(dir) : [];
    if (files.length >= count) return files.sort().map((file) => readFileSync(path.join(dir, file), 'utf8'));
    if (attempt === 300) throw new Error(`${files.length} of ${count} mails arrived: ${log()}`);
    await sleep(50);
  }
}
