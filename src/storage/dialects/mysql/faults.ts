import { messageOf } from '../../../platform/errors/errors.ts';
import { tlsAdvice } from '../../../platform/errors/tls-advice.ts';
import { StorageFault, type FaultKind } from '../../sql/fault.ts';

/** Numbers of MySQL and MariaDB: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const kinds: ReadonlyMap<number, FaultKind> = new Map([
  [3, 'full'], // error writing file
  [1016, 'broken'], // table cannot be opened
  [1020, 'contended'], // record has changed since last read
  [1021, 'full'], // disk full
  [1026, 'full'], // error writing file
  [1028, 'full'], // sort aborted
  [1034, 'damaged'], // index
  [1035, 'damaged'], // key file
  [1036, 'read-only'], // table is read-only
  [1037, 'lost'], // out of memory
  [1038, 'lost'], // out of sort memory
  [1040, 'lost'], // too many connections
  [1041, 'lost'], // out of resources
  [1042, 'lost'], // the server cannot resolve our address
  [1043, 'lost'], // bad handshake
  [1044, 'denied'],
  [1045, 'denied'],
  [1047, 'lost'], // a Galera node that is not ready
  [1049, 'denied'], // unknown database
  [1050, 'exists'],
  [1053, 'lost'], // server shutdown
  [1054, 'schema'], // unknown column
  [1060, 'exists'], // column
  [1061, 'exists'], // key
  [1062, 'duplicate'],
  [1091, 'exists'], // object to drop does not exist
  [1105, 'broken'], // no number of its own: what clusters and proxies forbid or lack
  [1114, 'full'], // the table is full
  [1129, 'denied'], // host is blocked
  [1130, 'denied'], // host is not allowed
  [1135, 'lost'], // no thread
  [1142, 'denied'],
  [1143, 'denied'],
  [1146, 'schema'], // no such table
  [1152, 'lost'], // connection aborted
  [1154, 'lost'], // network: pipe
  [1156, 'lost'], // packets out of order
  [1157, 'lost'], // packet cannot be uncompressed
  [1158, 'lost'], // network: reading
  [1159, 'lost'],
  [1160, 'lost'], // writing
  [1161, 'lost'],
  [1184, 'lost'], // connection aborted
  [1192, 'contended'], // locked tables
  [1194, 'damaged'], // table is crashed
  [1195, 'damaged'],
  [1203, 'lost'], // user has too many connections
  [1205, 'contended'], // lock wait timeout
  [1206, 'contended'], // too many locks
  [1213, 'contended'], // deadlock
  [1223, 'read-only'], // FLUSH TABLES WITH READ LOCK
  [1226, 'lost'], // user has used up a resource
  [1227, 'denied'],
  [1243, 'lost'], // unknown prepared statement: a proxy has changed the connection
  [1251, 'denied'],
  [1286, 'broken'], // unknown storage engine, or another one is enforced
  [1275, 'denied'], // password in the format before MySQL 4.1
  [1297, 'contended'], // temporary error of the engine
  [1305, 'schema'],
  [1317, 'lost'], // query was interrupted
  [1356, 'schema'], // view refers to a missing object
  [1370, 'denied'],
  [1412, 'contended'], // table definition has changed
  [1461, 'lost'], // too many prepared statements
  [1524, 'denied'], // login plugin is missing
  [1568, 'lost'], // a transaction is open already: a proxy shares the connection
  [1598, 'broken'], // binary log
  [1615, 'contended'], // prepared statement has to be prepared again
  [1637, 'lost'], // too many concurrent transactions
  [1665, 'broken'], // binlog_format
  [1698, 'denied'],
  [1712, 'damaged'], // index
  [1785, 'broken'], // GTID
  [1786, 'broken'],
  [1787, 'broken'],
  [1792, 'read-only'], // transaction
  [1812, 'damaged'], // tablespace is missing
  [1820, 'denied'], // password has expired
  [1836, 'read-only'], // --super-read-only
  [1862, 'denied'], // password has expired
  [1874, 'read-only'], // InnoDB is read-only
  [1878, 'full'], // temporary file
  [1927, 'lost'], // connection was killed
  [1932, 'damaged'], // table is unknown to its engine
  [1950, 'broken'], // GTID out of order
  [1969, 'lost'], // max_statement_time
  [3024, 'lost'], // max_execution_time
  [3032, 'lost'], // offline mode, as of a node that its group has expelled
  [3098, 'broken'], // a plugin, as of group replication, forbids the table
  [3100, 'lost'], // a node leaves its group during COMMIT
  [3101, 'contended'], // another node of the group has changed the row
  [3118, 'denied'], // account is locked
  [3159, 'denied'], // no login without TLS
  [3750, 'broken'], // a primary key is demanded
  [3796, 'lost'], // a node that has left its group cannot wait for the group
  [3797, 'lost'], // a node did not catch up with its group in time
  [3798, 'lost'], // the group did not agree in time
  [3955, 'denied'], // account is blocked after failed logins
  [4150, 'denied'], // the same in MariaDB
  [4151, 'denied'], // account is locked
  [4031, 'lost'], // disconnected because idle
]);

/**
 * Numbers that may hide a full or a read-only disk, and otherwise are not caused by the values: a number of the storage
 * engine (1030), a COMMIT that failed (1180, from a Galera node that has lost its cluster meanwhile), an option that
 * forbids the statement (1290), and an internal error (1815), also of MaxScale.
 */
const vagueKinds: ReadonlyMap<number, FaultKind> = new Map([
  [1030, 'broken'],
  [1180, 'lost'],
  [1290, 'broken'],
  [1815, 'broken'],
]);

/** The numbers of ProxySQL itself: no server of its group answers, or a connection is locked to another group. */
const proxyNumbers = { least: 9000, most: 9099 } as const;

const unknownEngine = 1286;

/** Advice by the numbers of servers. */
const serverHints: ReadonlyMap<number, string> = new Map([
  [
    1045,
    'the name, the password or the machine from which the account may log in is another one, or the account demands ' +
      'TLS (tls="yes") or the socket of the server (socketPath)',
  ],
  [1071, 'the schema needs innodb_page_size = 16384'],
  [1184, 'if it names init_connect, that setting of the server fails for this account'],
  [unknownEngine, 'enforce_storage_engine of the server must be empty or InnoDB'],
  [1461, 'raise max_prepared_stmt_count of the server'],
  [1698, 'the account logs in by the socket of the server alone (socketPath), as the system account of its name'],
  [1665, 'set binlog_format of the server to ROW or MIXED, or grant the account BINLOG ADMIN'],
  [1845, 'set alter_algorithm of the server to DEFAULT'],
  [1846, 'set alter_algorithm of the server to DEFAULT'],
  [3159, 'write <storage tls="verify"> or tls="yes"'],
]);

/** errno of the operating system inside "Got error 28 from storage engine" and its like. */
const spaceWords = /\b(?:error|errno|errcode):? (?:28|122)\b|No space left/i;
const readOnlyWords = /\b(?:error|errno|errcode):? 30\b|Read-only file system|--[\w-]*read[-_]only\b/i;

/** The words of MariaDB for a table of another engine than the enforced one (1290). */
const engineWords = /NO_ENGINE_SUBSTITUTION/;

/** The words of a COMMIT (1180) whose rows another node of a group has changed. */
const deadlockWords = /\berror 149\b/i;

/** The code of mysql2 for a TLS handshake that failed. */
const handshakeFailed = 'HANDSHAKE_SSL_ERROR';

/** Advice for failed TLS handshakes, by mysql2's codes. */
const tlsHints: ReadonlyMap<string, string> = new Map([
  [handshakeFailed, 'its certificate must be for that host, by an authority that <storage ca="FILE"> names'],
  ['HANDSHAKE_NO_SSL_SUPPORT', 'switch it on there, or write <storage tls="no"> where nobody can listen'],
]);

/** Translates an error of mysql2 into a StorageFault. */
export function mysqlFault(thrown: unknown, where: string): StorageFault {
  if (thrown instanceof StorageFault) return thrown;
  const reported = plainWords(messageOf(thrown));
  const errno = engineWords.test(reported) ? unknownEngine : (errnoOf(thrown) ?? 0);
  // An authority is named where the certificate is neither outdated nor too weak.
  const advice = codeOf(thrown) === handshakeFailed ? tlsAdvice(reported, 'storage') : null;
  const hint = advice === null ? (tlsHints.get(codeOf(thrown)) ?? serverHints.get(errno)) : undefined;
  const message = hint === undefined ? reported : `${reported}; ${hint}`;
  const kind = kindOf(thrown, messageOf(thrown));
  const shown = kind === 'refused' || kind === 'exists' ? message : `${where}: ${message}`;
  return new StorageFault(kind, shown, thrown, advice ?? undefined);
}

/** The words of mysql2 for a login plugin that it does not have, such as MariaDB's ed25519, PARSEC and PAM. */
const pluginWords = /^Server requests authentication using unknown plugin ([\w.-]{1,64})\. .*$/s;

/** Replaces words for programmers, which name a document that does not exist. */
function plainWords(message: string): string {
  return message.replace(
    pluginWords,
    'the account logs in by the plugin $1, which this program does not have; change it by ALTER USER to ' +
      'mysql_native_password, in MySQL to caching_sha2_password',
  );
}

/** True if a wait timed out (1205): for a lock, or for a Galera node that has to catch up with its cluster. */
export function isWaitOver({ cause }: StorageFault): boolean {
  return cause instanceof Error && 'errno' in cause && cause.errno === 1205;
}

/** Returns the number of a server's error. Node reports the operating system's numbers as negative. */
function errnoOf(thrown: unknown): number | null {
  const errno = thrown instanceof Error && 'errno' in thrown ? thrown.errno : null;
  return typeof errno === 'number' && errno > 0 ? errno : null;
}

function kindOf(thrown: unknown, message: string): FaultKind {
  const errno = errnoOf(thrown);
  if (errno !== null) {
    const known = kinds.get(errno);
    if (known !== undefined) return known;
    if (errno >= proxyNumbers.least && errno <= proxyNumbers.most) return 'lost';
    if (readOnlyWords.test(message)) return 'read-only';
    if (deadlockWords.test(message)) return 'contended';
    if (stateOf(thrown) === loginRefused) return 'denied';
    return spaceWords.test(message) ? 'full' : (vagueKinds.get(errno) ?? 'refused');
  }
  if (codeOf(thrown) === 'AUTH_SWITCH_PLUGIN_ERROR' || /authentication|unknown plugin/i.test(message)) return 'denied';
  return thrown instanceof TypeError || thrown instanceof RangeError ? 'refused' : 'lost';
}

/** The SQLSTATE of refused logins. */
const loginRefused = '28000';

function stateOf(thrown: unknown): string {
  return thrown instanceof Error && 'sqlState' in thrown ? String(thrown.sqlState) : '';
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
