import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { mock } from 'node:test';

import { AlertMemory } from '../../../../src/alerter/transition/alert-memory.ts';
import { replay, type ReplayResult } from '../../../../src/alerter/replay/replay.ts';
import type { Config } from '../../../../src/config/config.ts';
import { loadConfig } from '../../../../src/config/load-config.ts';
import type { ConfigTree } from '../../../../src/config/xml/include.ts';
import { openSqlite, type SqliteDatabase, type SqliteValue } from '../../../../src/platform/sqlite.ts';
import { fraction, wholeBetween } from '../../../../src/simulator/seeded.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { newAlertRow } from '../../../../src/storage/rows/alert-rows.ts';
import { sqlTime } from '../../../../src/storage/sql/sql-time.ts';
import type { Alert } from '../../../../src/storage/store/alert.ts';
import type { Storage } from '../../../../src/storage/store/storage.ts';
import { makeMigrated } from '../../../support/databases/migrated.ts';
import { type Scope, tempFolder } from '../../../support/temp-folder.ts';

const minuteMs = 60_000;
export const everyMs = 5 * minuteMs;
const dayRows = 288;
/** A Monday. */
export const startMs = Date.UTC(2026, 8, 28);

/** The days that `tune` may read, and the last day. */
export interface Days {
  readonly read: number;
  readonly all: number;
}

export const usualDays: Days = { read: 30, all: 33 };
export const rowMs = (row: number): number => startMs + row * everyMs;

/** The elements of config.xml, each on a line. */
const usualElements = [
  '  <alerts zone="UTC">',
  '    <mail to="ops@example.org"/>',
  '  </alerts>',
  '  <group name="web">',
  '    <alert type="memory" limit="90%"/>',
  '    <client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>',
  '  </group>',
  '  <group name="build">',
  '    <alert type="load" limit="2"/>',
  '    <client name="build-[1-2]" ip="192.0.2.[11-12]" username="u"/>',
  '  </group>',
  '  <client name="edge-1" ip="192.0.2.21" username="u"/>',
  '  <client name="edge-2" ip="192.0.2.22" username="u"/>',
  '  <client name="mx-1" ip="192.0.2.32" username="u"/>',
];

export type What = 'memory' | 'load' | 'away' | 'warning' | 'critical';
const rules = { memory: 'memory', load: 'load', away: 'unreachable', warning: 'check', critical: 'check' } as const;

/** Something that was planted: rows of a client that are bad. */
export interface Planted {
  readonly client: string;
  readonly what: What;
  /** The kind of noise; null for an incident. */
  readonly noise: 'nightly load' | 'value at its limit' | 'flapping link' | 'rebooting box' | 'Monday check' | null;
  readonly fromRow: number;
  readonly rows: number;
  /** True if somebody acknowledged it. */
  readonly acked: boolean;
  /** The trace of a restart at its end; null: there is none. */
  readonly mended: 'unit' | 'boot' | null;
}

export interface PlantedOptions {
  readonly seed: number;
  /** False: incidents alone, of which each was acknowledged or lasted. */
  readonly noisy?: boolean;
  readonly days?: Days;
  /** The most times a day at which a value is at its limit. */
  readonly often?: number;
  /** The elements of config.xml. */
  readonly elements?: readonly string[];
}

/** Returns what happens to a fleet. */
function plant({ seed, noisy = true, days = usualDays, often = 3 }: PlantedOptions): readonly Planted[] {
  const r = (...parts: readonly number[]): number => fraction(seed, ...parts);
  const between = (least: number, most: number, ...parts: readonly number[]): number =>
    wholeBetween(least, most, seed, ...parts);
  const planted: Planted[] = [];
  const add = (one: Omit<Planted, 'acked' | 'mended'> & Partial<Planted>): void => {
    const isFree = planted.every(
      ({ client, fromRow, rows }) =>
        client !== one.client || fromRow + rows + 4 < one.fromRow || one.fromRow + one.rows + 4 < fromRow,
    );
    if (isFree && one.fromRow + one.rows < days.all * dayRows - 6) planted.push({ acked: false, mended: null, ...one });
  };
  for (let index = 0; index < Math.round(1.1 * days.all); index += 1) {
    const kind = between(0, 3, 1, index);
    const client = ['web-', 'build-', 'edge-', 'mx-'][kind] ?? '';
    const name = `${client}${kind === 3 ? 1 : between(1, [3, 2, 2][kind] ?? 1, 2, index)}`;
    const what = (['memory', 'load', 'away', 'critical'] as const)[kind] ?? 'away';
    // From 1 min to 9 h, most of them short.
    const minutes = 540 ** r(3, index);
    // Somebody who was told needs half an hour.
    const acked = noisy ? minutes > 30 && r(4, index) < 0.6 : minutes <= 60 || r(4, index) < 0.6;
    const mended =
      !acked && minutes > 30 && r(5, index) < 0.5 ? (['unit', 'boot'] as const)[between(0, 1, 6, index)] : undefined;
    add({
      ...{ client: name, what, noise: null, fromRow: between(40, days.all * dayRows - 200, 7, index) },
      ...{ rows: Math.max(1, Math.round(minutes / 5)), acked, mended: mended ?? null },
    });
  }
  for (let day = 0; day < days.all; day += 1) {
    const at = day * dayRows;
    if (day % 7 === 0) add({ client: 'mx-1', what: 'warning', noise: 'Monday check', fromRow: at + 72, rows: 48 });
    if (!noisy) continue;
    for (const index of [1, 2])
      if (r(10, day, index) < 0.9)
        add({
          client: `build-${index}`,
          what: 'load',
          noise: 'nightly load',
          fromRow: at + 24 + between(0, 1, 11, day, index),
          rows: between(3, 5, 12, day, index),
        });
    for (const index of [1, 2, 3])
      for (let time = 0; time < often; time += 1)
        if (r(13, day, index, time) < 0.7)
          add({
            client: `web-${index}`,
            what: 'memory',
            noise: 'value at its limit',
            fromRow: at + between(0, 280, 14, day, index, time),
            rows: between(1, 3, 15, day, index, time),
          });
    // On some days the link goes up and down for an hour.
    const downs = r(16, day) < 0.15 ? 6 : r(16, day) < 0.7 ? 1 : 0;
    const first = at + between(0, 240, 17, day);
    for (let down = 0; down < downs; down += 1)
      add({
        client: 'edge-1',
        what: 'away',
        noise: 'flapping link',
        fromRow: first + down * 8,
        rows: between(2, 3, 18, day, down),
      });
    if (day % 3 === 1)
      add({
        client: 'edge-2',
        what: 'away',
        noise: 'rebooting box',
        fromRow: at + between(0, 280, 19, day),
        rows: 2,
        mended: 'boot',
      });
  }
  return planted.sort((one, other) => one.fromRow - other.fromRow);
}

/** A planted fleet with its history. */
export interface PlantedFleet {
  readonly days: Days;
  readonly planted: readonly Planted[];
  readonly file: string;
  readonly config: Config;
  readonly tree: ConfigTree;
  readonly storage: Storage;
  /** The replay of all days by the rules as they are. */
  readonly history: ReplayResult;
  /** Returns what was planted where an alert fired; null for nothing. */
  readonly cause: (alert: Pick<Alert, 'client' | 'rule'>, atMs: number) => Planted | null;
  readonly ruleOf: (what: What) => string;
  readonly replayed: (config: Config, sinceMs: number, untilMs: number) => Promise<ReplayResult>;
}

/** Makes the database of a fleet: the rows of all days, and the alerts and mails of the days that `tune` may read. */
export async function plantFleet(t: Scope, options: PlantedOptions): Promise<PlantedFleet> {
  const { days = usualDays, elements = usualElements } = options;
  const dir = tempFolder(t);
  const file = path.join(dir, 'config.xml');
  const database = path.join(dir, 'fleet.db');
  writeFileSync(file, ['<config>', ...elements, '</config>'].join('\n'), { mode: 0o600 });
  const { config, tree } = loadWithTree(file);
  await makeMigrated({ kind: 'sqlite', path: database, migrate: true });
  const names = new Set(config.clients.map(({ name }) => name));
  const planted = plant(options).filter(({ client }) => names.has(client));
  const sqlite = openSqlite(database);
  writeRows(sqlite, config, planted, days);
  const storage = await openStorage({ storage: { kind: 'sqlite', path: database, migrate: true }, migrate: false });
  t.after(() => storage.close());
  const replayed: PlantedFleet['replayed'] = (rules, sinceMs, untilMs) =>
    replay({
      config: rules,
      storage,
      sinceMs,
      untilMs,
      signal: new AbortController().signal,
      observe: () => undefined,
    });
  const { alerts, history } = await recorded(() => replayed(config, startMs, rowMs(days.all * dayRows)));
  writeAlerts(sqlite, { alerts, history, planted, endMs: rowMs(days.read * dayRows) });
  sqlite.close();
  const byKey = (client: string, rule: string): readonly Planted[] =>
    planted.filter((one) => one.client === client && rules[one.what] === rule);
  return {
    ...{ days, planted, file, config, tree, storage, history, replayed },
    ruleOf: (what) => rules[what],
    cause: ({ client, rule }, atMs) =>
      byKey(client, rule === 'unreliable' ? 'unreachable' : rule).findLast(
        ({ fromRow }) => rowMs(fromRow) <= atMs && atMs < Infinity,
      ) ?? null,
  };
}

export function loadWithTree(file: string): { readonly config: Config; readonly tree: ConfigTree } {
  const trees: ConfigTree[] = [];
  const config = loadConfig({ file, onValid: (tree) => trees.push(tree) });
  const [tree] = trees;
  if (tree === undefined) throw new Error('no tree');
  return { config, tree };
}

type Save = AlertMemory['save'];

/** Runs a replay. Returns all alerts that it made, those that never fired included. */
async function recorded(
  run: () => Promise<ReplayResult>,
): Promise<{ alerts: readonly Alert[]; history: ReplayResult }> {
  const alerts = new Map<number, Alert>();
  const save = Object.getOwnPropertyDescriptor(AlertMemory.prototype, 'save')?.value as Save;
  const spied = mock.method(AlertMemory.prototype, 'save', function (this: AlertMemory, ...args: Parameters<Save>) {
    const fired = save.apply(this, args);
    for (const [id, alert] of this.alerts) alerts.set(id, alert);
    return fired;
  });
  const history = await run();
  spied.mock.restore();
  return { alerts: [...alerts.values()], history };
}

function inserter(
  sqlite: SqliteDatabase,
  table: string,
  columns: readonly string[],
): (...values: SqliteValue[]) => void {
  const statement = sqlite.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  return (...values) => void statement.run(...values);
}

function writeRows(sqlite: SqliteDatabase, config: Config, planted: readonly Planted[], days: Days): void {
  const run = inserter(sqlite, 'runs', [
    'id',
    'program',
    'outcome',
    'collector_id',
    'host',
    'scope',
    'config_digest',
    'started_at',
    'finished_at',
    'clients',
    'succeeded',
    'failed',
    'skipped',
  ]);
  const visit = inserter(sqlite, 'visits', [
    'run_id',
    'client',
    'started_at',
    'duration_ms',
    'ok',
    'stage',
    'code',
    'message',
    'bytes_in',
    'bytes_out',
    'uploaded',
    'processed_at',
  ]);
  const stat = inserter(sqlite, 'stats', [
    'id',
    'client',
    'report_id',
    'run_id',
    'observed_at',
    'collected_at',
    'received_at',
    'boot_id',
    'uptime_s',
    'memory_percent',
    'load1',
    'load5',
    'load15',
    'cpus',
    'processed_at',
  ]);
  const check = inserter(sqlite, 'check_stats', [
    'stat_id',
    'ordinal',
    'client',
    'observed_at',
    'check_name',
    'state',
    'text',
    'perfdata',
    'age_s',
    'refused',
  ]);
  const client = inserter(sqlite, 'clients', ['name', 'address', 'first_seen']);
  const names = config.clients.map(({ name }) => name);
  sqlite.exec('BEGIN');
  for (const name of names) client(name, name, sqlTime(startMs));
  const bad = new Map<string, Planted>();
  for (const one of planted)
    for (let row = 0; row < one.rows; row += 1) bad.set(`${one.client} ${one.fromRow + row}`, one);
  const boots = new Map(names.map((name) => [name, { id: `${name} 0`, atMs: startMs - 1e9 }]));
  let id = 0;
  for (let row = 0; row < days.all * dayRows; row += 1) {
    const atMs = rowMs(row);
    const at = sqlTime(atMs);
    const after = sqlTime(atMs + 20_000);
    const away = names.filter((name) => bad.get(`${name} ${row}`)?.what === 'away').length;
    run(
      `run-${row}`,
      'collect',
      'finished',
      'c1',
      'mon',
      'full',
      'd',
      at,
      after,
      names.length,
      names.length - away,
      away,
      0,
    );
    for (const name of names) {
      const now = bad.get(`${name} ${row}`);
      const isLast = now?.mended === 'boot' && row === now.fromRow + now.rows - 1;
      if (isLast) boots.set(name, { id: `${name} ${row}`, atMs: atMs - 60_000 });
      const isAway = now?.what === 'away';
      visit(
        `run-${row}`,
        name,
        at,
        900,
        isAway ? 0 : 1,
        isAway ? 'connect' : null,
        isAway ? 'connect-timeout' : null,
        isAway ? 'no answer' : null,
        1,
        1,
        0,
        after,
      );
      if (isAway) continue;
      const boot = boots.get(name) ?? { id: '', atMs };
      id += 1;
      const load = now?.what === 'load' ? 40 : 3;
      stat(
        id,
        name,
        `r-${id}`,
        `run-${row}`,
        sqlTime(atMs + 1000),
        after,
        after,
        boot.id,
        Math.round((atMs - boot.atMs) / 1000),
        now?.what === 'memory' ? 91 + (row % 3) : 70 + (row % 15),
        load,
        load,
        load,
        16,
        after,
      );
      if (name !== 'mx-1') continue;
      check(id, 0, name, sqlTime(atMs + 1000), 'backup', now?.what === 'warning' ? 1 : 0, 'text', '', 0, 0);
      check(id, 1, name, sqlTime(atMs + 1000), 'mailq', now?.what === 'critical' ? 2 : 0, 'text', '', 0, 0);
    }
  }
  writeChanges(sqlite, names, planted);
  sqlite.exec('COMMIT');
}

/** Writes the changed units of incidents that a restart mended. */
function writeChanges(sqlite: SqliteDatabase, names: readonly string[], planted: readonly Planted[]): void {
  const client = inserter(sqlite, 'state_clients', ['id', 'client']);
  const change = inserter(sqlite, 'state_changes', [
    'client_id',
    'item_id',
    'before_id',
    'after_id',
    'earliest_at',
    'latest_at',
  ]);
  sqlite.exec("INSERT INTO state_items (id, kind, item) VALUES (1, 'unit', 'app.service')");
  for (const [index, name] of names.entries()) client(index + 1, name);
  for (const one of planted.filter(({ mended }) => mended === 'unit')) {
    const atMs = rowMs(one.fromRow + one.rows) - everyMs;
    change(names.indexOf(one.client) + 1, 1, null, null, sqlTime(atMs), sqlTime(atMs + everyMs));
  }
}

/** Writes the alerts that ended in time, with acknowledgements, and their mails. */
function writeAlerts(
  sqlite: SqliteDatabase,
  {
    alerts,
    history: { mails },
    planted,
    endMs,
  }: Pick<PlantedFleet, 'history' | 'planted'> & { readonly alerts: readonly Alert[]; readonly endMs: number },
): void {
  sqlite.exec('BEGIN');
  const stored = alerts.filter(({ resolvedAtMs }) => (resolvedAtMs ?? Infinity) < endMs);
  const insert = new Map<string, ReturnType<typeof inserter>>();
  for (const alert of stored) {
    const { client, rule, pendingSinceMs, resolvedAtMs } = alert;
    const acked = planted.some(
      (one) =>
        one.acked &&
        one.client === client &&
        rules[one.what] === rule &&
        rowMs(one.fromRow + one.rows) >= pendingSinceMs &&
        rowMs(one.fromRow) <= (resolvedAtMs ?? 0),
    );
    const values = { id: alert.id, ...newAlertRow(alert), acknowledged_by: acked ? 'kim' : null };
    const columns = Object.keys(values);
    const key = columns.join();
    const add = insert.get(key) ?? inserter(sqlite, 'alerts', columns);
    insert.set(key, add);
    add(...(Object.values(values) as SqliteValue[]));
  }
  const mail = inserter(sqlite, 'mails', ['id', 'recipient', 'message_id', 'content', 'created_at', 'sent_at']);
  const told = inserter(sqlite, 'notifications', ['alert_id', 'sequence', 'recipient', 'transition', 'mail_id']);
  for (const [index, { atMs, recipient, items }] of mails.entries()) {
    if (atMs >= endMs) break;
    mail(index + 1, recipient, `m-${index}`, 'text', sqlTime(atMs), sqlTime(atMs));
    for (const item of items) {
      const alert = stored.findLast(
        ({ client, rule, subject, pendingSinceMs, firingSinceMs }) =>
          client === item.client &&
          rule === item.rule &&
          subject === item.subject &&
          firingSinceMs !== null &&
          pendingSinceMs <= atMs,
      );
      if (alert !== undefined) told(alert.id, index, recipient, item.transition, index + 1);
    }
  }
  sqlite.exec('COMMIT');
}
