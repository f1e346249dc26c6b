/** Clients behind bastions, read by the program: with the built-in transport's shared login, and with OpenSSH. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { isWide } from '../support/long-tests.ts';
import { startSshd, sshdMissing, sshKeygen, type Sshd } from '../support/ssh/sshd.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';
import { pluck } from '../support/pluck.ts';

suite('clients behind bastions, through the whole program', { skip: sshdMissing() ?? false }, () => {
  let fra: Sshd;
  let ber: Sshd;
  let inner: Sshd;
  let key: { readonly privateKey: string; readonly publicKey: string };
  let bastions: string;
  const kinds = databaseKinds();
  before(async () => {
    [fra, ber, inner] = await Promise.all([startSshd(), startSshd(), startSshd()]);
    key = sshKeygen(path.join(inner.dir, 'client'), '-t', 'ed25519');
    const elements = [fra, ber].map(async (sshd, index) => {
      const own = sshKeygen(path.join(sshd.dir, 'jump'), '-t', 'ed25519');
      const { name } = await sshd.addAccount({ publicKey: own.publicKey });
      const more = index === 0 ? '' : ' proxyJump="fra"';
      const called = index === 0 ? 'fra' : 'ber';
      return (
        `<bastion name="${called}" ip="127.0.0.1" port="${sshd.port}" username="${name}" ` +
        `privateKey="${own.privateKey}"${more}/>`
      );
    });
    bastions = (await Promise.all(elements)).join('\n');
  });
  after(async () => {
    await Promise.all([fra.stop(), ber.stop(), inner.stop()]);
  });

  let clients = 0;
  /** Returns a client with an address of its own: two clients with one address would be one machine. */
  const client = async (name: string, more: string): Promise<string> => {
    const ip = `127.0.0.${(clients += 1)}`;
    const account = await inner.addAccount({ publicKey: key.publicKey });
    return (
      `<client name="${name}" ip="${ip}" port="${inner.port}" username="${account.name}" ` +
      `privateKey="${key.privateKey}" ${more}/>`
    );
  };
  const visits = async (site: Site): Promise<Map<string, { code: string | null; message: string | null }>> => {
    const { stdout, stderr } = await site.run('--json', 'collect');
    assert.notEqual(stdout, '', stderr);
    const notified = JSON.parse(stdout) as {
      visits: { client: string; code: string | null; message: string | null }[];
    };
    return new Map(notified.visits.map((visit) => [visit.client, visit]));
  };

  for (const kind of kinds) {
    test(`are read and stored like any other (${kind.name})`, { skip: kind.skip }, async (t) => {
      const behind = await Promise.all([
        ...['pool-1', 'pool-2'].map((name) => client(name, 'proxyJump="fra"')),
        client('own', 'proxyJump="fra" transport="openssh" config="none"'),
        client('far', 'proxyJump="ber" transport="openssh" config="none"'),
      ]);
      // The state takes the way of the inventory.
      const changes = isWide ? 'yes' : 'no';
      const site = await kind.site(
        t,
        `<collector every="1h" changes="${changes}"/>\n${bastions}\n${behind.join('\n')}`,
      );
      const trusted = await site.run('trust', '--yes');
      assert.equal(trusted.status, 0, trusted.stderr);
      // The inventory of one client behind each kind of login is enough to see that it takes the same way.
      const known = isWide ? [] : ['pool-2', 'far'];
      await site.inventoried(...known);
      const logins = fra.count(/Accepted publickey for/g);
      const notified = await visits(site);
      const outcomes = [...notified].map(([name, { code, message }]) => [name, code ?? message]).sort();
      assert.deepEqual(
        outcomes,
        ['far', 'own', 'pool-1', 'pool-2'].map((name) => [name, null]),
      );
      // Both pool clients share a login. Each of the others has its own, and one for what follows the figures.
      const own = ['own', 'far'].flatMap((name) => (known.includes(name) ? [name] : [name, name]));
      assert.equal(fra.count(/Accepted publickey for/g), logins + 1 + own.length);
      const inventories = await site.rows('SELECT client FROM inventory ORDER BY client');
      assert.deepEqual(pluck(inventories, 'client'), isWide ? ['far', 'own', 'pool-1', 'pool-2'] : ['own', 'pool-1']);
      const rows = await site.rows('SELECT client, processes FROM stats ORDER BY client');
      assert.deepEqual(pluck(rows, 'client'), ['far', 'own', 'pool-1', 'pool-2']);
      for (const row of rows) assert.ok(Number(row['processes']) > 0);
    });
  }
});
