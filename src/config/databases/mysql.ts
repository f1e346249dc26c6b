import { hostFault } from '../values/addresses.ts';
import { isThisMachine } from '../values/is-this-machine.ts';
import type { DatabaseConfig, DatabaseKind, Password, StorageElement, StorageUrl } from './database-kind.ts';

export interface MysqlConfig extends DatabaseConfig {
  readonly kind: 'mysql';
  readonly path: null;
  /** Servers of the same database, tried in this order; at least one. */
  readonly hosts: readonly StorageHost[];
  readonly user: string;
  readonly database: string;
  readonly password: Password | null;
  /** Absolute path of the socket that is used instead of a host. */
  readonly socketPath: string | null;
  readonly tls: 'no' | 'yes' | 'verify';
  /** Absolute path of a PEM file. */
  readonly ca: string | null;
  /** Absolute path of a PEM file with the server's RSA key, for a password without TLS. */
  readonly serverPublicKeyFile: string | null;
}

export interface StorageHost {
  /** The host; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The parts of a URL. `hosts` is empty if the URL has none. */
interface MysqlUrl extends StorageUrl, Pick<MysqlConfig, 'hosts' | 'database'> {
  readonly user: string | null;
}

export const mysqlKind: DatabaseKind<MysqlConfig> = {
  name: 'mysql',
  title: 'MariaDB or MySQL',
  isFile: false,
  schemes: ['mysql', 'mariadb'],
  beginning: 'mysql://',
  urlForm: 'mysql://user@host:port/database',
  urlHelp: 'also for MariaDB; hosts of a cluster are separated by commas and tried in this order',
  attributes: {
    socketPath: { kind: 'path', help: 'Unix socket of the MySQL server.' },
    tls: {
      words: ['no', 'yes', 'verify'],
      help:
        'yes: encrypted; verify: encrypted, with a valid certificate for the host. Default verify; no for this ' +
        'machine without ca.',
    },
    ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
    serverPublicKeyFile: {
      kind: 'path',
      help:
        "PEM file with the server's RSA key (public_key.pem in its data folder), with which a password without " +
        'TLS is encrypted.',
    },
  },
  parseUrl,
  read: (url, element) => {
    const parsed = parseUrl(url);
    if (typeof parsed === 'string') throw new TypeError(`the URL ${parsed}`);
    return readMysql(parsed, element);
  },
  defaultsOf: ({ tls }) => ({ tls }),
  nameOf: ({ hosts, user, database, socketPath }) => {
    const shown = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
    return `mysql://${encodeURIComponent(user)}@${socketPath ?? shown.join(',')}/${encodeURIComponent(database)}`;
  },
};

const urlParts = /^mysql:\/\/(?:([^:@/]*)(?::([^@]*))?@)?([^/@?#]*)\/([^/?#]+)$/;
const hostForm = /^(\[[^\]]+\]|[^:/@?#[\]]*)(?::(\d{1,5}))?$/;
const defaultPort = 3306;
const maxHosts = 16;

/** Parses `mysql://user@host:port/database`. User, password and database may be percent-encoded. */
function parseUrl(url: string): MysqlUrl | string {
  if (!url.startsWith('mysql:')) return 'must begin with mysql://, for MariaDB as well';
  if (url.includes('?') || url.includes('#')) return 'takes no options; write tls="..." and the like as attributes';
  const parts = urlParts.exec(url);
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
    const [, host = '', port = defaultPort] = parts;
    if (host === '' && texts.length > 1)
      return 'has a comma without a host on both sides; write mysql://user@db-1,db-2/database';
    const plain = host.replace(/^\[(.*)\]$/, '$1');
    const fault = host === '' ? null : hostFault(plain);
    if (fault !== null) return `has a host that ${fault}; the path of a socket is socketPath="..."`;
    if (Number(port) < 1 || Number(port) > 65_535) return 'must name a port from 1 to 65535';
    if (host !== '') hosts.push({ host: plain, port: Number(port) });
  }
  return hosts.length > maxHosts ? `must name at most ${maxHosts} hosts` : hosts;
}

function readMysql({ user, hosts, database }: MysqlUrl, element: StorageElement): MysqlConfig {
  const { attributes, migrate, password } = element;
  const { socketPath, tls, ca, serverPublicKeyFile } = attributes;
  if (hosts.length === 0 && socketPath === undefined) {
    element.fault('<storage> url names no host; write mysql://user@host/database, or add socketPath');
  }
  if (hosts.length > 1 && socketPath !== undefined) {
    element.fault('<storage> has several hosts and a socketPath, which is of one server; keep one of them');
  }
  if (user === null) element.fault('<storage> url names no user; write mysql://user@host/database');
  if (ca !== undefined && tls === 'no') element.fault('<storage> has ca but tls="no"; write tls="verify"');
  const crossesNetwork = socketPath === undefined && hosts.some(({ host }) => !isThisMachine(host));
  const usualTls = ca !== undefined || crossesNetwork ? 'verify' : 'no';
  const fileOf = (path: string | undefined): string | null => (path === undefined ? null : element.localPath(path));
  return {
    kind: 'mysql',
    path: null,
    migrate,
    hosts: hosts.length === 0 ? [{ host: 'localhost', port: defaultPort }] : hosts,
    user: user ?? '',
    database,
    password,
    socketPath: fileOf(socketPath),
    tls: tls === 'yes' || tls === 'verify' || tls === 'no' ? tls : usualTls,
    ca: fileOf(ca),
    serverPublicKeyFile: fileOf(serverPublicKeyFile),
  };
}
