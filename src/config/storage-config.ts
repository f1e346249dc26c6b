/** The databases that `<storage>` may name: the settings of each, and the form of its URL. */
import type { Secret } from './secret.ts';

export type StorageConfig = SqliteConfig | MysqlConfig | NoStorageConfig;

interface CommonConfig {
  /** Absolute path of the file; null for a server. */
  readonly path: string | null;
  readonly migrate: boolean;
}

export interface SqliteConfig extends CommonConfig {
  readonly kind: 'sqlite';
  readonly path: string;
}

export interface MysqlConfig extends CommonConfig {
  readonly kind: 'mysql';
  readonly path: null;
  /** Servers of the same database, tried in this order; at least one. */
  readonly hosts: readonly StorageHost[];
  readonly user: string;
  readonly database: string;
  readonly password: Secret | null;
  /** Absolute path of the socket that is used instead of a host. */
  readonly socketPath: string | null;
  readonly tls: 'no' | 'yes' | 'verify';
  /** Absolute path of a PEM file. */
  readonly ca: string | null;
  /** Absolute path of a PEM file with the server's RSA key, for a password without TLS. */
  readonly serverPublicKeyFile: string | null;
}

/** The storage of a site that forwards, which has no database. */
export interface NoStorageConfig extends CommonConfig {
  readonly kind: 'none';
  readonly path: null;
  /** The URL that the site forwards to; null: another program carries its files. */
  readonly forwardUrl: string | null;
}

export interface StorageHost {
  /** The host; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The parts of a `<storage url>`, with paths as written. `hosts` is empty if the URL has none. */
export type StorageUrl =
  | Pick<SqliteConfig, 'kind' | 'path'>
  | (Pick<MysqlConfig, 'kind' | 'hosts' | 'database'> & {
      readonly user: string | null;
      readonly password: string | null;
    });

/** Readers of URLs by scheme. */
const urlReaders: Readonly<Record<string, (url: string) => StorageUrl | string>> = {
  sqlite: sqliteUrl,
  mysql: mysqlUrl,
};

const mysqlForm = /^mysql:\/\/(?:([^:@/]*)(?::([^@]*))?@)?([^/@?#]*)\/([^/?#]+)$/;
const hostForm = /^(\[[^\]]+\]|[^:/@?#[\]]*)(?::(\d{1,5}))?$/;
const mysqlPort = 3306;
const maxHosts = 16;

/**
 * Reads `sqlite:PATH` or `mysql://user@host:port/database`. User, password and database may be percent-encoded; commas
 * separate several hosts. Returns what is wrong as a string, without any part of the value, which may hold a password.
 */
export function parseStorageUrl(url: string): StorageUrl | string {
  if (/^mariadb:/i.test(url)) return 'must begin with mysql://, for MariaDB as well';
  const read = Object.entries(urlReaders).find(([scheme]) => url.startsWith(`${scheme}:`))?.[1];
  return read === undefined ? 'must begin with sqlite: or mysql://' : read(url);
}

/** Returns what is wrong with a storage URL, or null. */
export function storageUrlFault(url: string): string | null {
  const parsed = parseStorageUrl(url);
  return typeof parsed === 'string' ? parsed : null;
}

function sqliteUrl(url: string): StorageUrl | string {
  const path = url.slice('sqlite:'.length);
  if (path === '' || path.startsWith('//')) return 'must name a file, like sqlite:fleet.db or sqlite:/var/lib/fleet.db';
  if (path.startsWith(':memory:')) return 'must name a file; a database in memory is lost with the run';
  return { kind: 'sqlite', path };
}

function mysqlUrl(url: string): StorageUrl | string {
  if (url.includes('?') || url.includes('#')) return 'takes no options; write tls="..." and the like as attributes';
  const parts = mysqlForm.exec(url);
  if (parts === null) return 'is not of the form mysql://user@host:port/database';
  const [, user = '', password = '', places = '', database = ''] = parts;
  const hosts = hostsOf(places);
  if (typeof hosts === 'string') return hosts;
  const decoded = (text: string): string | null => (text === '' ? null : decodeURIComponent(text));
  try {
    return {
      kind: 'mysql',
      user: decoded(user),
      password: decoded(password),
      hosts,
      database: decodeURIComponent(database),
    };
  } catch {
    return 'has a % that encodes nothing; write it as %25';
  }
}

function hostsOf(places: string): readonly StorageHost[] | string {
  const hosts: StorageHost[] = [];
  const texts = places.split(',');
  for (const text of texts) {
    const parts = hostForm.exec(text);
    if (parts === null) return 'is not of the form mysql://user@host:port/database';
    const [, host = '', port = mysqlPort] = parts;
    if (host === '' && texts.length > 1)
      return 'has a comma without a host on both sides; write mysql://user@db-1,db-2/database';
    if (Number(port) < 1 || Number(port) > 65_535) return 'must name a port from 1 to 65535';
    if (host !== '') hosts.push({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) });
  }
  return hosts.length > maxHosts ? `must name at most ${maxHosts} hosts` : hosts;
}
