import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import type { AlertEvent, AlertResult } from '../../../src/alerter/alert-options.ts';
import { alert } from '../../../src/alerter/alerter.ts';
import { messageIdOf } from '../../../src/alerter/compose/compose-mail.ts';
import { domainOf, senderOf } from '../../../src/notify/mail-identity.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Config, StorageConfig } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import type { Database, Session, SqlRow } from '../../../src/storage/sql/database.ts';
import { tables } from '../../../src/storage/sql/tables.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { atTime } from '../../storage/support/crashing-database.ts';
import { item, refusedVisit, runEnd, runStart, visit, worker } from '../../storage/support/samples.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { startSmtpServer, type SmtpAct, type SmtpMoment, type SmtpServer } from '../../support/servers/smtp-server.ts';
import { at } from './rows.ts';
import { sentenceOf } from './dispatch-world.ts';

export interface StationOptions {
  /** An empty database. */
  readonly storage: StorageConfig;
  /** Elements of config.xml beside <smtp>. */
  readonly elements: string;
  /** Attributes of <smtp> beside the server's address. `null` if there is no <smtp>. */
  readonly smtp?: string | null;
}

export interface PassOptions {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Wraps the alerter's database, for example to make statements fail. */
  readonly wrap?: (database: Database) => Database;
  /** The name of another machine, which has a state folder of its own. Default: this machine. */
  readonly machine?: string;
}

export interface CollectOptions {
  readonly collectorId?: string;
  /** The name of the collector's machine. */
  readonly host?: string;
  readonly unfinished?: boolean;
  /** The collector's clock minus the database's, in milliseconds. */
  readonly aheadMs?: number;
}

/** The visible outcome of a pass. */
export interface PassOutcome {
  readonly result: AlertResult;
  /** The mails that the server took in this pass. */
  readonly arrived: readonly Arrived[];
  readonly events: readonly AlertEvent[];
}

export interface Arrived {
  readonly messageId: string;
  /** The alerts of the mail as a sentence; its subject if the mail reports no alert. */
  readonly sentence: string;
  readonly mail: DueMail | null;
}

/** The content of each client's row, by client. Station.collect describes the notation. */
export type Says = Readonly<Record<string, string>>;

export interface Snapshot {
  /** Writes the copy back, as if nothing had happened since: the alerters forget what they have sent since, too. */
  readonly restore: () => Promise<void>;
  /** Writes the copy back: the database alone forgets. */
  readonly lose: () => Promise<void>;
}

/** A collector's database, a mail server, config.xml and a clock: the whole environment of an alerter. */
export interface Station {
  readonly config: () => Config;
  readonly database: Database;
  readonly storage: Storage;
  readonly server: SmtpServer;
  readonly dir: string;
  nowMs(): number;
  at(time: string | number): void;
  configure(elements: string): void;
  /** Returns the config.xml of a machine with a state folder of its own. */
  configFile(machine: string): string;
  /** Replaces the mail server's usual answers. */
  act(act: (moment: SmtpMoment) => SmtpAct | undefined): void;
  /**
   * Stores a finished full run of the collector over all clients that are not retired. Values that `says` omits are
   * healthy. A client's notation is `disk / 96, cpu 40`, `boot 2`, `check mailq 1 unsent=210 age=5s`, `fails
   * connect-refused`, `absent` (not visited), `mute` (visited, without a report), or `late 07:00 disk / 96` (a report
   * that arrives late).
   */
  collect(says?: Says, options?: CollectOptions): Promise<string>;
  endRun(runId: string): Promise<void>;
  pass(options?: PassOptions): Promise<PassOutcome>;
  /** Returns the composed mails by Message-ID. */
  composed(): ReadonlyMap<string, DueMail>;
  /** Returns the subjects of the mails by Message-ID. */
  subjects(): ReadonlyMap<string, string>;
  /** Returns the whole content of the database as text. */
  dump(): Promise<string>;
  /** Returns the alerts of a composed mail as a sentence. */
  sentenceOf(messageId: string): string;
  /** Returns the number of runs that collect has stored. */
  collected(): number;
  /** Stores again all runs but the first ones, as collectors do after a loss. */
  storeAgain(first: number): Promise<void>;
  /** Works while no program has the database open. */
  whileClosed(work: () => void): Promise<void>;
  /** Copies all tables. */
  snapshot(): Promise<Snapshot>;
  close(): Promise<void>;
}

/** Opens a station that is closed after the test. */
export async function stationFor(t: Pick<TestContext, 'after'>, options: StationOptions): Promise<Station> {
  const station = await openStation(options);
  t.after(() => station.close());
  return station;
}

/** Opens a station for some work, and closes it afterwards. */
export async function withStation(options: StationOptions, work: (station: Station) => Promise<void>): Promise<void> {
  const station = await openStation(options);
  try {
    await work(station);
  } finally {
    await station.close();
  }
}

export async function openStation({ storage: stored, elements, smtp = '' }: StationOptions): Promise<Station> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-station-'));
  let act: (moment: SmtpMoment) => SmtpAct | undefined = () => undefined;
  const server = await startSmtpServer({ act: (moment) => act(moment) });
  let nowMs = at('08:00');
  const open = async (wrap: (database: Database) => Database = (database) => database): Promise<Database> =>
    atTime(wrap(await openDatabase({ storage: stored, program: 'alert' })), () => nowMs);
  await makeMigrated(stored);
  let database = await open();
  let storage = storageOn(database);
  const configFor = (text: string, machine = 'mon-1'): Config => {
    const folder = path.join(dir, machine);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, 'config.xml');
    const own =
      smtp === null
        ? ''
        : `<smtp host="127.0.0.1" port="${server.port}" security="none" from="Fleet &lt;fleet@example.org&gt;" ` +
          `${smtp}/>`;
    writeFileSync(file, `<config><state dir="${folder}/state"/>${own}${text}</config>`, { mode: 0o600 });
    return loadConfig({ file });
  };
  let text = elements;
  let config = configFor(text);
  const composed = new Map<string, DueMail>();
  const subjects = new Map<string, string>();
  const sentFiles = (): readonly string[] =>
    readdirSync(dir).map((machine) => path.join(dir, machine, 'state', 'sent'));
  const runs = new Map<string, ReturnType<typeof runStart>>();
  const collects: (() => Promise<void>)[] = [];

  return {
    config: () => config,
    get database() {
      return database;
    },
    get storage() {
      return storage;
    },
    server,
    dir,
    nowMs: () => nowMs,
    at: (time) => {
      nowMs = typeof time === 'number' ? time : at(time);
    },
    configure: (elementsNow) => {
      text = elementsNow;
      config = configFor(text);
    },
    configFile: (machine) => configFor(text, machine).file,
    act: (given) => {
      act = given;
    },
    collect: async (says = {}, options = {}) => {
      const { collectorId = 'collector-1', host = 'mon-1', unfinished = false, aheadMs = 0 } = options;
      const itsNowMs = nowMs + aheadMs;
      const start = runStart({ startedAtMs: itsNowMs, collectorId, host });
      runs.set(start.id, start);
      const watched = config.clients.filter(({ state }) => state !== 'retired').map(({ name }) => name);
      const names = [...new Set([...watched, ...Object.keys(says)])].filter((name) => says[name] !== 'absent');
      const failed = names.filter((name) => says[name]?.startsWith('fails') === true);
      const visits = names.map((client) => {
        const code = /^fails ([\w-]+)/.exec(says[client] ?? '')?.[1];
        const message = code === 'connect-refused' ? refusedVisit.message : `${code ?? ''} of ${client}`;
        const fault = code === undefined ? {} : { ...refusedVisit, code, message };
        return visit({ runId: start.id, client, startedAtMs: itsNowMs + 1000, ...fault });
      });
      const reports = names
        .filter((name) => !failed.includes(name) && says[name] !== 'mute')
        .map((client) => {
          const said = says[client] ?? '';
          const late = /^late ((?:\+\d+ )?\d\d:\d\d) /.exec(said);
          const observedAtMs = late === null ? itsNowMs + 2000 : at(late[1] ?? '');
          const workers = workersSaying(said.slice(late?.[0].length ?? 0));
          const bootId = `boot-${/\bboot (\d+)/.exec(said)?.[1] ?? '1'}`;
          const checks = checksSaying(said);
          const one = item({ client, observedAtMs, receivedAtMs: itsNowMs + 2100, workers, bootId, checks });
          return { ...one, report: { ...one.report, run_id: start.id } };
        });
      const store = async (): Promise<void> => {
        await storage.reports.startRun(start);
        await storage.reports.saveVisits(visits);
        await storage.reports.ingest(reports);
        if (!unfinished) await end(storage, start, names.length, failed.length);
      };
      collects.push(store);
      await store();
      return start.id;
    },
    collected: () => collects.length,
    storeAgain: async (first) => {
      for (const store of collects.slice(first)) await store();
    },
    whileClosed: async (work) => {
      await storage.close();
      work();
      database = await open();
      storage = storageOn(database);
    },
    endRun: async (runId) => {
      const start = runs.get(runId);
      assert.ok(start !== undefined);
      await end(storage, start, 0, 0);
    },
    pass: async ({ dryRun = false, signal = new AbortController().signal, wrap, machine } = {}) => {
      const before = server.mails.length;
      const events: AlertEvent[] = [];
      const result = await alert({
        config: machine === undefined ? config : configFor(text, machine),
        // Opening a database and preparing its statements costs more than the rest of most passes.
        openStorage: async () =>
          wrap === undefined && machine === undefined
            ? { ...storage, close: () => Promise.resolve() }
            : storageOn(await open(wrap)),
        dryRun,
        signal,
        observe: (event) => {
          events.push(event);
          if (event.kind !== 'composed' || dryRun) return;
          const { recipient, items } = event.mail;
          const messageId = messageIdOf(recipient, items, domainOf(senderOf(config)));
          composed.set(messageId, event.mail);
          subjects.set(messageId, event.subject);
        },
        now: () => nowMs,
        host: machine ?? 'mon-1',
      });
      const arrived = server.mails.slice(before).map(({ content }) => {
        const messageId = idOf(content);
        const mail = composed.get(messageId) ?? null;
        const sentence = mail === null ? (/^Subject: (.*)$/m.exec(content)?.[1] ?? content) : sentenceOf(mail);
        return { messageId, mail, sentence };
      });
      return { result, arrived, events };
    },
    composed: () => composed,
    subjects: () => subjects,
    dump: () => dumpOf(database),
    sentenceOf: (messageId) => {
      const mail = composed.get(messageId);
      return mail === undefined ? messageId : sentenceOf(mail);
    },
    snapshot: async () => {
      const tables = await Promise.all(
        tableNames.map(async (name) => ({
          name,
          rows: await database.read((session) => session.all(`SELECT * FROM ${name}`)),
        })),
      );
      const sent = sentFiles().flatMap((file) => (existsSync(file) ? { file, content: readFileSync(file) } : []));
      const lose = (): Promise<void> => database.migrate((session) => restoreTables(session, tables));
      const restore = async (): Promise<void> => {
        for (const file of sentFiles()) rmSync(file, { force: true });
        for (const { file, content } of sent) writeFileSync(file, content, { mode: 0o600 });
        await lose();
      };
      return { restore, lose };
    },
    close: async () => {
      await storage.close();
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Returns the Message-ID of a mail's content. Returns '' if the content has none. */
export function idOf(content: string): string {
  return /^Message-ID: (<.*>)\r?$/im.exec(content)?.[1] ?? '';
}

async function end(
  storage: Storage,
  start: ReturnType<typeof runStart>,
  clients: number,
  failed: number,
): Promise<void> {
  const finishedAtMs = start.startedAtMs + 5000;
  await storage.reports.endRun(
    start,
    runEnd(start, { finishedAtMs, clients, succeeded: clients - failed, failed, skipped: 0 }),
  );
}

/** Returns the probes of a machine whose values are healthy unless `said` differs. */
function workersSaying(said: string): readonly WorkerReport[] {
  const percents = new Map([
    ['cpu', 5],
    ['memory', 40],
  ]);
  const disks = new Map<string, number | null>([['/', 50]]);
  const units: string[] = [];
  const unitLines: { unit: string; text: string }[] = [];
  const exports = new Map<string, { source: string; unresponsive: number }>();
  let uptimeS: number | null = null;
  for (const part of said.split(',').map((text) => text.trim())) {
    const [word = '', first = '', second = '', third = ''] = part.split(' ');
    if (word === 'disk') disks.set(first, second === '?' ? null : Number(second));
    else if (word === 'unit') {
      const [unit = ''] = first.split('\n', 1);
      units.push(unit);
      for (const text of part.split('\n').slice(1)) unitLines.push({ unit, text });
    } else if (word === 'mount') exports.set(first, { source: second, unresponsive: third === 'hangs' ? 1 : 0 });
    else if (word === 'check') continue;
    else if (word === 'uptime') uptimeS = Number(first);
    else if (percents.has(word)) percents.set(word, Number(first));
    else if (word !== 'boot') assert.equal(word, '', `no such word: ${part}`);
  }
  const disk = { fstype: 'ext4', scope: 'local', mode: 'rw', size_bytes: 2e11, inodes_percent: 5, unresponsive: 0 };
  return [
    ...(uptimeS === null ? [] : [worker('uptime', { seconds: uptimeS })]),
    worker('cpu', { used_percent: percents.get('cpu') ?? null, cpus: 4 }),
    worker('memory', { total_bytes: 8e9, used_percent: percents.get('memory') ?? null }),
    worker(
      'disk',
      ...[...disks].map(([mount, used_percent]) => ({ ...disk, mount, source: `/dev/disk${mount}`, used_percent })),
      ...[...exports].map(([mount, over]) => ({
        ...disk,
        mount,
        fstype: 'nfs4',
        scope: 'network',
        used_percent: null,
        ...over,
      })),
    ),
    worker('os', { hostname: 'web-1', distribution: 'Debian GNU/Linux 13' }),
    worker('uptime', { seconds: 86400 }),
    worker('services', { failed_units: units.length }),
    ...(unitLines.length === 0 ? [] : [worker('unit_line', ...unitLines)]),
    ...(units.length === 0 ? [] : [worker('failed_unit', ...units.map((unit) => ({ unit, failed: 1 })))]),
  ];
}

/** Returns the checks of a notation: a name, the exit status, and figures. */
function checksSaying(said: string): readonly CheckResult[] {
  return [...said.matchAll(/\bcheck (\S+) (\d+) ?([^,]*)/g)].map(([, name = '', exit, figures = '']) => ({
    name,
    format: 'nagios',
    exit: Number(exit),
    why: null,
    output: `said | ${figures}`,
    age_s: 0,
  }));
}

interface TableRows {
  readonly name: string;
  readonly rows: readonly SqlRow[];
}

async function restoreTables(session: Session, tables: readonly TableRows[]): Promise<void> {
  for (const { name, rows } of tables) {
    await session.run(`DELETE FROM ${name}`);
    const columns = Object.keys(rows[0] ?? {});
    if (columns.length === 0) continue;
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      const some = rows.slice(from, from + rowsAtOnce);
      const marks = some.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
      const values = some.flatMap((row) => columns.map((column) => row[column] ?? null));
      await session.run(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${marks}`, values);
    }
  }
}

/** The rows of an INSERT: a statement has a limited number of values. */
const rowsAtOnce = 100;

const tableNames = tables.map(({ name }) => name).sort();

async function dumpOf(database: Database): Promise<string> {
  const parts: string[] = [];
  for (const table of tableNames) {
    const rows = await database.read((session) => session.all(`SELECT * FROM ${table}`));
    parts.push(table, ...rows.map((row) => JSON.stringify(row)).sort());
  }
  return parts.join('\n');
}

/** Returns a database whose methods can be replaced one by one. */
export function bound(database: Database): Database {
  return {
    read: (work) => database.read(work),
    write: (work) => database.write(work),
    readOnly: (sql) => database.readOnly(sql),
    space: () => database.space(),
    migrate: (work) => database.migrate(work),
    close: () => database.close(),
  };
}
