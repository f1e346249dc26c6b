import { numberOrNull, textOrNull } from '../rows/columns.ts';
import type { Session } from '../sql/database.ts';
import type { DiskDevice, InventoryParts, MemoryModule, NetworkCard } from '../store/detail-store.ts';
import type { InventoryKind } from '../store/figure-store.ts';

type FactRow = Readonly<Record<string, unknown>>;

/** Reads the parts of a machine from the facts of an inventory. A kind is null if the inventory does not have it. */
export function readInventoryParts(facts: unknown): InventoryParts {
  const families = objectOf(typeof facts === 'string' ? parsed(facts) : null);
  const rowsOf = <Part>(family: string, read: (row: FactRow) => Part): readonly Part[] | null => {
    const rows: unknown = families[family];
    return Array.isArray(rows) ? rows.map((row: unknown) => read(objectOf(row))) : null;
  };
  return {
    memoryModules: rowsOf('memory_module', memoryModule),
    diskDevices: rowsOf('disk_device', diskDevice),
    networkCards: rowsOf('network_card', networkCard),
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

function memoryModule(row: FactRow): MemoryModule {
  return {
    slot: textOrNull(row['slot']),
    type: textOrNull(row['type']),
    form: textOrNull(row['form']),
    manufacturer: textOrNull(row['manufacturer']),
    part: textOrNull(row['part']),
    serial: textOrNull(row['serial']),
    sizeBytes: numberOrNull(row['size_bytes']),
    megahertz: numberOrNull(row['megahertz']),
  };
}

function diskDevice(row: FactRow): DiskDevice {
  return {
    device: textOrNull(row['device']),
    vendor: textOrNull(row['vendor']),
    model: textOrNull(row['model']),
    serial: textOrNull(row['serial']),
    firmware: textOrNull(row['firmware']),
    kind: textOrNull(row['kind']),
    interface: textOrNull(row['interface']),
    sizeBytes: numberOrNull(row['size_bytes']),
  };
}

function networkCard(row: FactRow): NetworkCard {
  return {
    interface: textOrNull(row['interface']),
    address: textOrNull(row['address']),
    mac: textOrNull(row['mac']),
    type: textOrNull(row['type']),
    mtu: numberOrNull(row['mtu']),
  };
}

const kindsSql = `SELECT i.client, i.os, i.os_version, i.kernel, i.architecture, i.cpus, i.memory_bytes
  FROM clients c JOIN inventory i ON i.id = (SELECT n.id FROM inventory n WHERE n.client = c.name
    ORDER BY n.observed_at DESC, n.id DESC LIMIT 1)
  ORDER BY i.client`;

/** Implements NewestStore.inventoryKinds. */
export async function inventoryKinds(session: Session): Promise<readonly InventoryKind[]> {
  return (await session.all(kindsSql)).map((row) => ({
    client: String(row['client']),
    os: textOrNull(row['os']),
    osVersion: textOrNull(row['os_version']),
    kernel: textOrNull(row['kernel']),
    architecture: textOrNull(row['architecture']),
    cpus: numberOrNull(row['cpus']),
    memoryBytes: numberOrNull(row['memory_bytes']),
  }));
}
