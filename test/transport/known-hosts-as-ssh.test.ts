// Second tier: a large table, each row with two logins; known-hosts.test.ts and host-keys.test.ts have the rules.
/**
 * A server with three keys and a certificate, queried by ssh2 and by `ssh` with the same known_hosts file each time.
 * The collector refuses all that ssh refuses. It gives the reason if it alone refuses.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { needsHostCertificate } from '../../src/transport/known-hosts/host-key-check.ts';
import { hostName, loadKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { login } from '../support/ssh/login.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';

/** The keys in the lines: three of the server, its authority's, and two that belong to no server. */
type Keys = Awaited<ReturnType<typeof startServer>>['keys'];

type Verdict = 'accepted' | 'refused';

interface Row {
  readonly title: string;
  readonly text: (keys: Keys) => string;
  /** True if the names in the file are hashed before it is used. */
  readonly hashed?: true;
  readonly address?: '127.0.0.1' | 'localhost';
  readonly policy?: 'accept-new';
  /** True if the server also has a certificate, which ssh then asks for first. */
  readonly certified?: true;
  readonly ours: Verdict;
  /** The reason for ssh to accept a key that the collector refuses. */
  readonly stricter?: 'needs a certificate' | 'revoked without a port';
}

const row = (title: string, ours: Verdict, text: Row['text'], more: Partial<Row> = {}): Row => {
  return { title, ours, text, ...more };
};
const hashed = { hashed: true } as const;
const byName = { address: 'localhost' } as const;
const acceptNew = { policy: 'accept-new' } as const;
const certified = { certified: true } as const;
const certificate = { ...certified, stricter: 'needs a certificate' } as const;
const revokedAnyPort = { stricter: 'revoked without a port' } as const;

const rows: readonly Row[] = [
  row('nothing', 'refused', () => ''),
  row('comments and empty lines', 'refused', (k) => `# a comment\n\n  \n# ${k.ip} ${k.ed25519}\n`),
  row('the key with its port', 'accepted', (k) => `${k.ip} ${k.ed25519}\n`),
  row('the key without a port', 'accepted', (k) => `127.0.0.1 ${k.ed25519}\n`),
  row('the key with another port', 'refused', (k) => `[127.0.0.1]:1 ${k.ed25519}\n`),
  row('the key with port 22 in brackets', 'refused', (k) => `[127.0.0.1]:22 ${k.ed25519}\n`),
  row('the key of another host', 'refused', (k) => `127.0.0.10 ${k.ed25519}\n`),
  row('another key', 'refused', (k) => `${k.ip} ${k.other}\n`),
  row('another key without a port', 'refused', (k) => `127.0.0.1 ${k.other}\n`),
  row('the key, and another without a port', 'accepted', (k) => `127.0.0.1 ${k.other}\n${k.ip} ${k.ed25519}\n`),
  row(
    'another key, and the right one without a port',
    'refused',
    (k) => `${k.ip} ${k.other}\n127.0.0.1 ${k.ed25519}\n`,
  ),
  row('two keys, the second right', 'accepted', (k) => `${k.ip} ${k.other}\n${k.ip} ${k.ed25519}\n`),
  row('an ECDSA key alone', 'accepted', (k) => `${k.ip} ${k.ecdsa}\n`),
  row('an RSA key alone', 'accepted', (k) => `${k.ip} ${k.rsa}\n`),
  row(
    'an RSA key of another and the right ECDSA key',
    'accepted',
    (k) => `${k.ip} ${k.otherRsa}\n${k.ip} ${k.ecdsa}\n`,
  ),
  row('CRLF', 'accepted', (k) => `# first\r\n${k.ip} ${k.ed25519}\r\n`),
  row('CRLF and a revocation', 'refused', (k) => `${k.ip} ${k.ed25519}\r\n@revoked ${k.ip} ${k.ed25519}\r\n`),
  row('tabs, blanks before and a comment after', 'accepted', (k) => `  ${k.ip}\t${k.ed25519} root@there 2026\n`),
  row('no line break at the end', 'accepted', (k) => `${k.ip} ${k.ed25519}`),
  row('several names', 'accepted', (k) => `web-1,${k.ip},192.0.2.1 ${k.ed25519}\n`),
  row('empty names between commas', 'accepted', (k) => `,,${k.ip}, ${k.ed25519}\n`),
  row('an address by a wildcard', 'accepted', (k) => `127.0.0.* ${k.ed25519}\n`),
  row('an address and a port by wildcards', 'accepted', (k) => `[127.0.?.1]:* ${k.ed25519}\n`),
  row('everything by a wildcard', 'accepted', (k) => `* ${k.ed25519}\n`),
  row('everything but the host with its port', 'accepted', (k) => `*,!${k.ip} ${k.ed25519}\n`),
  row('everything but the host on any port', 'refused', (k) => `*,!${k.ip},!127.0.0.1 ${k.ed25519}\n`),
  row('a negation before its wildcard', 'refused', (k) => `!127.*,!${k.ip},* ${k.ed25519}\n`),
  row('a negation alone', 'refused', (k) => `!192.0.2.1 ${k.ed25519}\n`),
  row('the name in capitals', 'accepted', (k) => `[LOCALHOST]:${k.port} ${k.ed25519}\n`, byName),
  row('the name without a port', 'accepted', (k) => `LocalHost ${k.ed25519}\n`, byName),
  row('the address where the name is asked for', 'refused', (k) => `${k.ip},127.0.0.1 ${k.ed25519}\n`, byName),
  row('the name where the address is asked for', 'refused', (k) => `${k.name},localhost ${k.ed25519}\n`),
  row('a hashed name with its port', 'accepted', (k) => `${k.ip} ${k.ed25519}\n`, hashed),
  row('a hashed name without a port', 'accepted', (k) => `127.0.0.1 ${k.ed25519}\n`, hashed),
  row('a hashed name of another host', 'refused', (k) => `127.0.0.2 ${k.ed25519}\n`, hashed),
  row('a damaged hash before the line', 'accepted', (k) => `|1|c2FsdA==|aGFzaA== ${k.other}\n${k.ip} ${k.ed25519}\n`),
  row('lines with errors before the line', 'accepted', (k) =>
    [k.ip, `${k.ip} ssh-ed25519`, `${k.ip} ssh-ed25519 AAAA`, '@', `@unknown ${k.ip} ${k.ed25519}`]
      .concat(`${k.ip} ${k.ed25519}`, '')
      .join('\n'),
  ),
  row('lines with errors alone', 'refused', (k) =>
    [`${k.ip} ssh-ed25519 ${k.ed25519.split(' ')[1]?.slice(0, 40)}`, `@unknown ${k.ip} ${k.ed25519}`, ''].join('\n'),
  ),
  row('a key under the name of another type', 'refused', (k) => `${k.ip} ssh-rsa ${k.ed25519.split(' ')[1]}\n`),
  row('a key of an unknown type', 'refused', (k) => `${k.ip} ssh-future ${k.ed25519.split(' ')[1]}\n`),
  row('options of sshd before the key', 'refused', (k) => `${k.ip} no-pty ${k.ed25519}\n`),
  row('@revoked with its port', 'refused', (k) => `${k.ip} ${k.ed25519}\n@revoked ${k.ip} ${k.ed25519}\n`),
  row('@revoked before the key', 'refused', (k) => `@revoked * ${k.ed25519}\n${k.ip} ${k.ed25519}\n`),
  row('@revoked of another key', 'accepted', (k) => `${k.ip} ${k.ed25519}\n@revoked * ${k.other}\n`),
  row('@revoked with another port', 'accepted', (k) => `${k.ip} ${k.ed25519}\n@revoked [127.0.0.1]:1 ${k.ed25519}\n`),
  row(
    '@revoked for all but this host',
    'accepted',
    (k) => `${k.ip} ${k.ed25519}\n@revoked *,!${k.ip},!127.0.0.1 ${k.ed25519}\n`,
  ),
  row('@revoked of one of two keys', 'accepted', (k) => `* ${k.ed25519}\n* ${k.rsa}\n@revoked * ${k.ed25519}\n`),
  row(
    '@revoked without a port, and the key without one',
    'refused',
    (k) => `127.0.0.1 ${k.ed25519}\n@revoked 127.0.0.1 ${k.ed25519}\n`,
  ),
  row(
    '@revoked without a port, and the key with its own',
    'refused',
    (k) => `${k.ip} ${k.ed25519}\n@revoked 127.0.0.1 ${k.ed25519}\n`,
    revokedAnyPort,
  ),
  row(
    '@revoked without a port alone, new keys accepted',
    'refused',
    (k) => `@revoked 127.0.0.1 ${k.ed25519}\n@revoked 127.0.0.1 ${k.ecdsa}\n@revoked 127.0.0.1 ${k.rsa}\n`,
    { ...acceptNew, ...revokedAnyPort },
  ),
  row(
    '@revoked hashed without a port, and the key without one',
    'refused',
    (k) => `127.0.0.1 ${k.ed25519}\n@revoked 127.0.0.1 ${k.ed25519}\n`,
    hashed,
  ),
  row(
    '@revoked hashed without a port, and the key with its own',
    'refused',
    (k) => `${k.ip} ${k.ed25519}\n@revoked 127.0.0.1 ${k.ed25519}\n`,
    { ...hashed, ...revokedAnyPort },
  ),
  row(
    '@revoked of a name without a port',
    'refused',
    (k) => `localhost ${k.ed25519}\n@revoked localhost ${k.ed25519}\n`,
    byName,
  ),
  row('@revoked after the fields of a comment', 'accepted', (k) => `${k.ip} ${k.ed25519} @revoked\n`),
  row('nothing, new keys accepted', 'accepted', () => '', acceptNew),
  row('another key, new keys accepted', 'refused', (k) => `${k.ip} ${k.other}\n`, acceptNew),
  row('an authority with its port', 'refused', (k) => `@cert-authority ${k.ip} ${k.authority}\n`, certificate),
  row('an authority without a port', 'refused', (k) => `@cert-authority 127.0.0.1 ${k.authority}\n`, certificate),
  row(
    'an authority without a port, new keys accepted',
    'refused',
    (k) => `@cert-authority 127.0.0.1 ${k.authority}\n`,
    {
      ...certificate,
      ...acceptNew,
    },
  ),
  row('another authority', 'refused', (k) => `@cert-authority * ${k.other}\n`, certified),
  row(
    'an authority that is revoked',
    'refused',
    (k) => `@cert-authority * ${k.authority}\n@revoked * ${k.authority}\n`,
    certified,
  ),
  row(
    'an authority that is revoked without a port',
    'refused',
    (k) => `@cert-authority 127.0.0.1 ${k.authority}\n@revoked 127.0.0.1 ${k.authority}\n`,
    certified,
  ),
  row('the server key as an authority', 'refused', (k) => `@cert-authority * ${k.ed25519}\n`, certified),
  row('an authority as a key', 'refused', (k) => `* ${k.authority}\n`, certified),
  row('an authority and the key', 'accepted', (k) => `@cert-authority * ${k.other}\n${k.ip} ${k.ed25519}\n`, certified),
];

type Server = Awaited<ReturnType<typeof startServer>>;

async function startServer(withCertificate: boolean) {
  let authority = '';
  const sshd = await sshdOfSuite({
    hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'],
    prepare: (dir) => {
      const file = path.join(dir, 'authority');
      authority = sshKeygen(file, '-t', 'ed25519', '-C', '').publicKey;
      if (!withCertificate) return [];
      const signed = path.join(dir, 'host_ed25519.pub');
      execFileSync('ssh-keygen', ['-q', '-s', file, '-I', 'host', '-h', '-n', '127.0.0.1,localhost', signed]);
      return [`HostCertificate ${path.join(dir, 'host_ed25519-cert.pub')}`];
    },
  });
  const { privateKey: keyFile, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const shown = (type: string): string => sshd.hostKeys.find((one) => one.type === type)?.line ?? '';
  const nobody = (type: string) => sshKeygen(path.join(sshd.dir, `other-${type}`), '-t', type, '-C', '').publicKey;
  const keys = {
    ...{ ed25519: shown('ed25519'), ecdsa: shown('ecdsa'), rsa: shown('rsa'), authority },
    ...{ other: nobody('ed25519'), otherRsa: nobody('rsa'), port: sshd.port },
    // `[127.0.0.1]:port` and `[localhost]:port`.
    ...{ ip: hostName('127.0.0.1', sshd.port), name: hostName('localhost', sshd.port) },
  };
  const { name: username } = await sshd.addAccount({ publicKey });
  return { sshd, keys, username, key: loadPrivateKey(keyFile, null), keyFile };
}

/** Returns true if `ssh` logs in. Asserts that only the host key prevents a login. */
async function sshAccepts(server: Server, file: string, { address = '127.0.0.1', policy }: Row): Promise<boolean> {
  const options = [
    ...['BatchMode=yes', 'LogLevel=ERROR', 'IdentitiesOnly=yes', 'AddressFamily=inet', `User=${server.username}`],
    ...[`StrictHostKeyChecking=${policy ?? 'yes'}`, `UserKnownHostsFile=${file}`, 'GlobalKnownHostsFile=/dev/null'],
  ].flatMap((option) => ['-o', option]);
  const args = ['-F', '/dev/null', ...options, '-i', server.keyFile, '-p', String(server.sshd.port)];
  const { failed, said } = await new Promise<{ failed: boolean; said: string }>((resolve) => {
    execFile('ssh', [...args, address, 'true'], (error, _out, said) => resolve({ failed: error !== null, said }));
  });
  if (failed) assert.match(said, /Host key verification failed/);
  return !failed;
}

describe('known_hosts as ssh takes it', { skip: sshdMissing() ?? false, concurrency: 4 }, async () => {
  const plain = await startServer(false);
  const withCertificate = await startServer(true);

  for (const [index, one] of rows.entries()) {
    const { title, address = '127.0.0.1', ours, stricter } = one;
    it(`${title}: ${ours}${stricter === undefined ? '' : `, ${stricter}`}`, async () => {
      const server = one.certified === true ? withCertificate : plain;
      const { sshd, key, keys, username } = server;
      const write = (who: string): string => {
        const file = path.join(sshd.dir, `known-${index}-${who}`);
        writeFileSync(file, one.text(keys));
        if (one.hashed === true) execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
        return file;
      };
      const knownHosts = loadKnownHosts(write('ours'));
      const knownAs = hostName(address, sshd.port);
      const onlyAuthority = needsHostCertificate({ knownAs, knownHosts });
      const target = { address, family: 4, knownAs, knownHosts, policy: one.policy ?? 'strict' } as const;
      let fault: FleetError | null = null;
      try {
        await login({ server: sshd, username, credentials: { key }, target });
      } catch (thrown) {
        assert.ok(thrown instanceof FleetError, String(thrown));
        assert.match(thrown.code, /^host-key-(unknown|changed|revoked)$/);
        fault = thrown;
      }
      assert.equal(fault === null ? 'accepted' : 'refused', ours, fault?.message);
      assert.equal(onlyAuthority, /authority alone/.test(fault?.message ?? ''), 'the transport that can check it');
      const theirs = await sshAccepts(server, write('ssh'), one);
      assert.equal(theirs, ours === 'accepted' || stricter !== undefined, 'ssh');
    });
  }
});
