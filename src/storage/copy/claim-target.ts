import { usageError } from '../../platform/errors/errors.ts';
import { namedUpTo } from '../../text/numbers.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import { placeholders } from '../sql/insert-rows.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import type { Table } from '../sql/tables.ts';

export interface Claim {
  readonly source: Database;
  readonly target: Database;
  readonly tables: readonly Table[];
  /** Names of the databases, for people. */
  readonly from: string;
  readonly to: string;
  /** True if silences and acknowledgements that were made in the target are replaced. */
  readonly overwrite: boolean;
}

/** The row of `leases` in a database that is a copy. Its holder names the source. */
const mark = 'copy';
const markChars = 255;
const lookedAt = 100;

/**
 * Marks an empty target as a copy of the source, or recognises the mark, and then makes the target's schema. Throws
 * FleetError `usage` for a target with rows of its own, and does not change it.
 */
export async function claimTarget(claim: Claim, makeSchema: () => Promise<void>): Promise<void> {
  const { target, from, to } = claim;
  const holder = `copy of ${from}`.slice(0, markChars);
  const sql = 'SELECT holder, touched, touched_at FROM leases WHERE name = ?';
  const [marked] = await target.read((session) => session.all(sql, [mark]).catch(noneWithoutTable));
  if (marked === undefined) {
    const filled = await target.read((session) => filledTables(session, claim.tables));
    if (filled.length > 0) {
      throw usageError(`${to} is not empty, and no copy of ${from}: ${namedUpTo(5, filled)} has rows`, emptyAdvice);
    }
  } else {
    const known = String(marked['holder']);
    if (known !== holder) throw usageError(`${to} is a ${known}, not of ${from}`, emptyAdvice);
    await refuseUsed(claim);
    if (!claim.overwrite) await refuseOperated(claim, marked);
  }
  await makeSchema();
  if (marked !== undefined) return;
  await target.write(async (session) => {
    const insertSql = `INSERT INTO leases (name, epoch, holder, touched, touched_at)
      VALUES (?, 1, ?, 0, ${session.dialect.now})`;
    await session.run(insertSql, [mark, holder]);
  });
}

function noneWithoutTable(thrown: unknown): readonly SqlRow[] {
  if (thrown instanceof StorageFault && thrown.kind === 'schema') return [];
  throw thrown;
}

const emptyAdvice = 'Name a database that is empty, or a file that does not exist yet.';

async function filledTables(session: Session, tables: readonly Table[]): Promise<readonly string[]> {
  const filled: string[] = [];
  for (const { name, key } of tables) {
    const rows = await session.all(`SELECT ${key[0] ?? ''} FROM ${name} LIMIT 1`).catch(noneWithoutTable);
    if (rows.length > 0) filled.push(name);
  }
  return filled;
}

/**
 * Throws FleetError `usage` if a collector or alerter has run on the target since the copy, or if the source was made
 * anew since then and knows no newest run of the target.
 */
export async function refuseUsed({ source, target, from, to }: Claim): Promise<void> {
  const newestSql = 'SELECT id, started_at FROM runs ORDER BY started_at DESC, id DESC LIMIT ?';
  const newest = await target.read((session) => session.all(newestSql, [String(lookedAt)]));
  if (newest.length === 0) return;
  const ids = newest.map((row) => row['id'] ?? null);
  const { known, oldest } = await source.read(async (session) => ({
    known: await session.all(`SELECT id FROM runs WHERE id IN (${placeholders(ids.length)})`, ids),
    oldest: await session.all('SELECT MIN(started_at) AS at FROM runs'),
  }));
  const knownIds = new Set(known.map((row) => row['id']));
  const oldestAt = String(oldest[0]?.['at'] ?? '');
  // The source may have removed runs that are older than its retention.
  const isOwn = (row: SqlRow): boolean => !knownIds.has(row['id']) && String(row['started_at']) >= oldestAt;
  const own = known.length === 0 ? newest[0] : newest.find(isOwn);
  if (own === undefined) return;
  throw usageError(
    `${to} has been used since it was copied, or ${from} was made anew: it has no run of ${String(own['started_at'])}`,
    'It would lose what it has since then. To copy it back, name it in config.xml and a new database with --to.',
  );
}

/** Records that the target is equal to its source now, and in `touched` the last silence that was copied. */
export async function markWhole(target: Database): Promise<void> {
  await target.write((session) =>
    session.run(
      `UPDATE leases SET touched = (SELECT COALESCE(MAX(id), 0) FROM silences), touched_at = ${session.dialect.now}
        WHERE name = ?`,
      [mark],
    ),
  );
}

const silencesSql = 'SELECT id, client, rule, subject, starts_at, author, comment FROM silences';
const acknowledgedSql = 'SELECT id, client, acknowledged_by FROM alerts WHERE acknowledged_at';

/**
 * Throws FleetError `usage` if the target has a silence or an acknowledgement that is younger than the copy and that
 * the source lacks.
 */
async function refuseOperated({ source, target, from, to }: Claim, marked: SqlRow): Promise<void> {
  const [copiedAt, lastSilence] = [String(marked['touched_at']), Number(marked['touched'])];
  const [silences, acknowledged] = await target.read(async (session) => [
    await session.all(`${silencesSql} WHERE starts_at >= ? AND id > ? ORDER BY id`, [copiedAt, lastSilence]),
    await session.all(`${acknowledgedSql} >= ? ORDER BY id`, [copiedAt]),
  ]);
  const [knownSilences, knownOnes] = await source.read(async (session) => [
    silences.length === 0 ? [] : await session.all(silencesSql),
    acknowledged.length === 0 ? [] : await session.all(`${acknowledgedSql} IS NOT NULL`),
  ]);
  const own = [
    ...missing(silences, knownSilences, textOfSilence).map(
      ({ id, client }) => `silence ${String(id)} of ${String(client)}`,
    ),
    ...missing(acknowledged, knownOnes, (row) => JSON.stringify(row)).map(
      ({ id, client }) => `acknowledgement of alert ${String(id)} of ${String(client)}`,
    ),
  ];
  if (own.length === 0) return;
  throw usageError(
    `${to} has what ${from} does not have, made since it was copied: ${namedUpTo(5, own)}`,
    'Make it in the source too. Then start copy with --overwrite, which gives the target what the source has.',
  );
}

function missing(
  rows: readonly SqlRow[],
  known: readonly SqlRow[],
  textOf: (row: SqlRow) => string,
): readonly SqlRow[] {
  const texts = new Set(known.map(textOf));
  return rows.filter((row) => !texts.has(textOf(row)));
}

/**
 * Returns a text that identifies a silence, also one that was ended early. Omits its id, which may differ in the
 * source.
 */
function textOfSilence({ client, rule, subject, starts_at: from, author, comment }: SqlRow): string {
  return JSON.stringify([client, rule, subject, fromSqlTime(from), author, comment]);
}
