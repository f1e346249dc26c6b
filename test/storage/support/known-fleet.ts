/** Three machines whose rows are known, and the answers of queries as text, with times relative to the present. */
import { stateDigest } from '../../../src/report/state/state.ts';
import { questionsOf } from '../../support/databases/sql-questions.ts';
import type { Opened } from './databases.ts';
import { check, item, ordinaryWorkers, runEnd, runStart, visit, worker } from './samples.ts';
import { stateItem } from './state-samples.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Returns the times of the reports: of the day before yesterday, and of up to ten minutes ago, but of today. */
function knownTimes(nowMs: number) {
  const todayMs = Math.floor(nowMs / dayMs) * dayMs;
  const twoDaysAgoMs = todayMs - 2 * dayMs + 730 * minuteMs;
  return { todayMs, older: [0, 10, 60].map((minutes) => twoDaysAgoMs + minutes * minuteMs), newestMs: newestOf(nowMs) };
}

/** Returns a whole second, which no hour begins with: its hour has another name. */
function newestOf(nowMs: number): number {
  const atMs = Math.max(nowMs - 10 * minuteMs, Math.floor(nowMs / dayMs) * dayMs);
  return Math.floor(atMs / 1000) * 1000 + (atMs % hourMs < 2000 ? 2000 : 0);
}

interface KnownReport {
  readonly client: string;
  readonly atMs: number;
  /** A number by which the figures of the report differ from those of the others. */
  readonly figure: number;
  readonly mailq: readonly [exit: number, output: string];
}

/**
 * Stores three reports of web-1 two days ago, before its boot, one of it and of db-1 today, and a machine that never
 * reported: the visits of today, an alert each that fires, has ended and is acknowledged, packages and log lines.
 */
export async function fillKnownFleet({ storage, database }: Opened, nowMs: number): Promise<void> {
  const { older, newestMs } = knownTimes(nowMs);
  const run = runStart({ startedAtMs: nowMs });
  await storage.reports.startRun(run);
  const reports = [
    ...older.map((atMs, index) => known({ client: 'web-1', atMs, figure: 10 * (index + 1), mailq: unsent(index + 1) })),
    known({ client: 'web-1', atMs: newestMs, figure: 50, mailq: unsent(6) }),
    known({ client: 'db-1', atMs: newestMs, figure: 92, mailq: unsent(0) }),
  ];
  await storage.reports.ingest(reports);
  const failed = { ok: false, stage: 'connect', message: 'no', reader: null, bootId: null };
  await storage.reports.saveVisits([
    visit({ client: 'web-1', address: '10.0.0.1', runId: run.id, startedAtMs: nowMs }),
    visit({ client: 'db-1', address: '10.0.0.2', runId: run.id, startedAtMs: nowMs }),
    visit({ client: 'new-1', address: '10.0.0.3', runId: run.id, startedAtMs: nowMs, ...failed, code: 'dns' }),
  ]);
  await storage.reports.ingest([
    packages('web-1', newestMs, 'openssl amd64\t3.0.11-1', 'curl amd64\t8.1'),
    packages('db-1', newestMs, 'openssl amd64\t3.0.13-1'),
  ]);
  await storage.reports.endRun(run, runEnd(run));
  await database.write(async (session) => {
    const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
    const [began = '', ended = ''] = [older[0], older[2]].map((ms) => time(ms ?? 0));
    const columns =
      'client, rule, subject, alert_key, severity, state, value, pending_since, firing_since, resolved_at, ' +
      'closed_out, acknowledged_by';
    const add = (...values: readonly (string | number | null)[]): Promise<unknown> =>
      session.run(`INSERT INTO alerts (${columns}) VALUES (${values.map(() => '?').join(', ')})`, values);
    await add('web-1', 'disk', '/', 'one', 'critical', 'firing', 97, began, began, null, 0, 'kim');
    await add('web-1', 'check', 'mailq', 'two', 'warning', 'resolved', 2, began, began, ended, 1, null);
    await add('db-1', 'disk', '/data', 'three', 'warning', 'firing', 91, began, began, null, 0, null);
  });
}

const unsent = (count: number): readonly [number, string] =>
  count === 0 ? [0, 'OK - none | unsent=0;5;9'] : [count > 5 ? 2 : 1, `${count} unsent | unsent=${count};5;9`];

function known({ client, atMs, figure, mailq }: KnownReport): ReturnType<typeof item> {
  const isNew = figure >= 50;
  const changed = [
    worker('cpu', { cpus: 4, interval_s: 300, used_percent: figure }),
    worker('load', { load1: figure / 10, load5: figure / 20, load15: figure / 40 }),
    worker('memory', { total_bytes: 8_000_000_000, available_bytes: 1_000_000_000, used_percent: figure / 2 }),
    worker('disk', {
      ...{ mount: '/', fstype: 'ext4', source: '/dev/vda', scope: 'local', mode: 'rw', size_bytes: 1000 },
      ...{ used_bytes: 10 * figure, available_bytes: 1000 - 10 * figure, used_percent: figure, unresponsive: 0 },
    }),
    worker('network', { interface: 'eth0', rx_bytes_per_s: figure, tx_bytes_per_s: 2 * figure, link_up: 1 }),
    worker('uptime', { seconds: isNew ? 300 : 86_400 }),
    worker('log_match', { match: 'Failed', priority: 'err', count: figure }),
    worker('log_line', {
      ...{ time: String(atMs / 1000), priority: 'err', unit: 'sshd', text: `Failed ${figure}`, times: 1 },
    }),
  ];
  const names = new Set(changed.map(({ name }) => name));
  const [exit, output] = mailq;
  return item({
    ...{ client, id: `00000000-0000-4000-8000-0000000000${figure}`, observedAtMs: atMs, receivedAtMs: atMs + 250 },
    bootId: isNew ? 'boot-2' : 'boot-1',
    workers: [...ordinaryWorkers().filter(({ name }) => !names.has(name)), ...changed],
    checks: [check('mailq', exit, output)],
  });
}

function packages(client: string, atMs: number, ...lines: readonly string[]): ReturnType<typeof stateItem> {
  return stateItem(client, atMs, [{ kind: 'package', digest: stateDigest(lines), error: null, lines }]);
}

/** Returns the questions of docs/sql.md with their answers: a line a row, the times relative to the present. */
export async function knownAnswers({ storage }: Opened, kind: string, nowMs: number): Promise<string> {
  const said: string[] = [];
  for (const { title, sql } of questionsOf(kind)) {
    const rows = await storage.history.query(sql.replace('4711', '4'));
    const lines = rows.map((row) =>
      Object.entries(row)
        .map(([column, value]) => `${column}=${shown(value, nowMs)}`)
        .join(' '),
    );
    said.push(`${title}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  }
  return said.join('\n');
}

function shown(value: unknown, nowMs: number): string {
  if (value === null) return 'NULL';
  if (value instanceof Date) return timeWords(value.getTime(), nowMs);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const [, day, time] = /^(\d{4}-\d\d-\d\d)(?:[ T]([\d:.]+)Z?)?$/.exec(text) ?? [];
  if (day !== undefined) return timeWords(Date.parse(`${day}T${time ?? '00:00:00'}Z`), nowMs, time === undefined);
  if (/^[[{]/.test(text)) return shownJson(text, nowMs);
  return typeof value === 'number' || /^-?\d+\.\d+$/.test(text) ? String(Number(Number(value).toFixed(3))) : text;
}

/** Returns a document without the spaces of a database; the beginning of a whole report. */
function shownJson(text: string, nowMs: number): string {
  const newest = String(knownTimes(nowMs).newestMs / 1000);
  const words = JSON.stringify(JSON.parse(text)).replaceAll(newest, 'newest');
  return words.length > 500 ? `${words.slice(0, 40)}..` : words;
}

/** Returns `today-2 12:10:00`, or the time before the newest report, or its hour. */
function timeWords(timeMs: number, nowMs: number, isDay = false): string {
  const { todayMs, newestMs } = knownTimes(nowMs);
  const days = Math.floor((timeMs - todayMs) / dayMs);
  const day = days === 0 ? 'today' : `today${days}`;
  if (isDay) return day;
  const beforeS = Math.round((newestMs - timeMs) / 1000);
  if (timeMs === Math.floor(newestMs / hourMs) * hourMs && beforeS > 1) return 'its hour';
  if (Math.abs(timeMs - nowMs) < 1000) return 'now';
  if (beforeS >= -1 && beforeS <= 3600) return beforeS <= 1 ? 'newest' : `newest-${beforeS} s`;
  return `${day} ${new Date(timeMs).toISOString().slice(11, 19)}`;
}
