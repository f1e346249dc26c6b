/** src/storage/reports: the collector's statements. */
import type { Database } from '../sql/database.ts';
import { insertRows, placeholders } from '../sql/insert-rows.ts';
import type { LabelledClient } from '../store/storage.ts';

/** The clients of one transaction. If the run ends early, earlier transactions stay. */
const batch = 500;

/** Implements ReportStore.saveLabels. Reads all labels, and writes the labels of clients that have changed. */
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
  for (let start = 0; start < changed.length; start += batch) {
    const some = changed.slice(start, start + batch);
    const known = some.flatMap(({ name }) => (stored.has(name) ? [name] : []));
    const values = some.flatMap(({ name: client, labels }) =>
      Object.entries(labels).map(([name, value]) => ({ client, name, value })),
    );
    await database.write(async (session) => {
      const where = `client IN (${placeholders(known.length)})`;
      if (known.length > 0) await session.run(`DELETE FROM client_labels WHERE ${where}`, known);
      await insertRows(session, 'client_labels', values);
    });
  }
}
