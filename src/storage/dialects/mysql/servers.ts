import type { MysqlConfig, StorageHost } from '../../../config/databases/mysql.ts';
import { isReadOnlyUse, type DatabaseUse, type Dialect } from '../../sql/database.ts';
import { answerInTime } from '../../sql/answer-in-time.ts';
import { StorageFault } from '../../sql/fault.ts';
import { connectionOptions, createConnection } from './connection-options.ts';
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from './connection-options.ts';
import { mysqlFault } from './faults.ts';
import { dialectOf } from './dialect.ts';

export type { Connection, ResultSetHeader, RowDataPacket };

export interface MysqlServersOptions {
  readonly storage: MysqlConfig;
  /** The program. The alerter's sessions end soon if the alerter is suspended, so that another one can take over. */
  readonly program: DatabaseUse;
  readonly signal?: AbortSignal | undefined;
  /** The timeout for each server's login, and for each answer until the session is set up. */
  readonly connectTimeoutMs?: number;
}

/** A session that is set up. */
export interface OpenedSession {
  readonly connection: Connection;
  /** The server, for messages: `mysql://user@host:port/database`. */
  readonly where: string;
  /** A quarter of the server's largest packet. */
  readonly maxBatchBytes: number;
  readonly dialect: Dialect;
  /** True for a node of MySQL's group replication. If the primary fails, the others elect another one. */
  readonly isOfGroup: boolean;
}

/** The servers of one database, in the order of config.xml. */
export interface MysqlServers {
  /** The number of servers. With two or more, a statement that fails on one may succeed on the next. */
  readonly count: number;
  /** Returns the server in use. */
  where(): string;
  /** Opens a session with the first server that accepts one, beginning with the server in use. Throws StorageFault. */
  connect(): Promise<OpenedSession>;
  /** Returns the configuration without the server in use, beginning with the next one; null if it is the only one. */
  others(): MysqlConfig | null;
  /** Leaves the server in use, because it does not work: the next connect begins with the server after it. */
  leave(): void;
}

const isolationSql = 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED';
const readOnlySql = `${isolationSql}, READ ONLY`;
// A server may have READ ONLY as its default.
const writingSql = `${isolationSql}, READ WRITE`;
// A single statement: each takes a round trip. All that the program relies on and a server or its init_connect may set
// otherwise; what only one of the two databases has stands in comments that the other one skips. No value is DEFAULT,
// which is the server's.
const sessionSql = `SET NAMES utf8mb4 COLLATE utf8mb4_bin, SESSION time_zone = '+00:00', SESSION autocommit = 1,
  SESSION sql_mode =
    'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  SESSION sql_select_limit = 18446744073709551615, SESSION sql_safe_updates = 0, SESSION sql_big_selects = 1,
  SESSION sql_auto_is_null = 0, SESSION completion_type = 0, SESSION default_storage_engine = InnoDB,
  SESSION sql_quote_show_create = 1, SESSION div_precision_increment = 4, SESSION unique_checks = 1,
  SESSION max_sort_length = 1024, SESSION lc_messages = 'en_US'
  /*M!100301 , SESSION max_statement_time = 0, SESSION check_constraint_checks = 1,
    SESSION idle_transaction_timeout = 0, SESSION idle_readonly_transaction_timeout = 0,
    SESSION idle_write_transaction_timeout = 0 */
  /*!80003 , SESSION max_execution_time = 0 */`;
// The server ends the session of a process that is suspended in a transaction. Otherwise other sessions would wait for
// its rows for eight hours.
const lockWaitSql = {
  look: 'SESSION innodb_lock_wait_timeout = 20, SESSION wait_timeout = 600',
  collect: 'SESSION innodb_lock_wait_timeout = 20, SESSION wait_timeout = 60',
  change: 'SESSION innodb_lock_wait_timeout = 20, SESSION wait_timeout = 60',
  read: 'SESSION innodb_lock_wait_timeout = 20, SESSION wait_timeout = 60',
  alert: 'SESSION innodb_lock_wait_timeout = 40, SESSION wait_timeout = 30',
} as const;
/**
 * In a Galera cluster a node applies the commits of other nodes a moment later. A session that changes nodes must find
 * its own changes, so each statement waits until the node has caught up (bits 1, 2 and 4: reads and changes).
 * https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_sync_wait
 */
const clusterSql = 'SET SESSION wsrep_sync_wait = 7';
/**
 * The same for MySQL's group replication. A node that has left its group refuses to wait, and so returns no old rows.
 * https://dev.mysql.com/doc/refman/en/group-replication-consistency-guarantees.html
 */
const groupSql = "SET SESSION group_replication_consistency = 'BEFORE'";
// Other servers do not have the last variables.
const variablesSql = `SHOW VARIABLES
  WHERE Variable_name IN ('version', 'max_allowed_packet', 'wsrep_on', 'group_replication_group_name',
    'alter_algorithm', 'binlog_format', 'enforce_storage_engine')`;

/**
 * Settings of a server that refuse statements of the program, and the statement for the session. An account without the
 * right to it keeps the server's setting: the statement that fails for it then says so.
 */
const hindrances: readonly (readonly [variable: string, isFine: (value: string) => boolean, sql: string])[] = [
  // Otherwise an ALTER TABLE that has to copy is refused.
  ['alter_algorithm', (value) => /^(?:DEFAULT|COPY)?$/.test(value), "SET SESSION alter_algorithm = 'DEFAULT'"],
  // Otherwise READ COMMITTED cannot write.
  ['binlog_format', (value) => value !== 'STATEMENT', "SET SESSION binlog_format = 'ROW'"],
  ['enforce_storage_engine', (value) => /^(?:InnoDB)?$/i.test(value), 'SET SESSION enforce_storage_engine = InnoDB'],
];

/** The number of ER_UNKNOWN_SYSTEM_VARIABLE. */
const unknownVariable = 1193;

const connectTimeoutMs = 10_000;
/** The timeout if there are further servers. */
const connectTimeoutAmongManyMs = 5_000;
/** The timeout of the whole login, in answers. */
const maxAnswers = 3;

export function createMysqlServers(options: MysqlServersOptions): MysqlServers {
  const { storage } = options;
  const { user, database, socketPath, hosts } = storage;
  const timeoutMs = options.connectTimeoutMs ?? (hosts.length > 1 ? connectTimeoutAmongManyMs : connectTimeoutMs);
  const nameOf = ({ host, port }: StorageHost): string =>
    `mysql://${user}@${socketPath ?? `${host}:${port}`}/${database}`;
  let preferred = 0;
  const at = (index: number): StorageHost => hosts[index % hosts.length] ?? { host: 'localhost', port: 3306 };

  return {
    count: hosts.length,
    where: () => nameOf(at(preferred)),
    connect: async () => {
      const faults: StorageFault[] = [];
      const begin = preferred;
      for (let index = begin; index < begin + hosts.length; index += 1) {
        const host = at(index);
        // Outside of `try`: a missing secret is not a fault of the database.
        const loginOptions = connectionOptions(storage, host, timeoutMs);
        try {
          const opened = await open({ ...options, loginOptions, timeoutMs, where: nameOf(host) });
          preferred = index % hosts.length;
          return opened;
        } catch (thrown) {
          const fault = mysqlFault(thrown, nameOf(host));
          if (fault.kind === 'aborted') throw fault;
          faults.push(fault);
        }
      }
      throw together(faults);
    },
    others: () => {
      const others = hosts.slice(1).map((_, index) => at(preferred + 1 + index));
      return others.length === 0 ? null : { ...storage, hosts: others };
    },
    leave: () => {
      preferred = (preferred + 1) % hosts.length;
    },
  };
}

interface OpenOptions extends MysqlServersOptions {
  readonly loginOptions: ConnectionOptions;
  readonly timeoutMs: number;
  readonly where: string;
}

async function open(options: OpenOptions): Promise<OpenedSession> {
  const { program, signal, loginOptions, timeoutMs, where } = options;
  let connection: Connection | null = null;
  let isGivenUp = false;
  const inTime = <T>(ask: () => Promise<T>): Promise<T> => answerInTime({ timeoutMs, signal, where }, ask);
  try {
    // A server whose every answer comes late is merely slow. A login that never ends is given up nevertheless.
    return await answerInTime({ timeoutMs: maxAnswers * timeoutMs, signal, where }, async () => {
      const made = await inTime(async () => {
        const welcomed = await createConnection(loginOptions);
        // Until the owner listens: an error without a listener would end the program.
        welcomed.on('error', () => undefined);
        if (isGivenUp) welcomed.destroy();
        return welcomed;
      });
      connection = made;
      const accessSql = isReadOnlyUse(program) ? readOnlySql : writingSql;
      // Before anything is read: limits of the server, or of its init_connect, hold for SHOW VARIABLES too.
      const unset = await setUp([accessSql, `${sessionSql}, ${lockWaitSql[program]}`], (sql) =>
        inTime(() => made.query(sql)),
      );
      const [rows] = await inTime(() => made.query<RowDataPacket[]>(variablesSql));
      const values = new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
      const dialect = dialectOf(values.get('version') ?? '', where);
      if (unset !== null) throw unset;
      for (const [variable, isFine, sql] of isReadOnlyUse(program) ? [] : hindrances) {
        if (!isFine(values.get(variable) ?? '')) await inTime(() => made.query(sql).catch(() => undefined));
      }
      // Also if there is only one address, which may lead to any of the nodes. This statement is the last: after the
      // loss of a node a cluster refuses to wait.
      const isOfGroup = (values.get('group_replication_group_name') ?? '') !== '';
      if (values.get('wsrep_on') === 'ON') await inTime(() => made.query(clusterSql));
      if (isOfGroup) await inTime(() => made.query(groupSql));
      const maxBatchBytes = Math.floor(Number(values.get('max_allowed_packet')) / 4);
      return { connection: made, where, maxBatchBytes, dialect, isOfGroup };
    });
  } catch (thrown) {
    isGivenUp = true;
    (connection as Connection | null)?.destroy();
    throw thrown;
  }
}

/** Sets up a session. Returns the fault of a server that does not know a setting, and may be too old. */
async function setUp(statements: readonly string[], query: (sql: string) => Promise<unknown>): Promise<Error | null> {
  try {
    for (const sql of statements) await query(sql);
    return null;
  } catch (thrown) {
    if (thrown instanceof Error && 'errno' in thrown && thrown.errno === unknownVariable) return thrown;
    throw thrown;
  }
}

/** Joins the faults of all servers. The kind is `lost` if one of the servers may be back soon. */
function together(faults: readonly StorageFault[]): StorageFault {
  const [first] = faults;
  if (first === undefined) throw new TypeError('no server was tried');
  if (faults.length === 1) return first;
  const kind = faults.some((fault) => fault.kind === 'lost') ? 'lost' : first.kind;
  return new StorageFault(kind, faults.map(({ message }) => message).join('; '), first);
}
