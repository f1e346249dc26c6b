// Second tier: brings a whole Node.
/** Clients whose sshd has no node anywhere, read by the built program. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { takeRuntime } from '../../src/collector/runtimes/add-runtime.ts';
import { ownTarget } from '../support/own-runtime.ts';
import { restrict } from '../support/restricted-key.ts';
import { sshdMissing, sshKeygen, type SshdAccount, sshdOfSuite } from '../support/sshd.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';
import { pluck } from '../support/pluck.ts';
import { namesBelow } from '../support/names-below.ts';

const skip = sshdMissing() ?? (ownTarget === null ? 'this machine is none of the targets' : false);
const places = [process.execPath, '/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs'];
const nodes = places.filter((file) => existsSync(file));

suite('clients without node, and runtime="bring"', { skip }, async () => {
  const sshd = await sshdOfSuite({ hidden: [...new Set(nodes.map((file) => realpathSync(file)))] });
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');
  const kinds = databaseKinds();

  /** Makes a site with two clients. The shell agent may read the first; the second waits for its Node. */
  async function fleet(t: TestContext, kind: (typeof kinds)[number]): Promise<{ site: Site; accounts: SshdAccount[] }> {
    const { publicKey } = key;
    const accounts = [await sshd.addAccount({ publicKey }), await sshd.addAccount({ publicKey })];
    const clients = ['allow', 'refuse'].map(
      (unsealed, index) =>
        `<client name="${unsealed}" unsealed="${unsealed}" ip="127.0.0.${index + 1}" port="${sshd.port}" ` +
        `username="${accounts[index]?.name ?? ''}"/>`,
    );
    const ssh = `<ssh privateKey="${key.privateKey}" runtime="bring"/>`;
    const site = await kind.site(t, `<collector every="1h"/>\n${ssh}\n${clients.join('\n')}`);
    assert.equal((await site.run('trust', '--yes')).status, 0);
    return { site, accounts };
  }

  const added = (): string => path.join(sshd.dir, 'runtimes');

  /**
   * Adds the node that runs the tests as a runtime. Compresses it once for all tests, by gzip alone: that is fastest.
   */
  async function addOwn(site: Site): Promise<void> {
    if (!existsSync(added())) await takeOwn(added());
    cpSync(added(), path.join(site.stateDir, 'runtimes'), { recursive: true });
  }

  async function takeOwn(dir: string): Promise<void> {
    assert.ok(ownTarget);
    const { PATH } = process.env;
    process.env['PATH'] = '/nowhere';
    const { signal } = new AbortController();
    const own = { target: ownTarget, origin: { kind: 'self' } } as const;
    const taking = takeRuntime({ dir, ...own, onChecked: () => undefined, nowMs: Date.now(), signal });
    await taking.finally(() => (process.env['PATH'] = PATH));
  }

  const visited = async (site: Site): Promise<unknown[]> => {
    const result = await site.run('--json', 'collect');
    type Visit = Readonly<Record<'client' | 'code' | 'reader' | 'message', string | null>>;
    const { visits } = JSON.parse(result.stdout) as { visits: Visit[] };
    visits.sort((a, b) => (String(a.client) < String(b.client) ? -1 : 1));
    return visits.map(({ code, reader, message }) => [code, reader, message]);
  };

  for (const kind of kinds) {
    test(`from nothing to one exec a visit (${kind.name})`, { skip: kind.skip, timeout: 180_000 }, async (t) => {
      const { site, accounts } = await fleet(t, kind);
      const none = `none was added for ${ownTarget?.name ?? ''} (fleet-health runtimes add ${ownTarget?.name ?? ''})`;
      assert.deepEqual(await visited(site), [
        [null, 'shell', `it has no Node.js of its own, and ${none}`],
        ['no-runtime', null, `refuse: no Node.js 18.15 or newer was found, and ${none}`],
      ]);

      await addOwn(site);
      const [allowed, refusing] = await visited(site);
      assert.deepEqual(refusing, [null, 'runtime', null]);
      const waits = /"shell","it has no Node.js of its own, and the one for .* is still to be uploaded"/;
      assert.match(JSON.stringify(allowed), waits);
      for (const { home } of accounts) {
        const [node = '', ...more] = namesBelow(home).filter((name) => /runtime-[0-9a-f]{16}\/./.test(name));
        assert.deepEqual(more, []);
        assert.equal(statSync(path.join(home, node)).mode & 0o777, 0o700);
      }

      const both = Array(2).fill([null, 'runtime', null]);
      assert.deepEqual(await visited(site), both);
      // The client that was read by the shell agent makes its inventory now.
      assert.deepEqual(await visited(site), both);
      const names = accounts.map(({ name }) => name);
      const commands = (): number =>
        names.reduce((sum, name) => sum + sshd.count(new RegExp(`Starting session: command for ${name} `, 'g')), 0);
      const beforeLast = commands();
      assert.deepEqual(await visited(site), both);
      assert.equal(commands() - beforeLast, 2);

      const readers = await site.rows('SELECT DISTINCT reader FROM clients');
      assert.deepEqual(pluck(readers, 'reader'), ['runtime']);
      assert.deepEqual(readdirSync(path.join(site.stateDir, 'runtimes', 'attempts')), []);
      assert.match((await site.run('status')).stdout, /runtime/);
      const inventory = await site.rows('SELECT client FROM inventory ORDER BY client');
      assert.deepEqual(pluck(inventory, 'client'), ['allow', 'refuse']);
    });
  }

  test('a key that is restricted once it was brought runs the agent by it', { timeout: 120_000 }, async (t) => {
    const [sqlite] = kinds;
    assert.ok(sqlite);
    const { site, ssh, account, lib } = await restrict(sshd, await sqlite.site(t, ''), {
      attributes: 'runtime="bring"',
      takesInventory: true,
      beforehand: async (there) => {
        await addOwn(there);
        assert.equal((await there.run('collect')).status, 0);
        assert.deepEqual(await visited(there), [[null, 'runtime', null]]);
        assert.match((await there.run('authorize', 'web-1')).stdout, /brought is found below ~\/\.local\/state/);
      },
    });
    assert.equal(readdirSync(lib).length, 2);
    for (let run = 1; run <= 2; run += 1) {
      const [[code, , message] = []] = (await visited(site)) as unknown[][];
      assert.deepEqual([code, message], [null, null]);
    }
    assert.equal((await site.rows('SELECT id FROM stats')).length, 4);
    assert.equal(ssh('id').status, 84);
    rmSync(path.join(account.home, '.local/state'), { recursive: true });
    const [[code, , message] = []] = (await visited(site)) as unknown[][];
    assert.equal(code, 'no-runtime');
    assert.match(String(message), /^web-1: the restricted key found no Node\.js/);
  });
});
