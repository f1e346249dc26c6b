import { FleetError } from '../../errors.ts';
import { namedUpTo } from '../../text/numbers.ts';
import type { SchemaObject, Session } from '../sql/database.ts';
import { placeholders } from '../sql/insert-rows.ts';
import type { MigrationFile } from './migration-files.ts';
import { schemaMajor } from './migration-state.ts';

/** Copies of what the files make have this before their names, for as long as they are compared. */
const copyPrefix = 'adopting_';

/**
 * Records the files whose statements somebody has run by hand, in order, on a database without records of migrations.
 * The files are run again under other names, and both results are compared. Returns the adopted files: none in a
 * database without tables of those names. Throws FleetError `migration-mismatch` if the tables are others.
 */
export async function adoptSchema(
  session: Session,
  files: readonly MigrationFile[],
): Promise<readonly MigrationFile[]> {
  const names = [...new Set(files.flatMap(({ steps }) => steps.flatMap(createdName)))];
  const { dialect } = session;
  const there = await dialect.schema(session, names);
  if (there.length === 0) return [];
  const copies = names.map((name) => `${copyPrefix}${name}`);
  const pattern = new RegExp(`\\b(${names.join('|')})\\b`, 'g');
  let adopted: readonly MigrationFile[] = [];
  let least: readonly string[] | null = null;
  await drop(session, await dialect.schema(session, copies));
  try {
    for (const [index, { steps }] of files.entries()) {
      for (const step of steps) await session.run(step.replace(pattern, `${copyPrefix}$1`));
      const different = differences(there, (await dialect.schema(session, copies)).map(renamedBack));
      if (different.length === 0) adopted = files.slice(0, index + 1);
      if (least === null || different.length <= least.length) least = different;
    }
  } finally {
    await drop(session, await dialect.schema(session, copies));
  }
  if (adopted.length === 0) throw mismatch(files, least ?? []);
  await record(session, adopted);
  return adopted;
}

function createdName(step: string): readonly string[] {
  const name = /^CREATE (?:OR REPLACE |UNIQUE |SQL SECURITY INVOKER )*(?:TABLE|VIEW|INDEX) (\w+)/.exec(step)?.[1];
  return name === undefined ? [] : [name];
}

function renamedBack({ name, kind, definition }: SchemaObject): SchemaObject {
  const back = (text: string): string => text.replaceAll(copyPrefix, '');
  return { name: back(name), kind, definition: back(definition) };
}

function differences(there: readonly SchemaObject[], wanted: readonly SchemaObject[]): readonly string[] {
  const definitions = new Map(wanted.map(({ name, definition }) => [name, definition]));
  const known = new Set(there.map(({ name }) => name));
  return [
    ...there.flatMap(({ name, definition }) => {
      const other = definitions.get(name);
      return other === definition ? [] : [`${name} is ${other === undefined ? 'too much' : 'another'}`];
    }),
    ...wanted.flatMap(({ name }) => (known.has(name) ? [] : [`${name} is missing`])),
  ];
}

async function drop(session: Session, objects: readonly SchemaObject[]): Promise<void> {
  for (const kind of ['view', 'table'] as const) {
    for (const object of objects) {
      if (object.kind === kind) await session.run(`DROP ${kind.toUpperCase()} ${object.name}`);
    }
  }
}

/** Records every step in one statement: a crash leaves all of them or none. */
async function record(session: Session, files: readonly MigrationFile[]): Promise<void> {
  const rows = files.flatMap(({ number, name, digest, steps }) =>
    steps.map((_, index) => [number, index + 1, name, digest, schemaMajor]),
  );
  const { now } = session.dialect;
  const row = `(${placeholders(5)}, ${now}, ${now})`;
  await session.run(
    `INSERT INTO migrations (number, step, name, digest, major, started_at, applied_at)
     VALUES ${rows.map(() => row).join(', ')}`,
    rows.flat(),
  );
}

function mismatch(files: readonly MigrationFile[], different: readonly string[]): FleetError {
  const range = `${files[0]?.name ?? ''} to ${files.at(-1)?.name ?? ''}`;
  return new FleetError({
    code: 'migration-mismatch',
    stage: 'storage',
    message: `the tables were not made by a migration, and not by the files ${range} in order: ${namedUpTo(5, different)}`,
    advice: 'Give Fleet Health a database of its own.',
  });
}
