// Second tier: makes network namespaces.
/** The line below `unreachable` that says what the machines beside it see. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { after, afterEach, suite, test } from 'node:test';

import { until } from '../support/until.ts';
import { everyNode } from '../support/programs/every-node.ts';
import { sshdMissing, sshKeygen } from '../support/ssh/sshd.ts';
import { type Family, filterMissing, type Lan, type LanMachine, makeLan, namespacesMissing } from './support/lan.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

const skip = sshdMissing() ?? namespacesMissing() ?? false;
const here = hostname();

/** Returns the family of a site's addresses: one for each kind of database, as neither knows of the other. */
function familyOf({ name }: ReturnType<typeof databaseKinds>[number]): Family {
  return name === 'sqlite' ? 'IPv6' : 'IPv4';
}

/** Runs the program. It may find that a client is lost. */
async function run(site: Site, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await site.run(...args);
  assert.ok([0, 1].includes(status ?? 3), `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Makes a run and a pass. Returns the sentence about a client; null if there is none. */
async function sentence(site: Site, about = 'db-1'): Promise<string | null> {
  for (const command of ['collect', 'alert']) await run(site, '--quiet', command);
  const { alerts } = JSON.parse(await run(site, '--json', 'alerts')) as {
    alerts: { rule: string; client: string; beside: { text: string | null } | null }[];
  };
  return alerts.find(({ rule, client }) => rule === 'unreachable' && client === about)?.beside?.text ?? null;
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
        ['down', `db-2 and db-3 get no answer from it either (a firewall between it and them would look the same).`],
        [
          'cut',
          `db-2 and db-3 reach its port ${port}: the way from ${here} to it is broken, or it drops what comes from ${here}.`,
        ],
        ['down', 'db-2 and db-3 get no answer from it either.'],
        ['dead', 'db-2 and db-3 are refused: the machine is up, its sshd is not, or its firewall refuses all.'],
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

/** A state of the machines and of what is between them, with the sentence of a mail about it. */
interface Situation {
  readonly what: string;
  /** True if the two that are asked are of another subnet. Default: they are of the client's. */
  readonly isFar?: true;
  readonly begin: readonly Step[];
  readonly says: string;
}

interface Machines {
  readonly lost: LanMachine;
  readonly asked: readonly LanMachine[];
  /** The client's address and port in the words of nftables. */
  readonly at: string;
}

type Step = (lan: Lan, machines: Machines) => void | Promise<void>;

const reset = 'reject with tcp reset';
const addressesOf = ({ asked }: Machines): string => asked.map(({ addresses }) => addresses.IPv4).join(', ');
const chainOf = (hook: string, rule: string): string => `chain c { type filter hook ${hook} priority 0; ${rule}; }`;

const off: Step = (lan, { lost }) => lan.power(lost, 'down');
/** Lets the router treat so what comes from the collector, or from the other subnet, or all. */
const onRouter =
  (verdict: string, from: 'up0' | 'lan' | null = null): Step =>
  (lan, { at }) =>
    lan.filter('router', chainOf('forward', `${from === null ? '' : `iifname "${from}" `}${at} ${verdict}`));
const cut = onRouter('drop', 'up0');
/** Lets the client treat so what comes from those that this matches. */
const onClient =
  (verdict: string, from: (machines: Machines) => string = () => ''): Step =>
  (lan, all) =>
    lan.filter(all.lost, chainOf('input', `${from(all)} ${all.at} ${verdict}`));
const fromThem = (all: Machines): string => `ip saddr { ${addressesOf(all)} }`;
const fromOthers = (all: Machines): string => `ip saddr != { ${addressesOf(all)} }`;
const notFromFirst = ({ asked: [first] }: Machines): string => `ip saddr != ${first?.addresses.IPv4}`;
/** Lets the others treat so what they send to the client. */
const onOthers =
  (verdict: string): Step =>
  (lan, { asked, at }) => {
    for (const one of asked) lan.filter(one, chainOf('output', `${at} ${verdict}`));
  };
/** Redirects on the others what they send to the client, to a port of their own. */
const redirected =
  (portOf: (machine: LanMachine) => number): Step =>
  (lan, { asked, at }) => {
    for (const one of asked)
      lan.filter(one, `chain n { type nat hook output priority -100; ${at} redirect to :${portOf(one)}; }`);
  };
const proxyPort = 1919;
const proxies: Step = async (lan, { asked }) => {
  for (const one of asked) await lan.mute(one, proxyPort);
};

const bothWays = `the way from ${here} to it is broken, or it drops what comes from ${here}`;
const notUp = 'the machine is up, its sshd is not';
const refused = `from beside it: db-2 and db-3 are refused: ${notUp}, or a firewall refuses them.`;
const farRefused =
  `of it from other networks: web-1 and web-2 are refused: ${notUp}, or a firewall or a ` +
  'router before it refuses them.';
const noAnswer =
  'from beside it: db-2 and db-3 get no answer from it either (a firewall between it and them would look the same).';
const situations: readonly Situation[] = [
  {
    what: 'its firewall resets all but the collector, and the way from the collector is cut',
    begin: [cut, onClient(reset, fromThem)],
    says: refused,
  },
  {
    what: 'the same by a port that is unreachable',
    begin: [cut, onClient('reject with icmp port-unreachable', fromThem)],
    says: refused,
  },
  {
    what: 'the same by a host that is prohibited, as firewalld does it',
    begin: [cut, onClient('reject with icmp admin-prohibited', fromThem)],
    says: noAnswer,
  },
  {
    what: 'its firewall refuses all that connect, its sshd is well',
    begin: [onClient(reset)],
    says: `from beside it: db-2 and db-3 are refused: ${notUp}, or its firewall refuses all.`,
  },
  { what: 'it is off, and the others may not connect to such a port', begin: [off, onOthers(reset)], says: refused },
  {
    what: 'the way from the collector is cut, and what the others send to such a port is dropped',
    begin: [cut, onOthers('drop')],
    says: noAnswer,
  },
  {
    what: 'its firewall drops all but the collector, and the way from the collector is cut',
    begin: [cut, onClient('drop', fromThem)],
    says: noAnswer,
  },
  {
    what: 'its firewall drops the collector alone',
    begin: [onClient('drop', fromOthers)],
    says: `from beside it: db-2 and db-3 reach its port PORT: ${bothWays}.`,
  },
  {
    what: 'its firewall lets one in alone',
    begin: [onClient('drop', notFromFirst)],
    says: 'from beside it: db-2 reaches it, db-3 gets no answer.',
  },
  {
    what: 'a router before it refuses the collector alone',
    begin: [onRouter(reset, 'up0')],
    says: `from beside it: db-2 and db-3 reach its port PORT: it or a firewall refuses ${here}.`,
  },
  {
    what: 'it is off, and proxies on the others accept for it',
    begin: [off, proxies, redirected(() => proxyPort)],
    says:
      'from beside it: db-2 and db-3 are connected and not greeted by an SSH server: its sshd hangs or is not up, or ' +
      'something else answers them.',
  },
  {
    what: 'it is off, and a router between it and the others refuses them',
    isFar: true,
    begin: [off, onRouter(reset, 'lan')],
    says: farRefused,
  },
  {
    what: 'a router refuses the collector and the others, and it is off',
    isFar: true,
    begin: [off, onRouter(reset)],
    says: farRefused,
  },
  {
    what: 'the line to its network is broken, the machine is up',
    isFar: true,
    begin: [onRouter('drop')],
    says:
      'of it from other networks: web-1 and web-2 get no answer from it either (a firewall between it and them or a ' +
      'broken line to its network would look the same).',
  },
  {
    what: 'it is off, and its address is another machine where the others are',
    isFar: true,
    begin: [off, redirected(({ sshd }) => sshd.port)],
    says:
      `of it from other networks: web-1 and web-2 reach its port PORT: ${bothWays}, ` +
      'or its address is another machine there.',
  },
];

suite(
  'what else looks like a lost machine, with real firewalls',
  { skip: skip || (filterMissing() ?? false) },
  async () => {
    const lan = await makeLan({ 'db-1': {}, 'db-2': {}, 'db-3': {}, 'web-1': {}, 'web-2': {} }, ['web-1', 'web-2']);
    after(() => lan.remove());
    afterEach(() => lan.mend());
    const { privateKey, publicKey } = sshKeygen(path.join(lan.machines[0]?.sshd.dir ?? '', 'user'), '-t', 'ed25519');
    const accounts = await Promise.all(lan.machines.map(async ({ sshd }) => await sshd.addAccount({ publicKey })));
    const [kind] = databaseKinds(false);
    const siteOf = async (
      t: Parameters<NonNullable<typeof kind>['site']>[0],
      names: readonly string[],
      more = '',
    ): Promise<Site> => {
      const clients = lan.machines.flatMap(({ name, addresses, sshd }, at) =>
        names.includes(name)
          ? `<client name="${name}" ip="${addresses.IPv4}" port="${sshd.port}" username="${accounts[at]?.name}"/>`
          : [],
      );
      const site = await (kind ?? assert.fail('no database')).site(
        t,
        `<ssh privateKey="${privateKey}"/><alerts mail="ops@example.org" flapping="no"><alert name="unreachable" for="1x"/></alerts>
       <collector neighbours="yes" changes="no" tcpTimeout="2s"/><group name="all">${clients.join('')}</group>${more}`,
      );
      await site.inventoried(...names);
      const trusted = await site.run('trust', '--yes', ...names);
      assert.equal(trusted.status, 0, trusted.stdout + trusted.stderr);
      // The first pass begins nothing.
      for (const command of ['collect', 'alert']) await run(site, '--quiet', command);
      return site;
    };
    const machine = (name: string): LanMachine =>
      lan.machines.find((one) => one.name === name) ?? assert.fail('no such machine');
    const lost = machine('db-1');
    const at = `ip daddr ${lost.addresses.IPv4} tcp dport ${lost.sshd.port}`;

    for (const { what, isFar = false, begin, says } of situations) {
      test(what, async (t) => {
        const names = isFar ? ['web-1', 'web-2'] : ['db-2', 'db-3'];
        // A site of its own: what was reached in an earlier look says more.
        const site = await siteOf(t, ['db-1', ...names]);
        for (const step of begin) await step(lan, { lost, asked: names.map(machine), at });
        assert.equal(await sentence(site), `Seen ${says.replace('PORT', String(lost.sshd.port))}`);
      });
    }

    test('a machine that is back when the others are asked has no line, nor has the end of a tunnel', async (t) => {
      const tunnel = '<client name="tun-1" ip="127.0.0.9" port="9" username="u"/>';
      const site = await siteOf(t, ['db-1', 'db-2', 'db-3'], tunnel);
      lan.power(lost, 'down');
      const asked = machine('db-2').sshd;
      const before = asked.count(/Accepted publickey/g);
      // The second login of the run is that of the look.
      const isBack = until(() => asked.count(/Accepted publickey/g) >= before + 2, 'nobody was asked').then(() =>
        lan.power(lost, 'up'),
      );
      assert.equal(await sentence(site), null);
      await isBack;
      const why = await run(site, 'explain', 'db-1', 'unreachable');
      assert.match(why.replace(/\s+/g, ' '), /it answered the collector again in the same run, when they were asked/);
      assert.match(
        (await run(site, 'explain', 'tun-1', 'unreachable')).replace(/\s+/g, ' '),
        /the end of a tunnel here/,
      );
    });
  },
);
