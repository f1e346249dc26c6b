import type { Database } from '../sql/database.ts';
import { insertRows } from '../sql/insert-rows.ts';
import type { LabelledClient } from '../store/storage.ts';

/** See ReportStore.saveLabels. Reads all labels, and writes those of clients that have others now. */
export async function saveLabels(database: Database, clients: readonly LabelledClient[]): Promise<void> {
  const rows = await database.read((session) => session.all('SELECT client, name, value FROM client_labels'));
  const stored = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const client = String(row['client']);
    const own = stored.get(client) ?? new Map<string, string>();
    stored.set(client, own.set(String(row['name']), String(row['value'])));
  }
  const changed = clients.filter(({ name, labels }) => {
    const [before, now] = [stored.get(name), Object.entries(labels)];
    return (before?.size ?? 0) !== now.length || now.some(([label, value]) => before?.get(label) !== value);
  });
  if (changed.length === 0) return;
  await database.write(async (session) => {
    for (const { name } of changed) await session.run('DELETE FROM client_labels WHERE client = ?', [name]);
    const values = changed.flatMap(({ name: client, labels }) =>
      Object.entries(labels).map(([name, value]) => ({ client, name, value })),
    );
    await insertRows(session, 'client_labels', values);
  });
}
