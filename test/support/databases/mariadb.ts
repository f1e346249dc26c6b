import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

import type { RowDataPacket } from 'mysql2/promise';

import type { MysqlConfig } from '../../../src/config/databases/mysql.ts';
import { Secret } from '../../../src/config/secret.ts';
import { atExit } from '../at-exit.ts';
import { installOptions, serverProduct, type ServerProduct } from './server-products.ts';
import { freePort } from '../servers/free-port.ts';
import { compiledTests, isCompiledTest } from '../programs/program-args.ts';

/** Where a server is. */
interface SharedServer {
  readonly port: number;
  readonly socketPath: string;
  /** The RSA key for passwords; null if the product has none. */
  readonly publicKeyFile: string | null;
}

/** A server that other files use too. `stop` gives it back. */
export type SharedMariadb = SharedServer & Pick<Mariadb, 'createDatabase' | 'asRoot' | 'stop'>;

/**
 * A real server for the tests, MariaDB or the MySQL of `npm run test:machines`. It starts empty, on a port that the
 * kernel chooses, and is removed when the process ends.
 */
export interface Mariadb extends SharedServer {
  /** Makes an empty database with a user of its own, who has the rights that docs/sql.md gives `fleet_admin`. */
  createDatabase(): Promise<MariadbDatabase>;
  /** Runs statements as root. Returns the rows of the last one. */
  asRoot(...statements: readonly string[]): Promise<readonly RowDataPacket[]>;
  /** Sends SIGSTOP: the server accepts connections and does not answer. */
  pause(): void;
  resume(): void;
  pid(): number;
  isAlive(): boolean;
  /** Sends SIGKILL, as in a crash. */
  kill(): Promise<void>;
  /** Starts the server again after `kill`, with the same data and port. */
  restart(args?: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface MariadbDatabase {
  readonly storage: MysqlConfig;
  /** The URL for config.xml, without the password. */
  readonly url: string;
  readonly name: string;
  readonly user: string;
  readonly password: string;
}

const product = serverProduct();

/** The name of the server that startMariadb starts. */
export const serverName = product?.name ?? 'MariaDB';

/**
 * The reason that no MariaDB can run here, or false. For `skip` of node:test. With CI set startMariadb fails instead.
 */
export const skipWithoutMariadb: string | false =
  product === null && !process.env['CI'] ? 'mariadb-server is not installed' : false;

/** Returns the settings of a database `fleet` on this machine. */
export function mysqlAt(port: number, password: string, more: Partial<MysqlConfig> = {}): MysqlConfig {
  return {
    kind: 'mysql',
    path: null,
    hosts: [{ host: '127.0.0.1', port }],
    user: 'fleet',
    database: 'fleet',
    password: new Secret({ kind: 'literal', value: password }),
    socketPath: null,
    tls: 'no',
    ca: null,
    serverPublicKeyFile: null,
    migrate: true,
    ...more,
  };
}

/** Returns a derived table with the column `seq` from 1 to `count`, for both products. */
export const numbersTable = (count: number): string =>
  `JSON_TABLE(CONCAT('[0', REPEAT(',0', ${count - 1}), ']'), '$[*]' COLUMNS (seq FOR ORDINALITY)) AS numbers`;

/**
 * Starts a server, which takes one to four seconds. `args` are options of the server. Its folder is made in `place`.
 * `env` has variables in addition to those of this process.
 */
export async function startMariadb(
  args: readonly string[] = [],
  place = tmpdir(),
  env: Readonly<Record<string, string>> = {},
): Promise<Mariadb> {
  if (product === null) throw new Error('mariadb-server is not installed');
  const dir = mkdtempSync(path.join(place, 'fleet-mariadb-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const keepFolder = atExit(remove);
  const configFile = path.join(dir, 'my.cnf');
  const socketPath = path.join(dir, 'mysql.sock');
  writeFileSync(configFile, config(product, dir, socketPath));
  fillDataFolder(product, configFile, path.join(dir, 'data'));
  const launch: Launch = (ownPort, ownArgs) =>
    spawnServer(product, [`--defaults-file=${configFile}`, `--port=${ownPort}`, ...ownArgs], env);
  const started = await startOnFreePort(launch, socketPath, args);
  const { port } = started;
  let { child } = started;
  const publicKeyFile = product.publicKey === null ? null : path.join(dir, product.publicKey);
  const asRoot = (...statements: readonly string[]): Promise<readonly RowDataPacket[]> => query(socketPath, statements);

  return {
    port,
    socketPath,
    publicKeyFile,
    asRoot,
    createDatabase: () => createDatabase(port, asRoot, publicKeyFile),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    pid: () => child.pid ?? 0,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: () => end(child, 'SIGKILL'),
    restart: async (newArgs = args) => {
      child = launch(port, newArgs);
      await untilReady(child, socketPath);
    },
    stop: async () => {
      await end(child, 'SIGKILL');
      keepFolder();
      remove();
    },
  };
}

/**
 * Returns the server that all files of a run share, with databases of their own; one of this process's own where
 * test/run-files.mjs runs no files. Who stops, pauses or sets a server starts another one.
 */
export async function sharedMariadb(): Promise<SharedMariadb> {
  const offered = process.env['FLEET_HEALTH_DATABASE_SERVER'];
  if (offered === undefined) return await startMariadb();
  const told = await text(connect(offered));
  if (told === '') throw new Error('the database server of this run does not start');
  const server = JSON.parse(told) as SharedServer;
  const asRoot: Mariadb['asRoot'] = (...statements) => query(server.socketPath, statements);
  return {
    ...server,
    asRoot,
    createDatabase: () => createDatabase(server.port, asRoot, server.publicKeyFile),
    stop: () => Promise.resolve(),
  };
}

/**
 * Fills the data folder of a new server. The processes of one `npm test` copy the files that the first one installed.
 */
function fillDataFolder(product: ServerProduct, configFile: string, data: string): void {
  const installed = path.join(compiledTests, `installed-${product.name}`);
  if (isCompiledTest && existsSync(installed)) {
    execFileSync('cp', ['-a', installed, data]);
    return;
  }
  const [installer = '', ...installArgs] = product.install;
  const options = [...installArgs, `--defaults-file=${configFile}`, ...installOptions(product)];
  execFileSync(installer, options, { stdio: 'pipe' });
  if (!isCompiledTest) return;
  const copy = `${installed}-${process.pid}`;
  execFileSync('cp', ['-a', data, copy]);
  try {
    renameSync(copy, installed);
  } catch {
    // Another process was faster.
    rmSync(copy, { recursive: true });
  }
}

// A starting server clears its tmpdir of temporary tables, those of other servers included: each needs its own.
function config({ settings }: ServerProduct, dir: string, socketPath: string): string {
  return `[mysqld]
datadir=${path.join(dir, 'data')}
tmpdir=${dir}
socket=${socketPath}
pid-file=${path.join(dir, 'pid')}
${process.getuid?.() === 0 ? 'user=root' : ''}
bind-address=127.0.0.1
skip-networking=0
skip-name-resolve
character-set-server=latin1
sql-mode=
default-time-zone=+05:00
innodb-buffer-pool-size=128M
${settings}
`;
}

/** Starts the server at a port, with further options. */
type Launch = (port: number, args: readonly string[]) => ChildProcess;

async function startOnFreePort(
  launch: Launch,
  socketPath: string,
  args: readonly string[],
): Promise<{ port: number; child: ChildProcess }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = launch(port, args);
    try {
      await untilReady(child, socketPath);
      return { port, child };
    } catch (thrown) {
      await end(child, 'SIGKILL');
      // Another process may have taken the port between the query and the start.
      if (attempt === 3) throw thrown;
      console.error(`the server is started again: ${String(thrown)}`);
    }
  }
}

function spawnServer(
  { command }: ServerProduct,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  child.once(
    'exit',
    atExit(() => void child.kill('SIGKILL')),
  );
  return child;
}

async function untilReady(child: ChildProcess, socketPath: string): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server does not start: ${log}`)), 60_000);
    child.once('exit', () => reject(new Error(`the server ended: ${log}`)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
      if (!log.includes('ready for connections')) return;
      clearTimeout(timer);
      resolve();
    });
  });
  await query(socketPath, ['SELECT 1']);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Runs statements as root. Returns the rows of the last statement. */
export async function query(socketPath: string, statements: readonly string[]): Promise<readonly RowDataPacket[]> {
  // Most files that import this start no server, and the driver costs a process as much as its start.
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ socketPath, user: 'root', dateStrings: true });
  try {
    let rows: RowDataPacket[] = [];
    for (const statement of statements) [rows] = await connection.query<RowDataPacket[]>(statement);
    return rows;
  } finally {
    await connection.end();
  }
}

async function createDatabase(
  port: number,
  asRoot: Mariadb['asRoot'],
  serverPublicKeyFile: string | null,
): Promise<MariadbDatabase> {
  const name = `fleet_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(9).toString('hex');
  await asRoot(
    `CREATE DATABASE ${name}`,
    `CREATE USER ${name}@'%' IDENTIFIED BY '${password}'`,
    'GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, CREATE VIEW, SHOW VIEW, ' +
      `DROP ON ${name}.* TO ${name}@'%'`,
  );
  const storage = mysqlAt(port, password, { user: name, database: name, serverPublicKeyFile });
  return { storage, url: `mysql://${name}@127.0.0.1:${port}/${name}`, name, user: name, password };
}
