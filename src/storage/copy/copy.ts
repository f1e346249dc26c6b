/**
 * Copies a database into another one, of the same kind or of the other. Keeps ids, so that notified alerts stay
 * notified.
 */
import { hostname } from 'node:os';

import { FleetError } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import { createLeaseStore, fenced } from '../alerts/lease.ts';
import { nameOf, type StorageConfig } from '../../config/databases/kinds.ts';
import { driverOf } from '../dialects/drivers.ts';
import { openDatabase } from '../dialects/open-database.ts';
import { checkDatabase, migrateDatabase } from '../migrate/migrate.ts';
import { throwMismatch } from '../migrate/migration-state.ts';
import type { Database, Session } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { type Table, tables as allTables } from '../sql/tables.ts';
import type { Lease } from '../store/lease-store.ts';
import { carryCounters } from './carry-counters.ts';
import { type Claim, claimTarget, markWhole, refuseUsed } from './claim-target.ts';
import { copyTable } from './copy-table.ts';

export interface CopyOptions {
  readonly source: StorageConfig;
  readonly target: StorageConfig;
  readonly signal: AbortSignal;
  /** True if silences and acknowledgements that were made in the target are replaced. Default: they end the copy. */
  readonly overwrite?: boolean;
  /** Called before the first row with the number of rows that will be read. */
  readonly onStart: (rows: number) => void;
  /** Called with the number of rows that were just read. */
  readonly onRows: (rows: number) => void;
}

export interface CopyResult {
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly digest: string }[];
  /** The number of rows that the target lacked, or had otherwise. */
  readonly copied: number;
}

/** The most passes: a source that keeps changing is given up. */
const maxPasses = 4;
/** The passes in which rows may wait: two rows may block each other until both old ones are removed. */
const waitingPasses = 2;
/** Tables that `ack`, `silence`, `forget`, `rename` and the start of a run change. */
const changedByPeople = ['clients', 'alerts', 'silences', 'runs'];
/** The pause between renewals of the lease: a third of the time after which a lease is free. */
const touchMs = 20 * secondMs;
const alerterLease = 'alerter';

/**
 * Copies all rows, then compares all rows, until a pass finds both databases equal. Throws FleetError: `usage` if the
 * target has rows of its own, `locked` while an alerter is at work, `migration-mismatch`, `interrupted`, or a storage
 * fault. Rows that were copied stay, and the next call resumes there.
 */
export async function copyDatabase(options: CopyOptions): Promise<CopyResult> {
  const { signal } = options;
  const source = await openDatabase({ storage: options.source, program: 'change' });
  try {
    const target = await openDatabase({ storage: options.target, program: 'change' });
    try {
      return await copyLocked(source, target, options);
    } finally {
      await target.close();
    }
  } catch (thrown) {
    throw signal.aborted ? interrupted() : goesOn(thrown, driverOf(options.target).cannotHold);
  } finally {
    await source.close();
  }
}

/** Migrates a database as `collect` does, and returns its migrations. Throws FleetError `migration-mismatch`. */
async function schemaOf(database: Database, { migrate }: StorageConfig): Promise<readonly string[]> {
  const state = await (migrate ? migrateDatabase(database) : checkDatabase(database));
  throwMismatch(state, 'none');
  return state.applied;
}

function refuseOther(from: readonly string[], to: readonly string[]): void {
  if (from.join() === to.join()) return;
  throw new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message: `the one database has ${from.length} migrations, the other ${to.length}`,
    advice: 'Use the newer version of Fleet Health, whose `migrate` brings both to the same schema.',
  });
}

async function copyLocked(source: Database, target: Database, options: CopyOptions): Promise<CopyResult> {
  const tables = allTables.filter(({ isLocal = false }) => !isLocal);
  const [from, to] = [nameOf(options.source), nameOf(options.target)];
  const sourceSchema = await schemaOf(source, options.source);
  const sourceLease = await lease(source, from);
  try {
    const claim = { source, target, tables, from, to, overwrite: options.overwrite === true };
    await claimTarget(claim, async () => refuseOther(sourceSchema, await schemaOf(target, options.target)));
    const targetLease = await lease(target, to);
    try {
      return await copyUntilEqual({ claim, sourceLease, targetLease, options });
    } finally {
      await release(target, targetLease);
    }
  } finally {
    await release(source, sourceLease);
  }
}

/** Frees a lease. Ignores faults, because the lease also ends by itself. */
const release = (database: Database, taken: Lease): Promise<void> =>
  createLeaseStore(database)
    .releaseLease(taken)
    .catch(() => undefined);

async function lease(database: Database, name: string): Promise<Lease> {
  // The same holder for every copy of this machine, so that a killed copy does not delay the next.
  const taken = await createLeaseStore(database).takeLease(alerterLease, `copy on ${hostname()}`);
  if (taken !== null) return taken;
  throw new FleetError({
    code: 'locked',
    stage: 'storage',
    message: `an alerter is at work with ${name}`,
    advice: 'Start copy again when it has ended; nothing may write while copy runs.',
  });
}

interface Copy {
  readonly claim: Claim;
  readonly sourceLease: Lease;
  readonly targetLease: Lease;
  readonly options: CopyOptions;
}

interface Pass {
  readonly results: CopyResult['tables'];
  /** True if nothing was changed: all rows are equal. */
  readonly isQuiet: boolean;
}

async function copyUntilEqual({ claim, options, ...leases }: Copy): Promise<CopyResult> {
  const { source, target, tables } = claim;
  const startedAt = sqlTime(Date.now());
  let touchedAt = performance.now();
  const keepLeases = async (): Promise<void> => {
    if (options.signal.aborted) throw interrupted();
    if (performance.now() - touchedAt < touchMs) return;
    await createLeaseStore(source).touchLease(leases.sourceLease);
    await createLeaseStore(target).touchLease(leases.targetLease);
    touchedAt = performance.now();
  };
  const onPage = (rows: number): Promise<void> => {
    options.onRows(rows);
    return keepLeases();
  };
  options.onStart(2 * (await countRows(source, tables, keepLeases)));
  const write = (work: (session: Session) => Promise<void>): Promise<void> => fenced(target, leases.targetLease, work);
  const onRemoval = (): Promise<void> => refuseUsed(claim);
  let copied = 0;
  const copyAll = async (some: readonly Table[], mayWait: boolean): Promise<Pass> => {
    const results: CopyResult['tables'][number][] = [];
    const before = copied;
    for (const table of some) {
      const ways = { source, target, table, startedAt, mayWait, write, onRemoval, onPage };
      const { rows, digest, changed } = await copyTable(ways);
      results.push({ name: table.name, rows, digest });
      copied += changed;
    }
    return { results, isQuiet: copied === before };
  };
  for (let pass = 1; pass <= maxPasses; pass += 1) {
    const { results, isQuiet } = await copyAll(tables, pass <= waitingPasses);
    if (!isQuiet || pass === 1) continue;
    // A person may have changed rows that the pass had already compared.
    const again = await copyAll(
      tables.filter(({ name }) => changedByPeople.includes(name)),
      false,
    );
    if (!again.isQuiet) continue;
    await refuseUsed(claim);
    await carryCounters(source, target, tables);
    await markWhole(target);
    return { copied, tables: results };
  }
  throw new FleetError({
    code: 'locked',
    stage: 'storage',
    message: `${nameOf(options.source)} changes while it is copied`,
    advice: 'Stop every collector, alerter and `serve` that uses it, on other machines too, and start copy again.',
  });
}

async function countRows(source: Database, tables: readonly Table[], afterEach: () => Promise<void>): Promise<number> {
  let rows = 0;
  for (const { name } of tables) {
    const [row] = await source.read((session) => session.all(`SELECT COUNT(*) AS count FROM ${name}`));
    rows += Number(row?.['count']);
    await afterEach();
  }
  return rows;
}

function interrupted(): FleetError {
  return new FleetError({
    code: 'interrupted',
    stage: 'storage',
    message: 'the copy was ended before it was whole',
    advice: startAgain,
  });
}

const startAgain = 'Start the same command again: it goes on from there.';

/** Adds to a fault of a database that the copied rows are not lost. */
function goesOn(thrown: unknown, cannotHold: string | null): unknown {
  if (!(thrown instanceof StorageFault) || thrown.code === 'migration-mismatch') return thrown;
  const { kind, code, stage, message } = thrown;
  const isForEver = kind === 'duplicate' || kind === 'refused';
  const why = cannotHold === null ? '' : ` ${cannotHold}:`;
  const advice = isForEver
    ? `The target cannot hold a row as it is.${why} change the row in the source.`
    : `${thrown.advice} ${startAgain}`;
  return new FleetError({ code, stage, message, advice, cause: thrown });
}
