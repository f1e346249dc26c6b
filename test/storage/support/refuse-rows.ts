/** A database that refuses the rows of some clients, or all rows, as if somebody had changed its schema. */
type Migrating = {
  migrate: (work: (session: { run: (sql: string) => Promise<number> }) => Promise<void>) => Promise<void>;
};

export function refuseClients(
  kind: 'sqlite' | 'mysql',
  database: Migrating,
  clients: readonly string[],
): Promise<void> {
  return refuseWhere(kind, database, `client IN (${clients.map((client) => `'${client}'`).join(', ')})`);
}

export async function refuseWhere(kind: 'sqlite' | 'mysql', database: Migrating, condition: string): Promise<void> {
  const sql =
    kind === 'sqlite'
      ? `CREATE TRIGGER client_not_wanted BEFORE INSERT ON disk_stats WHEN NEW.${condition}
         BEGIN SELECT RAISE(ABORT, 'client_not_wanted'); END`
      : `ALTER TABLE disk_stats ADD CONSTRAINT client_not_wanted CHECK (NOT (${condition}))`;
  await database.migrate(async (session) => {
    await session.run(sql);
  });
}
