// Second tier: makes network namespaces.
/** A bastion whose name server does not answer, with clients by address and by name behind it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { patience } from '../calendar/support/calendar.ts';
import { makeNetwork, namespacesMissing } from '../support/bastion-network.ts';
import { sshdMissing, sshKeygen, startSshd } from '../support/ssh/sshd.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { times } from '../support/times.ts';
import { databaseKinds } from './support/whole-fleet.ts';

const skip = sshdMissing() ?? namespacesMissing() ?? false;
const nameServer = '192.0.2.53';

/** Starts a bastion that finds names in a file, and asks a name server that does not answer for all others. */
async function startBehind(t: TestContext, names: readonly string[]) {
  const network = makeNetwork();
  t.after(() => network.remove());
  const { bastion, inner } = network;
  const ip = (...words: readonly string[]): void => void execFileSync('ip', ['-n', bastion.namespace, ...words]);
  const device = execFileSync('ip', ['-n', bastion.namespace, '-o', 'route', 'get', inner.address], {
    encoding: 'utf8',
  });
  const [, dev = ''] = / dev (\S+)/.exec(device) ?? [];
  ip('route', 'add', nameServer, 'dev', dev);
  ip('neigh', 'add', nameServer, 'lladdr', '02:00:00:00:00:01', 'dev', dev);
  const dir = tempFolder(t);
  const replaced = { '/etc/resolv.conf': path.join(dir, 'resolv.conf'), '/etc/hosts': path.join(dir, 'hosts') };
  writeFileSync(replaced['/etc/resolv.conf'], `nameserver ${nameServer}\n`);
  writeFileSync(replaced['/etc/hosts'], '');
  const [jump, target] = await Promise.all([
    startSshd({ namespace: bastion.namespace, replaced }),
    startSshd({ namespace: inner.namespace }),
  ]);
  t.after(() => Promise.all([jump.stop(), target.stop()]));
  const [own, key] = ['jump', 'client'].map((name) => sshKeygen(path.join(dir, name), '-t', 'ed25519'));
  assert.ok(own && key);
  const { name } = await jump.addAccount({ publicKey: own.publicKey });
  const login = `port="${jump.port}" username="${name}" privateKey="${own.privateKey}"`;
  const client = async (called: string, host: string): Promise<string> => {
    const account = await target.addAccount({ publicKey: key.publicKey });
    const words = `port="${target.port}" username="${account.name}" privateKey="${key.privateKey}" proxyJump="fra"`;
    return `<client name="${called}" ip="${host}" ${words}/>`;
  };
  const known = (all: readonly string[]): void =>
    writeFileSync(replaced['/etc/hosts'], all.map((one) => `${inner.address} ${one}\n`).join(''));
  known(names);
  return { known, element: `<bastion name="fra" ip="${bastion.address}" ${login}/>`, client, address: inner.address };
}

test(
  'names that a bastion cannot resolve cost themselves alone, at each visit',
  { skip, timeout: 300_000 },
  async (t) => {
    const names = ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => `${name}.example`);
    const { element, client, address } = await startBehind(t, names);
    const good = await Promise.all([...names, address].map((host) => client(host.split('.example')[0] ?? '', host)));
    const dead = await Promise.all(['d1', 'd2', 'd3'].map((name) => client(name, `${name}.example`)));
    const [kind] = databaseKinds(false);
    assert.ok(kind);
    const site = await kind.site(t, `<collector every="1h" changes="no" ${patience}/>${element}${good.join('\n')}`);
    assert.equal((await site.run('trust', '--yes')).status, 0);
    const file = path.join(site.dir, 'config.xml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('</config>', `${dead.join('\n')}</config>`));
    for (const within of ['5000 ms', '3000 ms']) {
      const { stdout } = await site.run('--json', 'collect');
      const { visits } = JSON.parse(stdout) as { visits: { client: string; ok: boolean; message: string | null }[] };
      // Names that did not resolve before have two logins: the third one may wait behind another.
      const behind =
        /^no answer from (\S+) port \d+ through bastion fra within (\d+ ms), in which it did not resolve d\d\.example$/;
      const said = visits
        .map(({ message, ...visit }) => ({ ...visit, message: String(message) }))
        .map(({ message, ...visit }) => ({
          ...visit,
          message: message.replace(behind, 'bastion fra did not resolve $1 within $2'),
        }))
        .map((visit) => `${visit.client}: ${visit.ok ? 'good' : visit.message}`);
      const expected = [
        ...[address, 'n1', 'n2', 'n3', 'n4', 'n5'].map((name) => `${name}: good`),
        ...['d1', 'd2', 'd3'].map((name) => `${name}: bastion fra did not resolve ${name}.example within ${within}`),
      ];
      assert.deepEqual(said.sort(), expected.sort());
    }
  },
);

test(
  'a name that resolves in every second run costs no other name its visit',
  { skip, timeout: 300_000 },
  async (t) => {
    const names = times(20, (number) => `n${number}.example`);
    const { known, element, client } = await startBehind(t, names);
    const good = await Promise.all(names.map((host) => client(host.split('.')[0] ?? '', host)));
    const [kind] = databaseKinds(false);
    assert.ok(kind);
    const clients = [...good, await client('flap', 'flap.example')].join('\n');
    const site = await kind.site(t, `<collector every="1h" changes="no" ${patience}/>${element}${clients}`);
    known([...names, 'flap.example']);
    assert.equal((await site.run('trust', '--yes')).status, 0);
    for (const isAnswered of [false, true, false, true, false]) {
      known([...names, ...(isAnswered ? ['flap.example'] : [])]);
      const { stdout } = await site.run('--json', 'collect');
      const { visits } = JSON.parse(stdout) as { visits: { client: string; ok: boolean; message: string | null }[] };
      const failed = visits.filter(({ ok }) => !ok).map((visit) => visit.client);
      assert.equal(visits.length, 21);
      assert.deepEqual(failed, isAnswered ? [] : ['flap'], visits.map(({ message }) => message).join('\n'));
    }
  },
);
