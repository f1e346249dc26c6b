import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { Database, Session, SqlValue } from '../../../src/storage/sql/database.ts';

/** The moment before a statement or commit of a database, or after a commit. */
export interface Moment {
  /** The number of the moment, from 1. */
  readonly count: number;
  readonly kind: 'read' | 'write' | 'commit' | 'committed';
  /** The statement; '' for commits. */
  readonly sql: string;
}

/** The error of a crashed program: every later call to the database fails, and no stage of a pass goes on. */
export class Died extends StorageFault {
  constructor(message: string) {
    super('damaged', message);
  }
}

/**
 * Returns the database with a call of `at` before each statement, and before and after each commit. The program crashes
 * there if `at` returns true. `at` may also kill or stop the process.
 */
export function withMoments(database: Database, at: (moment: Moment) => boolean | Promise<boolean>): Database {
  let count = 0;
  let isDead = false;
  const pass = async (kind: Moment['kind'], sql = ''): Promise<void> => {
    if (isDead) throw new Died('dead');
    count += 1;
    if (await at({ count, kind, sql })) {
      isDead = true;
      throw new Died(`died at ${count}: ${kind} ${sql.slice(0, 60)}`);
    }
  };
  const watched = ({ run, all, ...session }: Session, kind: 'read' | 'write'): Session => ({
    ...session,
    run: async (sql: string, values?: readonly SqlValue[]) => {
      await pass(kind, sql);
      return run(sql, values);
    },
    all: async (sql: string, values?: readonly SqlValue[]) => {
      await pass(kind, sql);
      return all(sql, values);
    },
  });
  return {
    read: (work) => database.read((session) => work(watched(session, 'read'))),
    write: async (work) => {
      const result = await database.write(async (session) => {
        const done = await work(watched(session, 'write'));
        await pass('commit');
        return done;
      });
      await pass('committed');
      return result;
    },
    readOnly: (sql) => database.readOnly(sql),
    space: () => database.space(),
    migrate: (work) => database.migrate(work),
    close: () => database.close(),
  };
}
