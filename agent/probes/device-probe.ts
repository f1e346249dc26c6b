import type { BuiltInCheck } from './collected.ts';
import type { Probe } from './probe.ts';
import { isContainer } from './virtualisation.ts';

/** The files of one device. Names begin with `/`; '' is the device itself. */
export interface Device {
  readonly name: string;
  /** The folder with notes of the inventory; null if nothing can be kept. */
  readonly placeDir: string | null;
  /** Returns a trimmed text; '' if it cannot be read. */
  readonly read: (file: string) => string;
  readonly list: (folder: string) => readonly string[];
  /** Returns how many errors were added since the previous visit, and keeps their count for the next one. */
  readonly more: (errors: number) => number;
}

/** The result of a device. null: there is nothing to check; undefined: nothing can be read. */
type DeviceResult = Pick<BuiltInCheck, 'state' | 'text' | 'perfdata'> | null | undefined;

/**
 * Returns a probe that checks each device of a folder: `NAME:DEVICE`. A device has the file `proof`. A device that
 * cannot be read is UNKNOWN. Containers check none, because the devices are their host's.
 */
export function deviceProbe(
  name: string,
  dir: string,
  proof: string,
  resultOf: (device: Device) => DeviceResult,
): Probe {
  return {
    name,
    check: name,
    deadlineMs: 1000,
    rates: true,
    run: ({ source, earlier, placeDir }) => {
      const checks: BuiltInCheck[] = [];
      const counters: Record<string, number> = {};
      const before = earlier?.counters as Readonly<Record<string, number>> | undefined;
      const found = source.list(dir).filter((device) => source.exists(`${dir}/${device}${proof}`));
      if (found.length === 0 || isContainer(source)) return { functions: [] };
      for (const device of found.sort()) {
        const result = resultOf({
          name: device,
          placeDir,
          read: (file) => source.readOptional(`${dir}/${device}${file}`)?.trim() ?? '',
          list: (folder) => source.list(`${dir}/${device}${folder}`).sort(),
          more: (errors) => Math.max(0, (counters[device] = errors) - (before?.[device] ?? Infinity)),
        });
        if (result === null) continue;
        checks.push({ name: `${name}:${device}`, state: 3, text: 'cannot be read', perfdata: '', ...result });
      }
      return { functions: [], checks, counters };
    },
  };
}
