// Second tier: every attack through the whole program.
/**
 * Every row of "What one client can cause" (docs/security.md). Hostile clients, one attack each, visited beside ten
 * good clients, which lose nothing. Asserts counts and bytes, never times.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import type { AgentRequest } from '../../src/report/wire.ts';
import { readHeader } from '../../src/seal/sealed-message.ts';
import { startHostileServer } from '../support/hostile-server.ts';
import type { HostileMode } from '../support/hostile-ssh.ts';
import { sealedFor, startReportServer } from '../support/report-server.ts';
import { worker } from '../report/support/sample-report.ts';
import { alike, hostileAttacks } from './support/hostile-attacks.ts';
import { databaseKinds, type DatabaseKind, type Site } from './support/whole-fleet.ts';
import { isLong } from '../support/long-tests.ts';
import { namesBelow } from '../support/names-below.ts';

const account = { username: 'u', password: 'a secret word' };
const mib = 1024 * 1024;
/**
 * Returns the number of visits on a database. A second database has two: the later visit finds the earlier one's rows.
 */
const visitsOn = ({ name }: DatabaseKind): number => (name === 'sqlite' || isLong ? 3 : 2);
const good = Array.from({ length: 10 }, (_, number) => `good-${number}`);
/** Servers that never send a report, with the error code of their visits. */
const floods: Readonly<Partial<Record<HostileMode, RegExp>>> = {
  endless: /^agent-output$/,
  'endless-stderr': /^(agent-output|agent-timeout)$/,
  flood: /^(agent-output|connect-failed)$/,
  'endless-line': /^handshake-failed$/,
  'huge-packet': /^handshake-failed$/,
};

const elements = (clients: string): string => `<ssh username="u" password="${account.password}"/>
  <collector every="5m" agentTimeout="15s" clientDeadline="2m"/>
  <alerts zone="UTC" groupInterval="0s"><mail to="ops@example.org"/></alerts>
  ${clients}`;

type Station = Awaited<ReturnType<typeof station>>;

async function station(t: TestContext, kind: DatabaseKind) {
  const answered = new Map<string, number>();
  let foreignId = '';
  const attacks = hostileAttacks(() => foreignId);
  const visitOf = (request: AgentRequest): number => {
    const visit = answered.get(request.client) ?? 0;
    answered.set(request.client, visit + 1);
    return visit;
  };
  const goodReports = (request: AgentRequest): readonly Buffer[] => {
    const visit = visitOf(request);
    const used_percent = visit === 0 ? 50 : 99;
    const disk = { mount: '/', fstype: 'ext4', source: '/dev/vda1', scope: 'local', mode: 'rw', used_percent };
    const sealed = sealedFor(request, { worker_reports: [worker('disks', [{ name: 'disk', data: [disk] }])] });
    // The id of an earlier visit's report: nobody knows the id of a report that is under way.
    if (visit === 0) foreignId = readHeader(sealed).reportId;
    return [sealed];
  };
  const hostile = await startReportServer({
    ...account,
    reports: (request) => attacks[request.client]?.reports?.(request, visitOf(request)) ?? [],
    hello: ({ client }) => attacks[client]?.hello?.(answered.get(client) ?? 0) ?? {},
    bytes: ({ client }) => attacks[client]?.bytes?.() ?? Buffer.alloc(0),
  });
  t.after(() => hostile.close());
  const healthy = await startReportServer({ ...account, reports: goodReports });
  t.after(() => healthy.close());
  const clients = good.map((name) => ({ name, server: healthy }));
  clients.push(...Object.keys(attacks).map((name) => ({ name, server: hostile })));
  for (const mode of Object.keys(floods) as HostileMode[]) {
    const server = await startHostileServer(mode);
    t.after(() => server.close());
    const hostKeyLine = (address: string): string => server.hostKeyLine(address);
    clients.push({ name: mode, server: { ...healthy, port: server.port, hostKeyLine } });
  }
  const addressOf = (index: number): string => `127.4.0.${index + 1}`;
  const elementOf = ({ name, server }: (typeof clients)[number], at: number): string =>
    `<client name="${name}" ip="${addressOf(at)}" port="${server.port}"/>`;
  const site = await kind.site(t, elements(clients.map(elementOf).join('\n')));
  await site.inventoried(...clients.map(({ name }) => name));
  mkdirSync(site.stateDir, { recursive: true, mode: 0o700 });
  const lines = clients.map(({ server }, at) => server.hostKeyLine(addressOf(at)));
  writeFileSync(path.join(site.stateDir, 'known_hosts'), `${lines.join('\n')}\n`);
  return { site, attacks };
}

async function count(site: Site, sql: string): Promise<number> {
  return Number(Object.values((await site.rows(sql))[0] ?? {})[0]);
}

async function strings(site: Site, sql: string): Promise<readonly string[]> {
  return (await site.rows(sql)).map((row) => Object.values(row).map(String).join(' '));
}

/** Checks that each good client has a row of each visit. From the second visit on its alert fires and is notified. */
async function goodOnesLoseNothing({ site }: Station, visit: number, mails: readonly string[]): Promise<void> {
  const ofGood = "client LIKE 'good-%'";
  const failed = await site.rows(`SELECT client, code, message FROM visits WHERE ${ofGood} AND code IS NOT NULL`);
  assert.deepEqual(failed, [], `after visit ${visit}`);
  const countSql = `SELECT client, COUNT(*) AS n FROM stats WHERE ${ofGood} GROUP BY client ORDER BY client`;
  const expected = good.map((name) => `${name} ${visit + 1}`);
  assert.deepEqual(await strings(site, countSql), expected, `rows after visit ${visit}`);
  const firing = `${ofGood} AND rule = 'disk' AND state = 'firing'`;
  const open = await strings(site, `SELECT client FROM alerts WHERE ${firing} ORDER BY client`);
  assert.deepEqual(open, visit === 0 ? [] : good, `open alerts after visit ${visit}`);
  for (const name of visit >= 1 ? good : []) {
    const isNotified = mails.some((mail) => mail.includes(name));
    assert.ok(isNotified, `${name} is in no mail after visit ${visit}`);
  }
}

/** Checks that rows and bytes per client and hour, quarantine, spool and alerts are within the table's bounds. */
async function boundsHold({ site }: Station, visit: number): Promise<void> {
  const hour = (table: string): string => `SUBSTR(CAST(${table}.observed_at AS CHAR(30)), 1, 13)`;
  for (const [table, most] of [
    ['stats', 2 * 20_000],
    ['disk_stats', 20_000 + 500 * (visit + 1)],
    ['network_stats', 20_000 + 500 * (visit + 1)],
    ['check_stats', 20_000 + 500 * (visit + 1)],
    ['log_lines', 20_000 + 500 * (visit + 1)],
    ['inventory_reports', 20_000],
  ] as const) {
    const rows = await site.rows(`SELECT client, ${hour(table)} AS h, COUNT(*) AS n FROM ${table} GROUP BY client, h`);
    for (const row of rows) assert.ok(Number(row['n']) <= most, `${table}: ${JSON.stringify(row)}`);
  }
  const texts = await site.rows(
    `SELECT client, ${hour('stats')} AS h, SUM(LENGTH(report)) ` +
      'AS n FROM stats JOIN reports ON stat_id = id GROUP BY client, h',
  );
  for (const row of texts) assert.ok(Number(row['n']) <= 16 * mib + 65_536 * (visit + 1), JSON.stringify(row));
  assert.ok((await count(site, 'SELECT COUNT(*) FROM inventory')) <= 12);
  assert.ok((await count(site, 'SELECT MAX(LENGTH(facts)) FROM inventory')) <= mib);
  assert.ok((await count(site, 'SELECT MAX(LENGTH(state)) FROM rule_state')) <= 65_536, 'what the alerter remembers');
  const ever = await site.rows('SELECT client, rule, COUNT(*) AS n FROM alerts GROUP BY client, rule');
  for (const row of ever) assert.ok(Number(row['n']) <= 51 * (visit + 2), JSON.stringify(row));
  const openSql = "SELECT client, rule, COUNT(*) AS n FROM alerts WHERE state <> 'resolved' GROUP BY client, rule";
  const alerts = await site.rows(openSql);
  for (const row of alerts) assert.ok(Number(row['n']) <= 51, JSON.stringify(row));
  const sealed = path.join(site.stateDir, 'encrypted_stats');
  for (const client of readdirSync(sealed)) {
    const own = namesBelow(path.join(sealed, client));
    const isRefused = own.every((name) => name.startsWith('quarantine'));
    assert.ok(isRefused, `${client}: ${own.join(', ')} wait`);
    const files = own.filter((name) => name.endsWith('.fhs'));
    const bytes = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + statSync(path.join(sealed, client, name)).size, 0);
    assert.ok(files.length <= 20 && bytes(files) <= 4 * mib, `${client}: ${files.length} files, ${bytes(files)} bytes`);
    assert.ok(bytes(own.filter((name) => name.endsWith('.jsonl'))) <= 2 * 65_536 + 2048);
  }
}

async function attacksEndAsTheTableSays({ site, attacks }: Station, visits: number): Promise<void> {
  const codes = new Map<string, Set<string>>();
  for (const row of await site.rows('SELECT client, code FROM visits')) {
    const own = codes.get(String(row['client'])) ?? new Set();
    codes.set(String(row['client']), own.add(typeof row['code'] === 'string' ? row['code'] : 'good'));
  }
  const counts = await site.rows('SELECT client, COUNT(*) AS n FROM stats GROUP BY client');
  const stats = new Map(counts.map((row) => [row['client'], Number(row['n'])]));
  const found = Object.entries(attacks).map(([client, attack]) => {
    const place = path.join(site.stateDir, 'encrypted_stats', client, 'quarantine');
    const reasons = new Set<string>();
    try {
      for (const name of readdirSync(place).filter((one) => one.endsWith('.json')))
        reasons.add((JSON.parse(readFileSync(path.join(place, name), 'utf8')) as { code: string }).code);
    } catch {
      // No report was refused.
    }
    const rows = stats.get(client) ?? 0;
    const [least, most] = [attack.stats(visits)].flat();
    const asSaid = rows >= (least ?? 0) && rows <= (most ?? least ?? 0) ? 'as said' : `${rows} rows`;
    return [client, [...(codes.get(client) ?? [])].join(), [...reasons].join(), asSaid];
  });
  const expected = Object.entries(attacks).map(([client, { visit, quarantine }]) => {
    return [client, visit ?? 'good', quarantine ?? '', 'as said'];
  });
  assert.deepEqual(found, expected);
  for (const [mode, code] of Object.entries(floods)) assert.match([...(codes.get(mode) ?? [])].join(), code, mode);
}

/** Asserts that the output of a run, which cron mails, does not grow with what one client sends. */
function assertFewLines(output: string): void {
  const lines = new Map<string, number>();
  for (const line of output.split('\n')) {
    const client = /\b(?:client=|message=")([a-z0-9-]+)/.exec(line)?.[1] ?? '';
    lines.set(client, (lines.get(client) ?? 0) + 1);
  }
  for (const [client, count] of lines) assert.ok(count <= 25, `${count} lines about ${client}`);
  assert.ok(lines.size > 10, output);
}

suite('hostile clients beside ten good ones', () => {
  for (const kind of databaseKinds()) {
    test(`lose the good ones nothing and stay within their bounds (${kind.name})`, { skip: kind.skip }, async (t) => {
      const made = await station(t, kind);
      const { site } = made;
      const visits = visitsOn(kind);
      const outbox = path.join(site.stateDir, 'outbox');
      for (let visit = 0; visit < visits; visit++) {
        const collected = await site.run('collect');
        assert.equal(collected.status, 1, collected.stderr.slice(-2000));
        assertFewLines(collected.stderr);
        const alerted = await site.run('alert');
        assert.equal(alerted.status, 0, alerted.stderr.slice(-2000));
        const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
        await goodOnesLoseNothing(made, visit, mails);
        await boundsHold(made, visit);
        assert.ok(mails.length <= visit + 1, `${mails.length} mails after visit ${visit}`);
        t.diagnostic(`visit ${visit}: ${mails.length} mails`);
      }
      await attacksEndAsTheTableSays(made, visits);
      const names = await strings(site, "SELECT mount FROM disk_stats WHERE client = 'names-alike'");
      assert.equal(new Set(names).size, alike.length, 'names that look alike are each their own');
      const open = "SELECT COUNT(*) FROM alerts WHERE client = 'names-alike' AND rule = 'disk' AND state = 'firing'";
      assert.equal(await count(site, open), alike.length, 'and have alerts of their own');
    });
  }
});
