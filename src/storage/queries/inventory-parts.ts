import type { Session } from '../sql/database.ts';
import { diskDevice, type InventoryParts, memoryModule, networkCard } from '../store/detail-store.ts';
import { type InventoryKind, inventoryKind } from '../store/figure-store.ts';

type FactRow = Readonly<Record<string, unknown>>;

/** Reads the parts of a machine from the facts of an inventory. A kind is null if the inventory does not have it. */
export function readInventoryParts(facts: unknown): InventoryParts {
  const families = objectOf(typeof facts === 'string' ? parsed(facts) : null);
  const rowsOf = <Part>(family: string, read: (row: FactRow) => Part): readonly Part[] | null => {
    const rows: unknown = families[family];
    return Array.isArray(rows) ? rows.map((row: unknown) => read(objectOf(row))) : null;
  };
  return {
    memoryModules: rowsOf('memory_module', memoryModule.read),
    diskDevices: rowsOf('disk_device', diskDevice.read),
    networkCards: rowsOf('network_card', networkCard.read),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function objectOf(value: unknown): FactRow {
  return typeof value === 'object' && value !== null ? (value as FactRow) : {};
}

const kindsSql = `SELECT i.client, i.os, i.os_version, i.kernel, i.architecture, i.cpus, i.memory_bytes
  FROM clients c JOIN inventory i ON i.id = (SELECT n.id FROM inventory n WHERE n.client = c.name
    ORDER BY n.observed_at DESC, n.id DESC LIMIT 1)
  ORDER BY i.client`;

/** Implements NewestStore.inventoryKinds. */
export async function inventoryKinds(session: Session): Promise<readonly InventoryKind[]> {
  return (await session.all(kindsSql)).map(inventoryKind.read);
}
