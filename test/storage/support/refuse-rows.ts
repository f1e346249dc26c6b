import type { Kit } from './databases.ts';

/** A database that refuses the rows of some clients, or all rows, as if somebody had changed its schema. */
type Migrating = {
  migrate: (work: (session: { run: (sql: string) => Promise<number> }) => Promise<void>) => Promise<void>;
};

export function refuseClients(kit: Pick<Kit, 'own'>, database: Migrating, clients: readonly string[]): Promise<void> {
  return refuseWhere(kit, database, `client IN (${clients.map((client) => `'${client}'`).join(', ')})`);
}

export async function refuseWhere({ own }: Pick<Kit, 'own'>, database: Migrating, condition: string): Promise<void> {
  await database.migrate(async (session) => {
    await session.run(own.refuseRows(condition));
  });
}
