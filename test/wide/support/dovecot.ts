/** A real IMAP server for the tests. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';

import { makeCertificates } from '../../support/servers/certificates.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { startTcpProxy } from '../../support/servers/tcp-proxy.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const programs = ['/usr/sbin/dovecot', '/usr/lib/dovecot/imap', '/usr/bin/swaks'];
const isThere = programs.every((program) => existsSync(program)) && process.getuid?.() === 0;

/** The reason to skip tests with Dovecot and swaks; false if they run. With CI set test/setup.sh fails instead. */
export const skipWithoutDovecot = isThere ? false : 'dovecot-imapd or swaks is not installed, or this is not root';

/** The reason to skip tests that also need Sieve; false if they run. */
export const skipWithoutSieve =
  skipWithoutDovecot ||
  (existsSync('/usr/lib/dovecot/modules/lib90_sieve_plugin.so') ? false : 'dovecot-sieve is not installed');

/** The account with which Postfix delivers. */
export const nobodyId = 65_534;

export interface Dovecot {
  readonly plainPort: number;
  readonly imapsPort: number;
  readonly password: string;
  /** The PEM file of the authority that signed its certificate, for localhost and 127.0.0.1. */
  readonly ca: string;
  /** Delivers a mail to the mailbox as a mail server does. Sieve files mails with `X-Spam-Flag: YES` to Junk. */
  readonly deliver: (mail: string) => void;
}

/** Serves a folder with a Maildir for each user, all with the same password. The server ends with the test. */
export async function startDovecot(t: TestContext, mailDir: string): Promise<Dovecot> {
  const dir = tempFolder(t);
  // Its daemons run under accounts of their own.
  chmodSync(dir, 0o755);
  const at = (name: string): string => path.join(dir, name);
  const [plainPort, imapsPort] = [await freePort(), await freePort()];
  const password = 'correct-horse-battery';
  const { ca, good } = makeCertificates(at('tls'));
  for (const name of ['run', 'state']) mkdirSync(at(name));
  writeFileSync(at('junk.sieve'), 'require "fileinto";\nif header "X-Spam-Flag" "YES" { fileinto "Junk"; }\n');
  writeFileSync(at('users'), `fleet:{PLAIN}${password}\n`, { mode: 0o644 });
  writeFileSync(
    at('dovecot.conf'),
    `base_dir = ${at('run')}
state_dir = ${at('state')}
log_path = ${at('log')}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${good.certFile}
ssl_key = <${good.keyFile}
mail_location = maildir:${mailDir}/%n
# A test may date a mail by the time of its file.
mail_never_cache_fields = date.received
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = ${at('users')}
}
userdb {
  driver = static
  args = uid=${nobodyId} gid=${nobodyId} home=${mailDir}/%n
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${plainPort}
  }
  inet_listener imaps {
    port = ${imapsPort}
    ssl = yes
  }
}
service stats {
  chroot =
}
service anvil {
  chroot =
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = create
    special_use = \\Junk
  }
}
postmaster_address = postmaster@example.org
protocol lda {
  mail_plugins = sieve
}
plugin {
  sieve = file:${at('junk.sieve')}
}
`,
  );
  const child = spawn('/usr/sbin/dovecot', ['-F', '-c', at('dovecot.conf')], { stdio: 'ignore' });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  for (let attempt = 1; !(await listens(imapsPort)); attempt += 1) {
    const log = existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '';
    if (attempt === 200 || child.exitCode !== null) throw new Error(`dovecot does not start: ${log}`);
    await sleep(50);
  }
  const lda = ['-c', at('dovecot.conf'), '-d', 'fleet', '-e'];
  return {
    ...{ plainPort, imapsPort, password, ca },
    deliver: (mail) => void execFileSync('/usr/lib/dovecot/dovecot-lda', lda, { input: mail, stdio: 'pipe' }),
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export interface CuttingProxy {
  readonly port: number;
  /** Ends each connection after this many bytes of the server; null for never. */
  cutAfterBytes: number | null;
  /** The number of bytes that the server sent on the newest connection. */
  passed: number;
}

/** Passes connections on to a port of this machine until it cuts them off. The proxy ends with the test. */
export async function startCuttingProxy(t: TestContext, to: number): Promise<CuttingProxy> {
  const relay = (near: Socket, far: Socket): void => {
    proxy.passed = 0;
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      const left = proxy.cutAfterBytes === null ? bytes.length : Math.max(0, proxy.cutAfterBytes - proxy.passed);
      proxy.passed += Math.min(left, bytes.length);
      if (left < bytes.length) {
        near.end(bytes.subarray(0, left));
        far.destroy();
      } else near.write(bytes);
    });
  };
  const listener = await startTcpProxy(to, relay, { host: '127.0.0.1' });
  t.after(() => listener.close());
  const proxy: CuttingProxy = { port: listener.port, cutAfterBytes: null, passed: 0 };
  return proxy;
}
