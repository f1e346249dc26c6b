import type { DeviceKind } from '../../src/report/checks/devices.ts';
import type { BuiltInCheck } from './collected.ts';
import { printable } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { containerReads, isContainer } from './virtualisation.ts';

/** The file in a client's folder with a time in seconds and, behind it, the last answer of `zpool list`. */
export const poolsFile = 'pools';
/** The folder of each pool, in which OpenZFS 0.8 and newer report the state. */
export const poolsDir = '/proc/spl/kstat/zfs';

interface DevicePlace {
  readonly folder: string;
  /** A file that only devices of this kind have. */
  readonly proof: string;
  /** The files to read. `*` stands for the rest of a name. */
  readonly files: readonly string[];
}

/** The places of the devices of each kind. A bond is a file itself. */
const places: Readonly<Record<DeviceKind, DevicePlace>> = {
  bond: { folder: '/proc/net/bonding', proof: '', files: [''] },
  md: {
    folder: '/sys/block',
    proof: '/md',
    files: [
      ...['/md/array_state', '/md/metadata_version', '/md/level', '/md/raid_disks', '/md/degraded', '/md/sync_action'],
      ...['/md/sync_completed', '/md/mismatch_cnt', '/md/uuid', '/md/dev-*/state'],
    ],
  },
  ecc: { folder: '/sys/devices/system/edac/mc', proof: '/ce_count', files: ['/ce_count', '/ue_count', '/mc_name'] },
  btrfs: {
    folder: '/sys/fs/btrfs',
    proof: '/devinfo',
    files: ['/label', '/devinfo/*/missing', '/devinfo/*/error_stats'],
  },
  zfs: { folder: poolsDir, proof: '/state', files: ['/state'] },
  ext4: {
    folder: '/sys/fs/ext4',
    proof: '/errors_count',
    files: ['/errors_count', '/last_error_time', '/last_error_func'],
  },
};
export const devicePlaces = Object.entries(places);
/** The lines of a bond's file that are used. */
const bondLine =
  /^(Slave Interface|MII Status|Currently Active Slave|Aggregator ID|\s+Partner Mac Address|(MII|ARP) Polling .*):/;

/**
 * Reads the files of each device: `FILE=LINE` for each of their lines. The collector evaluates them
 * (src/report/checks/devices.ts). Containers report none, because the devices are their host's.
 */
export const devices: VisitProbe = {
  name: 'devices',
  check: 'devices',
  deadlineMs: 1000,
  reads: {
    names: devicePlaces.map(([, { folder, proof }]) => `${folder}/*${proof}`),
    files: [
      ...devicePlaces.flatMap(([, { folder, files }]) => files.map((file) => `${folder}/*${file}`)),
      ...containerReads.files,
    ],
  },
  run: ({ source }) => {
    const checks = devicePlaces.flatMap(([kind, { folder, proof, files }]) =>
      source
        .list(folder)
        .sort()
        .filter((name) => source.exists(`${folder}/${name}${proof}`))
        .slice(0, 100)
        .map((name): BuiltInCheck => {
          const lines = files.flatMap((file) => linesOf(source, `${folder}/${name}`, file));
          if (kind === 'zfs') lines.push(...shares(source.notes?.read(poolsFile), name));
          return { name: `${kind}:${name}`, state: 0, text: lines.join('\n'), perfdata: '', isDevice: true };
        }),
    );
    return { functions: [], checks: checks.length > 0 && isContainer(source) ? [] : checks };
  },
};

function linesOf(source: Source, device: string, file: string): string[] {
  const [before = '', after] = file.split('*');
  if (after !== undefined) {
    const slash = before.lastIndexOf('/');
    return source
      .list(device + before.slice(0, slash))
      .sort()
      .filter((name) => name.startsWith(before.slice(slash + 1)))
      .flatMap((name) => linesOf(source, device, `${before.slice(0, slash)}/${name}${after}`));
  }
  const lines = (source.readOptional(device + file) ?? '').split('\n');
  return lines
    .filter((line) => (file === '' ? bondLine.test(line) : line !== ''))
    .map((line) => printable(`${file}=${line.trim()}`));
}

/** Returns the time of the last answer of `zpool list`, and its figures of a pool. */
function shares(answer: string | null | undefined, pool: string): string[] {
  return (answer?.slice(0, 99_999).split('\n') ?? [])
    .filter((line, at) => at === 0 || line.startsWith(`${pool}\t`))
    .map((line) => printable(`/zpool=${line.slice(line.indexOf('\t') + 1).replaceAll('\t', '|')}`));
}
