import { describeSize } from '../../../text/numbers.ts';
import { numberOrNull, textOrNull } from '../../store/record-shape.ts';
import type { Session, SqlRow, SqlValue } from '../../sql/database.ts';
import { forChunks } from '../../sql/insert-rows.ts';
import type { DiskDevice, NetworkCard } from '../../store/detail-store.ts';
import type { InventoryChange, InventoryFacts } from '../../store/digest-store.ts';
import { readInventoryParts } from '../inventory-parts.ts';

// By the index on client and observed_at: one lookup for each client.
const changedSql = `SELECT DISTINCT i.client AS client FROM clients c
  JOIN inventory i ON i.client = c.name AND i.observed_at >= ? AND i.observed_at < ? ORDER BY i.client LIMIT ?`;
/** The newest inventories of clients before a time. Values: the time, the clients. */
const newestSql = `SELECT i.client, i.os, i.os_version, i.kernel, i.cpu_model, i.cpus, i.memory_bytes, i.facts
  FROM clients c
  JOIN inventory i ON i.id = (SELECT n.id FROM inventory n WHERE n.client = c.name AND n.observed_at < ?
    ORDER BY n.observed_at DESC, n.id DESC LIMIT 1)
  WHERE c.name IN`;

/** Implements DigestStore.inventoryChanges. */
export async function inventoryChanges(
  session: Session,
  [since, until]: readonly [string, string],
  limit: number,
): Promise<readonly InventoryChange[]> {
  const changed = (await session.all(changedSql, [since, until, String(limit)])).map((row) => row['client'] ?? null);
  const before = await newestFacts(session, since, changed);
  const after = await newestFacts(session, until, changed);
  return [...before].flatMap(([client, was]) => {
    const now = after.get(client);
    return now === undefined ? [] : [{ client, before: was, after: now }];
  });
}

async function newestFacts(
  session: Session,
  time: string,
  clients: readonly SqlValue[],
): Promise<ReadonlyMap<string, InventoryFacts>> {
  const rows = await forChunks(clients, async (chunk, marks) =>
    (await session.all(`${newestSql} (${marks})`, [time, ...chunk])).map(
      (row) => [String(row['client']), factsOf(row)] as const,
    ),
  );
  return new Map([...rows].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function factsOf(row: SqlRow): InventoryFacts {
  const { diskDevices, networkCards } = readInventoryParts(row['facts']);
  const os = [textOrNull(row['os']), textOrNull(row['os_version'])].filter((word) => word !== null).join(' ');
  return {
    os: os === '' ? null : os,
    kernel: textOrNull(row['kernel']),
    cpuModel: textOrNull(row['cpu_model']),
    cpus: numberOrNull(row['cpus'] ?? null),
    memoryBytes: numberOrNull(row['memory_bytes'] ?? null),
    disks: diskDevices?.map(diskName) ?? null,
    cards: networkCards?.map(cardName) ?? null,
  };
}

function diskName({ device, model, serial, sizeBytes }: DiskDevice): string {
  const size = sizeBytes === null ? null : describeSize(sizeBytes);
  return joined([model ?? device, size, serial === null ? null : `serial ${serial}`]);
}

function cardName({ interface: name, mac }: NetworkCard): string {
  return joined([name, mac]);
}

function joined(words: readonly (string | null)[]): string {
  return words.filter((word) => word !== null && word !== '').join(' ');
}
