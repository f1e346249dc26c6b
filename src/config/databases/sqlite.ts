import type { DatabaseConfig, DatabaseKind } from './database-kind.ts';

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
    if (/\?\w+=/.test(path)) return 'takes no options; the text behind sqlite: is the path';
    return { kind: 'sqlite', password: null };
  },
  read: (url, element) => ({ kind: 'sqlite', path: element.localPath(pathIn(url)), migrate: element.migrate }),
  defaultsOf: () => ({}),
  nameOf: ({ path }) => `sqlite:${path}`,
};

function pathIn(url: string): string {
  return url.slice('sqlite:'.length);
}
