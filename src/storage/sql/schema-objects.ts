import type { SchemaObject, Session } from './database.ts';

/** Returns the name of the table, view or index that a step of a migration creates; null if it creates none. */
export function createdName(step: string): string | null {
  return /^CREATE (?:[A-Z]+ )*?(?:TABLE|VIEW|INDEX) (?:IF NOT EXISTS )?(\w+)/.exec(step)?.[1] ?? null;
}

/** Removes views, then tables with their indices. */
export async function dropViewsFirst(session: Session, objects: readonly SchemaObject[]): Promise<void> {
  for (const kind of ['view', 'table'] as const) {
    for (const object of objects) {
      if (object.kind === kind) await session.run(`DROP ${kind.toUpperCase()} ${object.name}`);
    }
  }
}
