import type { DatabaseConfig, DatabaseKind } from '../../sql/database-kind.ts';

export interface SqliteConfig extends DatabaseConfig {
  readonly kind: 'sqlite';
  readonly path: string;
}

export const sqliteKind: DatabaseKind<SqliteConfig> = {
  name: 'sqlite',
  title: 'SQLite',
  isFile: true,
  schemes: ['sqlite'],
  beginning: 'sqlite:',
  urlForm: 'sqlite:PATH',
  urlHelp: null,
  attributes: {},
  parseUrl: (url) => {
    const path = pathIn(url);
    if (path === '' || path.startsWith('//'))
      return 'must name a file, like sqlite:fleet.db or sqlite:/var/lib/fleet.db';
    if (path.startsWith(':memory:')) return 'must name a file; a database in memory is lost with the run';
    return { kind: 'sqlite', password: null };
  },
  read: (url, element) => ({ kind: 'sqlite', path: element.localPath(pathIn(url)), migrate: element.migrate }),
  defaultsOf: () => ({}),
  nameOf: ({ path }) => `sqlite:${path}`,
  exists: async ({ path }) => !(await import('./faults.ts')).isFileMissing(path),
  checkPlace: async ({ path }) => (await import('./check-place.ts')).checkPlace(path),
  open: async ({ path }, options) => (await import('./database.ts')).openSqliteDatabase({ path, ...options }),
  backUp: async ({ path: source }, target, signal) =>
    (await import('./back-up.ts')).backUpSqlite({ source, target, signal }),
  vacuumAdvice: null,
  vacuum: async ({ path }, space) => (await import('./vacuum.ts')).vacuum(path, space).freedBytes,
  cannotHold: null,
};

function pathIn(url: string): string {
  return url.slice('sqlite:'.length);
}
