import type { Database, Session } from '../../../src/storage/sql/database.ts';

export interface CrashOptions {
  /** The number of the statement, counted from 1 over all statements within transactions. */
  readonly statement: number;
  readonly when: 'before' | 'after';
  /** Simulates the crash: throws, kills the connection, or ends or stops the process. Called once. */
  readonly crash: () => void | Promise<void>;
}

/** Returns the same database with a crash at one statement of a write, and a counter of the statements so far. */
export function crashingDatabase(database: Database, options: CrashOptions) {
  let count = 0;
  const counted =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      count += 1;
      const isIt = count === options.statement;
      if (isIt && options.when === 'before') await options.crash();
      const result = await work(...args);
      if (isIt && options.when === 'after') await options.crash();
      return result;
    };
  const counting = (session: Session) => ({ ...session, run: counted(session.run), all: counted(session.all) });
  const crashing = wrapped(database, (work) => database.write((session) => work(counting(session))));
  return { statements: () => count, database: crashing };
}

/**
 * Returns the same database, but each transaction runs twice, as in a retry after a lost answer to the first COMMIT.
 */
export function commitTwice(database: Database): Database {
  return wrapped(database, async (work) => {
    await database.write(work);
    return database.write(work);
  });
}

/** Returns the same database, but its clock returns `nowMs`. */
export function atTime(database: Database, nowMs: () => number): Database {
  const text = (timeMs: number): string => `'${new Date(timeMs).toISOString().slice(0, 23).replace('T', ' ')}'`;
  const timed = (session: Session): Session => {
    const times = { now: text(nowMs()), farAhead: text(nowMs() + 3_600_000) };
    return { ...session, dialect: { ...session.dialect, ...times } };
  };
  return {
    ...wrapped(database, (work) => database.write((session) => work(timed(session)))),
    read: (work) => database.read((session) => work(timed(session))),
  };
}

function wrapped(database: Database, write: <T>(work: (session: Session) => Promise<T>) => Promise<T>): Database {
  return {
    read: (work) => database.read(work),
    write,
    readOnly: (sql) => database.readOnly(sql),
    space: () => database.space(),
    migrate: (work) => database.migrate(work),
    close: () => database.close(),
  };
}
