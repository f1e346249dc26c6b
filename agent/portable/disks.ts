import { plausibleCount, plausiblePositive } from '../probes/plausible.ts';
import { functionReport, missing, rounded, type Facts } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

const network = new Set(['nfs', 'smbfs', 'cifs', 'afpfs', 'webdav', 'ftp']);
const nothingInside = new Set('autofs devfs fdescfs linprocfs linsysfs procfs tmpfs nullfs map'.split(' '));

/** Asks `df` through systeminformation: each device once, under its shortest mount point. */
export const portableDisks: Probe = {
  name: 'disks',
  deadlineMs: 3000,
  run: async () => {
    const byDevice = new Map<string, Facts & { mount: string }>();
    for (const one of await information.fsSize()) {
      if (nothingInside.has(one.type) || one.mount === '') continue;
      const facts = { ...factsOf(one), mount: one.mount };
      const known = byDevice.get(one.fs);
      if (known === undefined || one.mount.length < known.mount.length) byDevice.set(one.fs, facts);
    }
    return { functions: [functionReport('disk', [...byDevice.values()].sort(fullestFirst), 'mount')] };
  },
};

interface FsSize {
  readonly fs: string;
  readonly type: string;
  readonly size: number;
  readonly used: number;
  readonly available: number;
  readonly mount: string;
  readonly rw: boolean | null;
}

function factsOf(one: FsSize): Facts {
  const none = missing('not reported by df');
  const used = plausibleCount(one.used);
  const available = plausibleCount(one.available);
  const room = used === null || available === null ? 0 : used + available;
  return {
    mount: one.mount,
    fstype: one.type.toLowerCase(),
    source: one.fs,
    scope: network.has(one.type.toLowerCase()) ? 'network' : 'local',
    mode: one.rw === false ? 'ro' : 'rw',
    size_bytes: plausiblePositive(one.size) ?? none,
    used_bytes: used ?? none,
    available_bytes: available ?? none,
    used_percent: used === null || room === 0 ? none : rounded((100 * used) / room, 2),
    inodes_percent: missing('not asked on this system'),
    unresponsive: 0,
  };
}

function fullestFirst(one: Facts, other: Facts): number {
  const percent = ({ used_percent: used }: Facts): number => (typeof used === 'number' ? used : -1);
  return percent(other) - percent(one);
}
