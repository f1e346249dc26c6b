/** The parts of a `<storage url>`, nothing resolved and no defaults. */
export type StorageUrl =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'mysql';
      readonly user: string | null;
      readonly password: string | null;
      /** IPv6 without brackets; null where none stands. */
      readonly host: string | null;
      readonly port: number | null;
      /** Further nodes of a cluster with the same database, in the order in which they are tried. */
      readonly furtherHosts: readonly UrlHost[];
      readonly database: string;
    };

/** IPv6 without brackets. */
export interface UrlHost {
  readonly host: string;
  readonly port: number | null;
}

const mysqlForm = /^mysql:\/\/(?:([^:@/]*)(?::([^@]*))?@)?([^/@?#]*)\/([^/?#]+)$/;
const hostForm = /^(\[[^\]]+\]|[^:/@?#[\]]*)(?::(\d{1,5}))?$/;
const mostHosts = 16;

/**
 * Reads `sqlite:PATH` or `mysql://user@host:port/database`; user, password and database may be percent-encoded, and
 * several hosts stand with commas between. Answers what is wrong, without a word of the value (it may hold a password),
 * as a string.
 */
export function parseStorageUrl(url: string): StorageUrl | string {
  if (url.startsWith('sqlite:')) {
    const path = url.slice('sqlite:'.length);
    if (path === '' || path.startsWith('//'))
      return 'must name a file, like sqlite:fleet.db or sqlite:/var/lib/fleet.db';
    if (path.startsWith(':memory:')) return 'must name a file; a database in memory is lost with the run';
    return { kind: 'sqlite', path };
  }
  if (/^mariadb:/i.test(url)) return 'must begin with mysql://, for MariaDB as well';
  if (!url.startsWith('mysql:')) return 'must begin with sqlite: or mysql://';
  if (url.includes('?') || url.includes('#')) return 'takes no options; write tls="..." and the like as attributes';
  const parts = mysqlForm.exec(url);
  if (parts === null) return 'is not of the form mysql://user@host:port/database';
  const [, user, password, places = '', database = ''] = parts;
  const hosts = hostsOf(places);
  if (typeof hosts === 'string') return hosts;
  const [first = { host: '', port: null }, ...furtherHosts] = hosts;
  try {
    return {
      kind: 'mysql',
      user: user === undefined || user === '' ? null : decodeURIComponent(user),
      password: password === undefined || password === '' ? null : decodeURIComponent(password),
      host: first.host === '' ? null : first.host,
      port: first.port,
      furtherHosts,
      database: decodeURIComponent(database),
    };
  } catch {
    return 'has a % that encodes nothing; write it as %25';
  }
}

function hostsOf(places: string): readonly UrlHost[] | string {
  const hosts: UrlHost[] = [];
  const texts = places.split(',');
  for (const text of texts) {
    const parts = hostForm.exec(text);
    if (parts === null) return 'is not of the form mysql://user@host:port/database';
    const [, host = '', port] = parts;
    if (host === '' && texts.length > 1)
      return 'has a comma without a host on both sides; write mysql://user@db-1,db-2/database';
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return 'must name a port from 1 to 65535';
    hosts.push({ host: host.replace(/^\[(.*)\]$/, '$1'), port: port === undefined ? null : Number(port) });
  }
  return hosts.length > mostHosts ? `must name at most ${mostHosts} hosts` : hosts;
}

/** Returns what is wrong with a storage URL, or null. */
export function storageUrlFault(url: string): string | null {
  const parsed = parseStorageUrl(url);
  return typeof parsed === 'string' ? parsed : null;
}
