/** The instants inside packages: SQLite's statements and commits, and the acknowledgement on an SSH channel. */
import Module from 'node:module';
import { Duplex } from 'node:stream';

import type { AtInstant } from './kill-hook.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;
interface Loader {
  _load: (request: string, ...rest: unknown[]) => unknown;
}

const acknowledgementBytes = 16;

export function watchPackages(atInstant: AtInstant): void {
  const loader = Module as unknown as Loader;
  const load = loader._load;
  let sqlite: SqlitePackage | null = null;
  watchChannels(atInstant);
  loader._load = function (this: unknown, request, ...rest) {
    const loaded = load.call(this, request, ...rest) as object;
    if (request === '@photostructure/sqlite') {
      sqlite ??= watchedSqlite(loaded as SqlitePackage, atInstant);
      return sqlite;
    }
    return loaded;
  };
}

interface SqlitePackage {
  readonly DatabaseSync: new (...args: unknown[]) => { exec: Method; prepare: Method };
}

/** Returns the package with watched methods. Replaces those of its objects, because its own cannot be replaced. */
function watchedSqlite(loaded: SqlitePackage, atInstant: AtInstant): SqlitePackage {
  const open = function (...args: unknown[]): object {
    const database = new loaded.DatabaseSync(...args);
    const { exec, prepare } = database;
    const watchedExec: Method = (...given) => {
      const verb = /^\w+/.exec(String(given[0]))?.[0].toUpperCase() ?? '';
      return atInstant(`sqlite ${verb}`, () => exec.apply(database, given));
    };
    const watchedPrepare: Method = (...given) => {
      const statement = prepare.apply(database, given) as { readonly run: Method };
      const { run } = statement;
      const watchedRun: Method = (...values) => atInstant('sqlite run', () => run.apply(statement, values));
      return Object.defineProperty(statement, 'run', { value: watchedRun });
    };
    return Object.defineProperties(database, { exec: { value: watchedExec }, prepare: { value: watchedPrepare } });
  };
  return { ...loaded, DatabaseSync: open as unknown as SqlitePackage['DatabaseSync'] };
}

/**
 * Watches acknowledgements on SSH channels. Recognizes a channel by its state for each direction, because ssh2 is
 * bundled into the program.
 */
function watchChannels(atInstant: AtInstant): void {
  const prototype = Duplex.prototype as unknown as { write: Method };
  const { write } = prototype;
  prototype.write = function (...args) {
    const bytes = Buffer.isBuffer(args[0]) && args[0].length === acknowledgementBytes ? args[0] : null;
    const work = (): unknown => write.apply(this, args);
    const isChannel = bytes !== null && 'incoming' in (this as object) && 'outgoing' in (this as object);
    return isChannel ? atInstant('acknowledge', work, bytes) : work();
  };
}
