/** The monitoring machine of a calendar: the installed programs with a database and a mail server of their own. */
import path from 'node:path';
import { execFile, execFileSync, type ExecFileOptions } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

import { openSqlite } from '../../../src/platform/sqlite.ts';
import { packageDir } from '../../../src/state-folder/paths.ts';
import { packageFolder, program } from '../../support/programs/installed.ts';
import { namesBelow } from '../../support/names-below.ts';
import type { CliResult } from '../../support/programs/run-cli.ts';
import { startSmtpServer } from '../../support/servers/smtp-server.ts';
import type { Scope } from '../../support/temp-folder.ts';
import type { CalendarClock } from './calendar-clock.ts';

export type DatabaseName = 'sqlite' | 'mariadb';
export type Row = Readonly<Record<string, unknown>>;

export type Release = 'earlier' | 'today';

export interface Station {
  readonly dir: string;
  /** Lets the program of another release run from now on. Default: today's, which is installed. */
  readonly change: (release: Release) => void;
  /** Runs the program as a line of a crontab would. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  readonly rows: (sql: string) => Promise<readonly Row[]>;
  /** Returns the mails that have arrived since the last call. */
  readonly mails: () => readonly string[];
  /**
   * Returns the number of runs whose sealed reports are kept because the database might forget them. How many a run has
   * depends on its time: extras begin only if enough of it is left.
   */
  readonly kept: () => number;
}

export interface StationOptions {
  readonly dir: string;
  readonly clock: CalendarClock;
  readonly database: DatabaseName;
  /** The lines of known_hosts. */
  readonly knownHosts: readonly string[];
  /** The time zone of the machine. */
  readonly machineZone: string;
  /** The elements of config.xml beside the storage and the mail server. */
  readonly elements: string;
  /** The longest time of a program. Default: five minutes. A busy machine takes ten times as long as a free one. */
  readonly deadlineMs?: number;
}

export async function openStation(t: Scope, options: StationOptions): Promise<Station> {
  const { dir, clock, machineZone, elements, deadlineMs = 300_000 } = options;
  const { element, rows } = options.database === 'sqlite' ? sqliteIn(dir) : await mariadbAt(t, clock);
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  writeFileSync(path.join(dir, 'state/known_hosts'), options.knownHosts.map((line) => `${line}\n`).join(''));
  const smtp = await startSmtpServer();
  t.after(() => smtp.stop());
  const config = `<config><state dir="state"/>${element}
    <smtp host="127.0.0.1" port="${smtp.port}" security="none" from="fleet@example.org"/>${elements}</config>`;
  writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
  const env = { ...clock.env, NODE_OPTIONS: clock.nodeOptions, TZ: machineZone };
  let seen = 0;
  let used = program;
  return {
    dir,
    change: (release) => (used = release === 'today' ? program : earlierProgram(dir)),
    run: (...args) => run([used, ...args], { cwd: dir, env, timeout: deadlineMs }),
    rows,
    mails: () => {
      const fresh = smtp.mails.slice(seen);
      seen += fresh.length;
      return fresh.map(({ content }) => content);
    },
    kept: () => new Set(namesBelow(path.join(dir, 'state/stored'), '.fhs').map((name) => path.dirname(name))).size,
  };
}

/**
 * Unpacks the program of the commit before fields of clients' programs were written in full. It shares its packages
 * with today's. Returns the program.
 */
function earlierProgram(dir: string): string {
  const folder = path.join(dir, 'earlier');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    const packed = readFileSync(path.join(packageDir, 'test/testdata/earlier-program/program.tar.br'));
    execFileSync('tar', ['-C', folder, '-x'], { input: brotliDecompressSync(packed) });
    symlinkSync(path.join(packageFolder, 'node_modules'), path.join(folder, 'node_modules'));
  }
  return path.join(folder, 'dist/fleet-health.cjs');
}

/** Runs the program by itself: run-cli.ts would load its sources too. */
function run(args: readonly string[], { env, ...options }: ExecFileOptions): Promise<CliResult> {
  const all = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { ...options, env: all, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({
        status: error === null ? 0 : Number(error.code ?? -1),
        stdout: String(stdout),
        stderr: String(stderr),
      });
    });
  });
}

interface Storage extends Pick<Station, 'rows'> {
  /** The element of config.xml. */
  readonly element: string;
}

function sqliteIn(dir: string): Storage {
  const rows: Station['rows'] = (sql) => {
    const database = openSqlite(path.join(dir, 'state/fleet.db'), { readOnly: true });
    try {
      return Promise.resolve(database.prepare(sql).all());
    } finally {
      database.close();
    }
  };
  return { element: '', rows };
}

/** Starts a server whose own clock is that of the calendar, because the alerter takes its time from the database. */
async function mariadbAt(t: Scope, clock: CalendarClock): Promise<Storage> {
  const { startMariadb } = await import('../../support/databases/mariadb.ts');
  const server = await startMariadb([], undefined, clock.residentEnv);
  t.after(() => server.stop());
  const { url, name, password } = await server.createDatabase();
  return {
    element: `<storage url="${url}" password="${password}"/>`,
    rows: (sql) => server.asRoot(`USE ${name}`, sql),
  };
}
