import { existsSync } from 'node:fs';
import path from 'node:path';

/** A database server in the form in which tests start it. */
export interface ServerProduct {
  readonly name: 'MariaDB' | 'MySQL';
  /** The program and the words before its options. */
  readonly command: readonly string[];
  /** The command that fills an empty data folder. */
  readonly install: readonly string[];
  /** Lines of the configuration file that the other product does not know. */
  readonly settings: string;
  /** The RSA key for passwords, in the server's folder; null if the product has none. */
  readonly publicKey: string | null;
}

const binDirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const find = (program: string): string | null =>
  binDirs.map((dir) => path.join(dir, program)).find((file) => existsSync(file)) ?? null;

/**
 * Returns the server that tests start: MariaDB, or the MySQL of `npm run test:machines`; null if it is not installed.
 */
export function serverProduct(): ServerProduct | null {
  const root = process.env['FLEET_HEALTH_MYSQL'];
  return root === undefined || root === '' ? mariadb() : mysql(root);
}

function mariadb(): ServerProduct | null {
  const server = find('mariadbd');
  const installer = find('mariadb-install-db');
  if (server === null || installer === null) return null;
  return {
    name: 'MariaDB',
    command: [server],
    install: [installer],
    settings: 'innodb-log-file-size=64M\nperformance-schema=0',
    publicKey: null,
  };
}

/** Runs MySQL from a folder that holds a whole Debian, with that Debian's loader and libraries. */
function mysql(root: string): ServerProduct {
  const libraries = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib/mysql/private'];
  const loader = ['lib64/ld-linux-x86-64.so.2', 'lib/ld-linux-aarch64.so.1']
    .map((file) => path.join(root, file))
    .find((file) => existsSync(file));
  if (loader === undefined) throw new Error(`${root} holds no MySQL; run npm run test:machines`);
  const libraryPath = libraries.map((dir) => path.join(root, dir)).join(':');
  const command = [loader, '--library-path', libraryPath, path.join(root, 'usr/sbin/mysqld')];
  return {
    name: 'MySQL',
    command,
    install: command,
    settings: `basedir=${path.join(root, 'usr')}
plugin-dir=${path.join(root, 'usr/lib/mysql/plugin')}
secure-file-priv=
mysqlx=OFF
innodb-redo-log-capacity=128M
performance-schema=OFF`,
    publicKey: 'data/public_key.pem',
  };
}

/**
 * Returns the options of ServerProduct.install. Both products need --defaults-file first. A starting server enlarges
 * the log.
 */
export function installOptions({ name }: ServerProduct): readonly string[] {
  const smallLog = '--innodb-log-file-size=4M';
  return name === 'MySQL'
    ? ['--initialize-insecure']
    : ['--auth-root-authentication-method=normal', '--skip-test-db', smallLog];
}
