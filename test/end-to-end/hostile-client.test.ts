// Second tier: every attack through the whole program.
/**
 * Hostile clients, one attack each, visited beside ten good clients, which lose nothing. Each attack would cost the
 * others or the alerter something; those that harm their own reports alone are in the tables of ingest.test.ts and
 * agent-stream-hostile.test.ts. Asserts counts and bytes, never times.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { deflateRawSync } from 'node:zlib';

import type { FunctionReport, Report, Row } from '../../src/report/report.ts';
import type { AgentRequest, Hello } from '../../src/report/wire.ts';
import { generateEphemeral } from '../../src/report/seal/hpke.ts';
import { sealCompressed } from '../../src/report/seal/seal.ts';
import { sealedFor, startReportServer } from '../support/fleets/report-server.ts';
import { sampleReport, worker } from '../report/support/sample-report.ts';
import { times } from '../support/times.ts';
import { runBuilt } from '../support/programs/run-cli.ts';
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
const elements = (clients: string): string => `<ssh username="u" password="${account.password}"/>
  <collector every="5m" agentTimeout="15s" clientDeadline="2m"/>
  <alerts zone="UTC" groupInterval="0s"><mail to="ops@example.org"/></alerts>
  ${clients}`;

interface Attack {
  /** Returns the reports of a visit. `visit` counts from 0. */
  readonly reports: (request: AgentRequest, visit: number) => readonly Buffer[];
  readonly hello?: (visit: number) => Partial<Hello>;
  /** The code with which its reports are refused; null if none is. */
  readonly quarantine: string | null;
  /** Returns the least and the greatest number of rows of `stats` after this many visits. */
  readonly stats: (visits: number) => readonly [least: number, most: number];
}

type Content = Partial<Omit<Report, 'worker_reports'>> & { readonly families: readonly FunctionReport[] };

/** Returns a report as no encoder would write it: without limits and checks. */
function sealed({ client, run, key }: AgentRequest, { families, ...content }: Content): Buffer {
  const reportId = randomUUID();
  const report = {
    ...sampleReport,
    client,
    run_id: run,
    report_id: reportId,
    datetime: new Date().toISOString(),
    worker_reports: [{ name: 'all', duration_ms: 1, error: null, function_reports: families }],
    ...content,
  };
  const header = { publicKey: Buffer.from(key, 'base64url'), reportId, client };
  return sealCompressed(header, deflateRawSync(JSON.stringify(report), { level: 1 }), generateEphemeral());
}

function family(name: string, data: readonly Row[]): FunctionReport {
  return { name, data };
}

function many(name: string, count: number, rowOf: (at: number) => Row): FunctionReport {
  return family(name, times(count, rowOf));
}

function fullDisk(mount: string): Row {
  const place = { mount, fstype: 'ext4', source: `/dev/${mount}`, scope: 'local', mode: 'rw' };
  return { ...place, used_percent: 99.9, size_bytes: 1e9 };
}

/** Names that a database may take for equal: spaces at the end, case, normal forms. */
const alike = ['/a', '/a ', '/A', '/\u00e4', '/a\u0308', '/\ufb01', '/fi', '/ß', '/ss'] as const;

const hourMs = 3_600_000;
const inYears = (years: number): number => Date.now() + years * 365 * 24 * hourMs;
/** A moment of the past. Rows of several visits fall into one hour, however long the test takes. */
const earlier = { boot_id: null, datetime: new Date((Math.floor(Date.now() / hourMs) - 1.5) * hourMs).toISOString() };
/** Returns a number of rows: this many for each visit. */
const each = (reports: number) => (visits: number) => [reports * visits, reports * visits] as const;

/** The attacks by the name of their client. */
const attacks: Readonly<Record<string, Attack>> = {
  'mounts-57000': {
    quarantine: null,
    reports: (request) =>
      times(4, () =>
        sealed(request, {
          families: times(57, (part) => many('disk', 1000, (at) => ({ mount: `/${(part * 1000 + at).toString(36)}` }))),
        }),
      ),
    stats: each(4),
  },
  'rows-100-reports': {
    quarantine: 'report-refused',
    reports: (request) => {
      const disks = many('disk', 200, (at) => ({ mount: `/m${at}` }));
      const networks = many('network', 200, (at) => ({ interface: `e${at}` }));
      return times(100, () => sealed(request, { ...earlier, families: [disks, networks] }));
    },
    hello: () => ({ boot_id: null }),
    stats: (visits) => [49, 49 + visits],
  },
  'full-mounts-3000': {
    quarantine: null,
    reports: (request, visit) => [
      sealed(request, {
        families: times(3, (part) => many('disk', 1000, (at) => fullDisk(`/v${visit}-${part * 1000 + at}`))),
      }),
    ],
    stats: each(1),
  },
  'times-past': {
    quarantine: null,
    hello: () => ({ monotonic_ms: 0, boot_id: null }),
    reports: (request, visit) =>
      times(100, (at) => {
        const families = [many('disk', 50, (disk) => fullDisk(`/${visit}-${at}-${disk}`))];
        const datetime = new Date(Date.now() - at * 6 * hourMs).toISOString();
        return sealed(request, { boot_id: null, datetime, families });
      }),
    stats: each(100),
  },
  'times-future': {
    quarantine: null,
    hello: (visit) => ({ wall_ms: [inYears(900), 0, inYears(100)][visit] ?? 0, boot_id: 'other' }),
    reports: (request) =>
      times(10, () =>
        sealed(request, { datetime: '9999-12-31T23:59:59.999Z', monotonic_ms: 2 ** 53 - 1, families: [] }),
      ),
    stats: each(10),
  },
  'names-10000': {
    quarantine: 'report-invalid',
    stats: each(0),
    reports: (request) => [sealed(request, { families: [family('disk', [fullDisk(`/${'x'.repeat(10_000)}`)])] })],
  },
  'names-alike': {
    quarantine: null,
    reports: (request) => [
      sealed(request, {
        families: [
          family('disk', alike.map(fullDisk)),
          many('network', alike.length, (at) => ({ interface: alike[at] ?? '' })),
        ],
      }),
    ],
    stats: each(1),
  },
};

async function startSite(t: TestContext, kind: DatabaseKind): Promise<Site> {
  const answered = new Map<string, number>();
  const visitOf = ({ client }: AgentRequest): number => {
    const visit = answered.get(client) ?? 0;
    answered.set(client, visit + 1);
    return visit;
  };
  const goodReports = (request: AgentRequest): readonly Buffer[] => {
    const used_percent = visitOf(request) === 0 ? 50 : 99;
    const disk = { mount: '/', fstype: 'ext4', source: '/dev/vda1', scope: 'local', mode: 'rw', used_percent };
    return [sealedFor(request, { worker_reports: [worker('disks', [{ name: 'disk', data: [disk] }])] })];
  };
  const hostile = await startReportServer({
    ...account,
    reports: (request) => attacks[request.client]?.reports(request, visitOf(request)) ?? [],
    hello: ({ client }) => attacks[client]?.hello?.(answered.get(client) ?? 0) ?? {},
  });
  t.after(() => hostile.close());
  const healthy = await startReportServer({ ...account, reports: goodReports });
  t.after(() => healthy.close());
  const clients = good.map((name) => ({ name, server: healthy }));
  clients.push(...Object.keys(attacks).map((name) => ({ name, server: hostile })));
  const addressOf = (index: number): string => `127.4.0.${index + 1}`;
  const elementOf = ({ name, server }: (typeof clients)[number], at: number): string =>
    `<client name="${name}" ip="${addressOf(at)}" port="${server.port}"/>`;
  const site = await kind.site(t, elements(clients.map(elementOf).join('\n')));
  await site.inventoried(...clients.map(({ name }) => name));
  mkdirSync(site.stateDir, { recursive: true, mode: 0o700 });
  const lines = clients.map(({ server }, at) => server.hostKeyLine(addressOf(at)));
  writeFileSync(path.join(site.stateDir, 'known_hosts'), `${lines.join('\n')}\n`);
  // The servers of the clients are in this process: a run in it would keep the good ones from answering.
  return { ...site, run: (...args) => runBuilt(args, { cwd: site.dir }) };
}

async function count(site: Site, sql: string): Promise<number> {
  return Number(Object.values((await site.rows(sql))[0] ?? {})[0]);
}

async function strings(site: Site, sql: string): Promise<readonly string[]> {
  return (await site.rows(sql)).map((row) => Object.values(row).map(String).join(' '));
}

/** Checks that each good client has a row of each visit. From the second visit on its alert fires and is notified. */
async function goodOnesLoseNothing(site: Site, visit: number, mails: readonly string[]): Promise<void> {
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

/** Checks that rows per client and hour, quarantine, spool and alerts are within the bounds of docs/security.md. */
async function boundsHold(site: Site, visit: number): Promise<void> {
  const hour = (table: string): string => `SUBSTR(CAST(${table}.observed_at AS CHAR(30)), 1, 13)`;
  for (const [table, most] of [
    ['stats', 2 * 20_000],
    ['disk_stats', 20_000 + 500 * (visit + 1)],
    ['network_stats', 20_000 + 500 * (visit + 1)],
    ['check_stats', 20_000 + 500 * (visit + 1)],
    ['log_lines', 20_000 + 500 * (visit + 1)],
  ] as const) {
    const rows = await site.rows(`SELECT client, ${hour(table)} AS h, COUNT(*) AS n FROM ${table} GROUP BY client, h`);
    for (const row of rows) assert.ok(Number(row['n']) <= most, `${table}: ${JSON.stringify(row)}`);
  }
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

async function attacksEndAsTheTableSays(site: Site, visits: number): Promise<void> {
  assert.deepEqual(await strings(site, 'SELECT client FROM visits WHERE code IS NOT NULL'), []);
  const counts = await site.rows('SELECT client, COUNT(*) AS n FROM stats GROUP BY client');
  const stats = new Map(counts.map((row) => [row['client'], Number(row['n'])]));
  for (const [client, { stats: range, quarantine }] of Object.entries(attacks)) {
    const place = path.join(site.stateDir, 'encrypted_stats', client, 'quarantine');
    const files = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith('.json')) : [];
    const codes = files.map((name) => (JSON.parse(readFileSync(path.join(place, name), 'utf8')) as Refusal).code);
    assert.deepEqual([...new Set(codes)], quarantine === null ? [] : [quarantine], client);
    const rows = stats.get(client) ?? 0;
    const [least, most] = range(visits);
    assert.ok(rows >= least && rows <= most, `${client} has ${rows} rows, not ${least} to ${most}`);
  }
}

interface Refusal {
  readonly code: string;
}

/** Asserts that the output of a run, which cron mails, does not grow with what one client sends. */
function assertFewLines(output: string): void {
  const lines = new Map<string, number>();
  for (const line of output.split('\n')) {
    const client = /\b(?:client=|message=")([a-z0-9-]+)/.exec(line)?.[1] ?? '';
    lines.set(client, (lines.get(client) ?? 0) + 1);
  }
  for (const [client, count] of lines) assert.ok(count <= 25, `${count} lines about ${client}`);
  assert.ok(lines.size > 1, output);
}

suite('hostile clients beside ten good ones', () => {
  for (const kind of databaseKinds()) {
    test(`lose the good ones nothing and stay within their bounds (${kind.name})`, { skip: kind.skip }, async (t) => {
      const site = await startSite(t, kind);
      const visits = visitsOn(kind);
      const outbox = path.join(site.stateDir, 'outbox');
      for (let visit = 0; visit < visits; visit++) {
        const collected = await site.run('collect');
        assert.equal(collected.status, 1, collected.stderr.slice(-2000));
        assertFewLines(collected.stderr);
        const alerted = await site.run('alert');
        assert.equal(alerted.status, 0, alerted.stderr.slice(-2000));
        const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
        await goodOnesLoseNothing(site, visit, mails);
        await boundsHold(site, visit);
        assert.ok(mails.length <= visit + 1, `${mails.length} mails after visit ${visit}`);
        t.diagnostic(`visit ${visit}: ${mails.length} mails`);
      }
      await attacksEndAsTheTableSays(site, visits);
      const names = await strings(site, "SELECT mount FROM disk_stats WHERE client = 'names-alike'");
      assert.equal(new Set(names).size, alike.length, 'names that look alike are each their own');
      const open = "SELECT COUNT(*) FROM alerts WHERE client = 'names-alike' AND rule = 'disk' AND state = 'firing'";
      assert.equal(await count(site, open), alike.length, 'and have alerts of their own');
    });
  }
});
