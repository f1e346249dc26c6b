/**
 * Turns the files of a device, as the agents read them (agent/probes/devices.ts), into a state. Faults of before are in
 * the earlier results, which outlive the boots of a client.
 */
import { bonding } from './bonding.ts';
import { btrfs, ecc, ext4 } from './device-errors.ts';
import type { Device, DeviceParser, EarlierResult } from './device-files.ts';
import { md } from './md.ts';
import type { CheckOutcome } from './perfdata.ts';
import { zfs } from './zfs.ts';

/** The parsers by kind. Each kind has its files in agent/probes/devices.ts. */
const parsers = { bond: bonding, md, ecc, btrfs, zfs, ext4 } satisfies Readonly<Record<string, DeviceParser>>;

export type DeviceKind = keyof typeof parsers;

/** The state of a device, under the name of its check. */
export interface NamedOutcome extends CheckOutcome {
  readonly name: string;
}

/**
 * Returns the state of a device by the name of its check, `KIND:DEVICE`, and the lines `FILE=LINE`. Returns null if
 * there is nothing to check. `earlierOf` returns the earlier result of a check by name.
 */
export function parseDevice(
  check: string,
  output: string,
  nowMs: number,
  earlierOf: (check: string) => EarlierResult,
): NamedOutcome | null {
  const [, kind = '', name = ''] = /^(\w+):(.*)$/s.exec(check) ?? [];
  const parser: DeviceParser | undefined = isKind(kind) ? parsers[kind] : undefined;
  const lines = output.split('\n').flatMap((text) => {
    const [, file, line] = /^([^=]*)=(.*)$/.exec(text) ?? [];
    return file === undefined || line === undefined ? [] : [[file, line.trim()] as const];
  });
  const own = kind === 'md' ? uuidOf(lines.find(([file]) => file === '/md/uuid')?.[1]) : null;
  const whole = own === null ? check : `md:${own}`;
  const device: Device = {
    name,
    read: (wanted) => lines.find(([file]) => file === wanted)?.[1] ?? '',
    matching: (pattern) =>
      lines.flatMap(([file, line]) => {
        const found = pattern.exec(file);
        return found === null ? [] : [[found[1] ?? file, line] as const];
      }),
    earlier: () => earlierOf(whole),
    nowMs,
  };
  const outcome = parser?.(device);
  if (outcome === null) return null;
  if (outcome === undefined) return { name: whole, state: 3, text: 'cannot be read', figures: [] };
  return { ...outcome, name: whole, text: own === null ? outcome.text : `${name}: ${outcome.text}` };
}

function isKind(kind: string): kind is DeviceKind {
  return Object.hasOwn(parsers, kind);
}

/** Returns the UUID of an array; null for kernels before 5.10, and for arrays without metadata. */
function uuidOf(text: string | undefined): string | null {
  return text !== undefined && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text) && /[1-9a-f]/.test(text)
    ? text
    : null;
}
