import { rollupColumns, rollupSources, rollupTable, type RollupSource, type RollupSpan } from '../sql/rollups.ts';
import type { Dialect, SchemaObject, Session } from '../sql/database.ts';
import { StorageFault, type FaultKind } from '../sql/fault.ts';
import { createdName } from '../sql/schema-objects.ts';
import type { MigrationFile } from './migration-files.ts';

/**
 * Returns the statements that make the views of figures anew, whichever there were: the columns of report/metrics.ts
 * are their columns. MySQL lists the columns of `*` when it makes a view. Databases get them with a migration alone.
 */
export function viewStatements(dialect: Dialect): readonly string[] {
  return selects(dialect).flatMap(([name, select]) => dialect.replaceView(name, select));
}

/**
 * Makes the views of figures. An object of the same name that this program has not made stays: nobody stores by these
 * views. Returns a sentence for each view that is not made. `isMissing`: makes those alone that are not there. Throws
 * StorageFault.
 */
export async function makeViews(
  session: Session,
  files: readonly MigrationFile[],
  isMissing = false,
): Promise<readonly string[]> {
  const { dialect } = session;
  const views = selects(dialect);
  const there = await dialect.schema(
    session,
    views.map(([name]) => name),
  );
  const notes: string[] = [];
  for (const [name, select] of views) {
    const other = there.find((one) => one.name === name);
    const made = dialect.replaceView(name, select);
    if (other?.kind === 'view' && isMissing) continue;
    if (other !== undefined && !(await isOwn(session, other, files, made))) {
      notes.push(notMade(other));
    } else {
      try {
        for (const statement of made) await session.run(statement);
      } catch (thrown) {
        // A view that it reads is one that was not made.
        if (!(thrown instanceof StorageFault && thrown.kind === 'schema') || notes.length === 0) throw thrown;
        notes.push(`the view ${name}, which people read, was not made: ${thrown.message}`);
      }
    }
  }
  return notes;
}

function notMade({ name, kind }: Pick<SchemaObject, 'name' | 'kind'>): string {
  return (
    `the view ${name}, which people read, was not made: the ${kind} of that name is not of Fleet Health, and stays. ` +
    'Rename it, and run `fleet-health migrate`'
  );
}

/** Returns a sentence for each view of figures that is missing. Throws StorageFault. */
export async function missingViewNotes(session: Session): Promise<readonly string[]> {
  const names = selects(session.dialect).map(([name]) => name);
  const there = new Map((await session.dialect.schema(session, names)).map((one) => [one.name, one]));
  return names.flatMap((name) => {
    const other = there.get(name);
    if (other === undefined) return `the view ${name}, which people read, is missing: run \`fleet-health migrate\``;
    return other.kind === 'view' ? [] : notMade(other);
  });
}

/** The faults of a statement of an earlier program that does not fit to the tables of today. */
const unmakeable: readonly FaultKind[] = ['schema', 'refused', 'broken'];

/** The prefix of names of copies, which exist while they are compared with a view. */
const copyPrefix = 'comparing_';

/**
 * True if a migration of the package, or an earlier program, has made the object: a view that reads the same tables in
 * the same way. Its columns may be fewer, because figures have been added since.
 */
async function isOwn(
  session: Session,
  { name, kind, definition }: SchemaObject,
  files: readonly MigrationFile[],
  made: readonly string[],
): Promise<boolean> {
  if (kind !== 'view') return false;
  const statements = [...files.flatMap(({ steps }) => steps), ...made];
  const copy = `${copyPrefix}${name}`;
  for (const statement of new Set(statements.filter((one) => isMadeBy(one, name)).toReversed())) {
    const [first] = await copied(session, copy, statement.replace(name, copy));
    if (first !== undefined && skeletonOf(first.definition.replaceAll(copy, name)) === skeletonOf(definition))
      return true;
  }
  return false;
}

function isMadeBy(statement: string, name: string): boolean {
  return / VIEW /.test(statement) && createdName(statement) === name;
}

/** Returns the description of a view that is made and removed again. Returns none if it can be made no more. */
async function copied(session: Session, name: string, sql: string): Promise<readonly SchemaObject[]> {
  const { dialect } = session;
  await dialect.drop(session, await dialect.schema(session, [name]));
  try {
    await session.run(sql);
    return await dialect.schema(session, [name]);
  } catch (thrown) {
    if (thrown instanceof StorageFault && unmakeable.includes(thrown.kind)) return [];
    throw thrown;
  } finally {
    await dialect.drop(session, await dialect.schema(session, [name]));
  }
}

function skeletonOf(definition: string): string {
  return definition.replace(/\bselect\b.*?\bfrom\b/gis, 'select from').toLowerCase();
}

type View = readonly [name: string, select: string];

function selects(dialect: Dialect): readonly View[] {
  return [
    ['latest_stats', latestSql(dialect)],
    ['present_stats', presentSql(dialect)],
    ...rollupSources.flatMap((source) =>
      (['hour', 'day'] as const).map(
        (span) => [`${source.table}_by_${span}`, bySpanSql(dialect, source, span)] as const,
      ),
    ),
  ];
}

/**
 * Returns the newest row of every client. A row more than an hour ahead of the database's clock was stored under a
 * wrong clock: it is the newest only of a client that has no other.
 */
function latestSql({ farAhead }: Dialect): string {
  return `SELECT s.*, c.address FROM clients c JOIN stats s ON s.id = COALESCE(
    (SELECT n.id FROM stats n WHERE n.client = c.name AND n.observed_at <= ${farAhead}
      ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
    (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1))`;
}

/**
 * Returns latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client:
 * they were removed from config.xml. A visit more than an hour ahead of the database's clock counts for its own client
 * alone.
 */
function presentSql(dialect: Dialect): string {
  return `SELECT l.* FROM latest_stats l JOIN clients c ON c.name = l.client WHERE c.last_visit_at >=
    (SELECT ${dialect.dayBefore('MAX(v.last_visit_at)')} FROM clients v WHERE v.last_visit_at <= ${dialect.farAhead})`;
}

/**
 * Returns all that is known, by the hour or by the day: what was kept of rows that were removed, and each row that is
 * there as a part of its hour or day. The columns are those of the rollup: each figure is its own least, mean and
 * greatest.
 */
function bySpanSql(dialect: Dialect, source: RollupSource, span: RollupSpan): string {
  const { table, from = table, subject, metrics } = source;
  const observedAt = `${from === table ? table : 'stats'}.observed_at`;
  const time = dialect.spanOf(span, observedAt);
  const subjects = subject === null ? [] : [subject];
  const figures = metrics.flatMap((name) => [name, name, name, `CASE WHEN ${name} IS NULL THEN 0 ELSE 1 END`]);
  return `SELECT ${rollupColumns(source, span).join(', ')} FROM ${rollupTable(source, span)} UNION ALL
    SELECT ${['client', time, ...subjects, '1', ...figures].join(', ')} FROM ${from}`;
}
