import { numberOrNull, textOrNull } from '../rows/columns.ts';
import type { DiskDevice, InventoryParts, MemoryModule, NetworkCard } from '../store/detail-store.ts';

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
