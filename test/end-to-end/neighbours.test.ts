// Second tier: makes network namespaces.
/** The line below `unreachable` that says what the machines beside it see. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { everyNode } from '../support/programs/every-node.ts';
import { sshdMissing, sshKeygen } from '../support/ssh/sshd.ts';
import { type Family, type LanMachine, makeLan, namespacesMissing } from './support/lan.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

const skip = sshdMissing() ?? namespacesMissing() ?? false;
const here = hostname();

/** Returns the family of a site's addresses: one for each kind of database, as neither knows of the other. */
function familyOf({ name }: ReturnType<typeof databaseKinds>[number]): Family {
  return name === 'sqlite' ? 'IPv6' : 'IPv4';
}

suite('a look from beside, with real networks', { skip }, async () => {
  // A look takes node, then bash, then BusyBox.
  const withoutNode = { hidden: [...everyNode, '/usr/bin/bash', '/bin/bash'] };
  const lan = await makeLan({ 'db-1': {}, 'db-2': {}, 'db-3': withoutNode });
  after(() => lan.remove());
  const { privateKey, publicKey } = sshKeygen(path.join(lan.machines[0]?.sshd.dir ?? '', 'user'), '-t', 'ed25519');
  const accounts = await Promise.all(lan.machines.map(async ({ sshd }) => await sshd.addAccount({ publicKey })));
  const clients = (family: Family): readonly string[] =>
    lan.machines.map(({ name, addresses, sshd }, at) => {
      const account = accounts[at]?.name;
      return `<client name="${name}" ip="${addresses[family]}" port="${sshd.port}" username="${account}"/>`;
    });

  const machine = (at: number): LanMachine => lan.machines[at] ?? assert.fail('no such machine');
  const run = async (site: Site, ...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await site.run(...args);
    assert.ok([0, 1].includes(status ?? 3), `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** Makes a run and a pass. Returns the sentence about db-1. */
  const sentence = async (site: Site): Promise<string | null> => {
    for (const command of ['collect', 'alert']) await run(site, '--quiet', command);
    const { alerts } = JSON.parse(await run(site, '--json', 'alerts')) as {
      alerts: { rule: string; client: string; beside: { text: string | null } | null }[];
    };
    return alerts.find(({ rule, client }) => rule === 'unreachable' && client === 'db-1')?.beside?.text ?? null;
  };
  const siteWith = async (kind: ReturnType<typeof databaseKinds>[number], scope: Parameters<typeof kind.site>[0]) => {
    const site = await kind.site(
      scope,
      `<ssh privateKey="${privateKey}"/><alerts mail="ops@example.org" flapping="no"><alert name="unreachable" for="1x"/></alerts>
       <collector neighbours="yes" changes="no" tcpTimeout="2s"/>${clients(familyOf(kind)).join('')}`,
    );
    await site.inventoried('db-1', 'db-2', 'db-3');
    const trusted = await site.run('trust', '--yes');
    assert.equal(trusted.status, 0, trusted.stdout + trusted.stderr);
    // The first pass begins nothing.
    for (const command of ['collect', 'alert']) await run(site, '--quiet', command);
    return site;
  };

  for (const kind of databaseKinds()) {
    test(`says which of the ways is broken (${kind.name}, ${familyOf(kind)})`, { skip: kind.skip }, async (t) => {
      const site = await siteWith(kind, t);
      const port = machine(0).sshd.port;
      const steps = [
        [
          'down',
          `db-2 and db-3 get no answer from it either (a firewall that lets only ${here} in would look the same).`,
        ],
        [
          'cut',
          `db-2 and db-3 reach its port ${port}: the way from ${here} to it is broken, or it drops what comes from ${here}.`,
        ],
        ['down', 'db-2 and db-3 get no answer from it either.'],
        ['dead', 'db-2 and db-3 are refused: the machine is up, its sshd is not.'],
        ['half', 'db-2 reaches it, db-3 gets no answer.'],
      ] as const;
      const [one, other] = [machine(0), machine(2)];
      /** Breaks something, or mends it. */
      const change: Readonly<Record<(typeof steps)[number][0], (isMended: boolean) => unknown>> = {
        down: (isMended) => lan.power(one, isMended ? 'up' : 'down'),
        cut: (isMended) => lan.wayTo(one, isMended ? 'del' : 'add'),
        dead: (isMended) => (isMended ? one.sshd.restart() : one.sshd.kill()),
        half: (isMended) => {
          lan.wayTo(one, isMended ? 'del' : 'add');
          lan.deaf(one, isMended ? 'del' : 'add', other);
        },
      };
      for (const [how, expected] of steps) {
        await change[how](false);
        assert.equal(await sentence(site), `Seen from beside it: ${expected}`, how);
        await change[how](true);
        assert.equal(await sentence(site), null);
      }
      const outbox = path.join(site.stateDir, 'outbox');
      const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
      assert.equal(mails.filter((mail) => mail.includes('Seen from beside it: db-2 and db-3')).length, 4);
    });
  }
});
