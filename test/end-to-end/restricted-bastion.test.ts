// Second tier: several servers and programs.
/** Restricted keys of bastions, and keys with from=, by the lines that `authorize` prints. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';

import { install, restrict } from '../support/ssh/restricted-key.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd, type SshdAccount } from '../support/ssh/sshd.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

suite('restricted keys with options of their own', { skip: sshdMissing() ?? false }, () => {
  let jump: Sshd;
  let inner: Sshd;
  before(async () => ([jump, inner] = await Promise.all([startSshd(), startSshd()])));
  after(async () => await Promise.all([jump.stop(), inner.stop()]));
  const [sqlite] = databaseKinds(false);
  assert.ok(sqlite);
  const keysFile = (sshd: Sshd, { name }: SshdAccount): string => path.join(sshd.dir, 'authorized_keys', name);

  interface Behind {
    readonly site: Site;
    readonly hop: SshdAccount;
    readonly publicKey: string;
    /** Writes config.xml with the bastion jump-1 and these clients, by name and attributes. */
    readonly configure: (clients: Readonly<Record<string, string>>) => void;
    /** The attributes of a client at the bastion, and of one behind it. */
    readonly atBastion: string;
    readonly behindIt: string;
  }

  /** Makes a site and an account on each server, all with one key. */
  const behind = async (t: TestContext): Promise<Behind> => {
    const site = await sqlite.site(t, '');
    const { privateKey, publicKey } = sshKeygen(path.join(site.dir, 'key'), '-t', 'ed25519');
    const [hop, far] = await Promise.all([jump.addAccount({ publicKey }), inner.addAccount({ publicKey })]);
    const atBastion = `port="${jump.port}" username="${hop.name}"`;
    const configure: Behind['configure'] = (clients) => {
      const elements = Object.entries(clients).map(([name, attributes]) => `<client name="${name}" ${attributes}/>`);
      site.configure(
        `<ssh privateKey="${privateKey}" config="none"/>
        <bastion name="jump-1" ip="127.0.0.1" ${atBastion}/>
        ${elements.join('\n')}`,
      );
    };
    const behindIt = `port="${inner.port}" username="${far.name}" proxyJump="jump-1"`;
    return { site, hop, publicKey, configure, atBastion, behindIt };
  };

  test('a bastion forwards to what config.xml has behind it and to nothing else, and runs nothing', async (t) => {
    const { site, hop, publicKey, configure, atBastion, behindIt } = await behind(t);
    configure({ 'in-1': `ip="127.0.0.2" ${behindIt}`, 'in-2': `ip="127.0.0.3" ${behindIt} transport="openssh"` });
    await site.inventoried('in-1', 'in-2');
    assert.equal((await site.run('trust', '--yes')).status, 0);
    const file = keysFile(jump, hop);
    writeFileSync(file, `from="127.0.0.0/8",no-pty ${publicKey}\n`);
    for (let again = 0; again < 2; again += 1) {
      const { status, stdout, stderr } = await site.run('authorize', 'jump-1', '--script');
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      install(stdout, jump, hop);
      const targets = ['127.0.0.2', '127.0.0.3'].map((ip) => `permitopen="${ip}:${inner.port}"`).join(',');
      const options = `restrict,command="exit 1",port-forwarding,${targets},from="127.0.0.0/8",no-pty`;
      const line = readFileSync(file, 'utf8');
      assert.ok(line.startsWith(`${options} ssh-ed25519 `), line);
      const collected = await site.run('collect');
      assert.equal(collected.status, 0, collected.stdout + collected.stderr);
    }
    // The bastion's own key is used for the bastion alone.
    configure({ 'in-9': `ip="127.0.0.9" ${behindIt}`, itself: `ip="127.0.0.1" ${atBastion}` });
    await site.run('trust', '--yes');
    const refused = await site.run('--json', 'collect');
    const { visits } = JSON.parse(refused.stdout) as { visits: { code: string | null }[] };
    const isRefused = visits.map(({ code }) => code !== null);
    assert.deepEqual(isRefused, [true, true], refused.stdout);
  });

  test('a client that is a bastion too runs its agent and forwards, whichever name is authorized', async (t) => {
    const { site, hop, configure, atBastion, behindIt } = await behind(t);
    configure({ itself: `ip="127.0.0.1" ${atBastion}`, 'in-1': `ip="127.0.0.2" ${behindIt}` });
    await site.inventoried('itself', 'in-1');
    assert.equal((await site.run('trust', '--yes')).status, 0);
    for (const name of ['itself', 'jump-1']) {
      const { status, stdout, stderr } = await site.run('authorize', name, '--script');
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      install(stdout, jump, hop);
      const line = readFileSync(keysFile(jump, hop), 'utf8');
      const forwards = 'port-forwarding,permitopen="127\\.0\\.0\\.2:\\d+" ssh-ed25519 ';
      assert.match(line, new RegExp(`^restrict,command="/bin/sh -c [^"]+",${forwards}`));
      const collected = await site.run('collect');
      assert.equal(collected.status, 0, collected.stdout + collected.stderr);
    }
  });

  test('from= stays when authorize runs again and when the keys were rotated, and --from sets it', async (t) => {
    const args = ['--from', '127.0.0.1,127.0.0.8/30'];
    const restricted = await restrict(jump, await sqlite.site(t, ''), { args });
    const { site, account, codes } = restricted;
    const from = () => /,from="([^"]+)" /.exec(readFileSync(restricted.keysFile, 'utf8'))?.[1];
    assert.equal(from(), '127.0.0.1,127.0.0.8/30');
    assert.equal((await site.run('collect')).status, 0);
    assert.equal((await site.run('keys', 'rotate')).status, 0);
    install((await site.run('authorize', 'web-1', '--script')).stdout, jump, account);
    assert.equal(from(), '127.0.0.1,127.0.0.8/30');
    assert.equal((await site.run('collect')).status, 0);
    assert.deepEqual(await codes(), [null, null]);
    install((await site.run('authorize', 'web-1', '--from', '192.0.2.7', '--script')).stdout, jump, account);
    assert.equal(from(), '192.0.2.7');
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual((await codes()).at(-1), 'auth-failed');
  });
});
