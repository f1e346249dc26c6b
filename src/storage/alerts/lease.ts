import { minuteMs } from '../../platform/units.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import type { Lease, LeaseStore } from '../store/lease-store.ts';
import type { Database, Session } from '../sql/database.ts';
import { databaseNowMs, fromSqlTime } from '../sql/sql-time.ts';

/** The time after which a holder that has stored nothing counts as dead. */
const staleMs = minuteMs;

// The holder of a free lease. The row stays, so that epochs only ever grow.
const nobody = '';

export function createLeaseStore(database: Database): LeaseStore {
  return {
    takeLease: (name, holder) => takeLease(database, name, holder),
    leaseHolder: async (name) => {
      const sql = 'SELECT holder FROM leases WHERE name = ? AND holder <> ?';
      const [row] = await database.read((session) => session.all(sql, [name, nobody]));
      return row === undefined ? null : String(row['holder']);
    },
    touchLease: (lease) => fenced(database, lease, () => Promise.resolve()),
    releaseLease: async ({ name, epoch, holder }) => {
      const sql = 'UPDATE leases SET holder = ? WHERE name = ? AND epoch = ? AND holder = ?';
      await database.write((session) => session.run(sql, [nobody, name, epoch, holder]));
    },
  };
}

/** Implements LeaseStore.takeLease. */
export async function takeLease(database: Database, name: string, holder: string): Promise<Lease | null> {
  return database.write(async (session) => {
    const { dialect } = session;
    const selectSql = `SELECT epoch, holder, touched_at FROM leases WHERE name = ?${dialect.forUpdate}`;
    const [row] = await session.all(selectSql, [name]);
    if (row === undefined) {
      const insertSql = `INSERT INTO leases (name, epoch, holder, touched, touched_at)
        VALUES (?, 1, ?, 0, ${dialect.now})`;
      await session.run(insertSql, [name, holder]);
      return { name, epoch: 1, holder };
    }
    // Queried after the wait for the row's lock: a statement's clock stands still while the statement waits.
    const nowMs = await databaseNowMs(session);
    const touchedAtMs = fromSqlTime(row['touched_at']) ?? 0;
    const isFree = row['holder'] === nobody || row['holder'] === holder || Math.abs(nowMs - touchedAtMs) > staleMs;
    if (!isFree) return null;
    const before = Number(row['epoch']);
    // A node of a cluster locks the row for itself alone.
    const takeSql = `UPDATE leases SET epoch = ?, holder = ?, touched_at = ${dialect.now} WHERE name = ? AND epoch = ?`;
    const taken = await session.run(takeSql, [before + 1, holder, name, before]);
    return taken === 1 ? { name, epoch: before + 1, holder } : null;
  });
}

/**
 * Takes the alerter's lease from its holder, because the rows that the holder has read are out of date. The mark of a
 * copy stays.
 */
export async function revokeLeases(session: Session): Promise<void> {
  await session.run("UPDATE leases SET epoch = epoch + 1, holder = ? WHERE name <> 'copy'", [nobody]);
}

/**
 * Runs work in one transaction that only the lease's holder can commit. If the answer to a commit is lost and the
 * transaction is made again, the work is not repeated. Throws FleetError `locked` if another holder has the lease.
 */
export async function fenced<T>(database: Database, lease: Lease, work: (session: Session) => Promise<T>): Promise<T> {
  // The result of an earlier attempt, and the lease's count after that attempt. If the attempt was undone, the count is
  // the same.
  let earlier: { readonly touched: number; readonly result: T } | null = null;
  return database.write(async (session) => {
    const touched = await touch(session, lease);
    if (earlier !== null && touched > earlier.touched) return earlier.result;
    const result = await work(session);
    earlier = { touched, result };
    return result;
  });
}

async function touch(session: Session, lease: Lease): Promise<number> {
  const { name, epoch, holder } = lease;
  // A database that has forgotten an epoch gives it again, to another holder.
  const fenceSql = `UPDATE leases SET touched = touched + 1, touched_at = ${session.dialect.now}
    WHERE name = ? AND epoch = ? AND holder = ?`;
  const count = await session.run(fenceSql, [name, epoch, holder]);
  if (count !== 1) {
    throw new FleetError({
      code: 'locked',
      stage: 'storage',
      message: `the lease ${name} of ${lease.holder} was taken over by somebody else`,
    });
  }
  const [row] = await session.all('SELECT touched FROM leases WHERE name = ?', [name]);
  return Number(row?.['touched']);
}
