import type { BuiltInCheck } from './collected.ts';
import type { Probe } from './probe.ts';
import type { Source } from './source.ts';
import { isContainer } from './virtualisation.ts';

const dir = '/sys/fs/btrfs';
const kinds = ['write', 'read', 'flush', 'corruption', 'generation'] as const;

/**
 * Checks mounted btrfs file systems. CRITICAL if a device is missing, or errors were added since the previous visit.
 * WARNING if there are older ones: btrfs keeps its counts on disk until `btrfs device stats -z`, and nothing else tells
 * of them. Kernels before 5.14 tell no counts. https://docs.kernel.org/admin-guide/abi-testing.html (sysfs-fs-btrfs),
 * https://btrfs.readthedocs.io/en/latest/ch-sysfs.html
 */
export const btrfs: Probe = {
  name: 'btrfs',
  deadlineMs: 1000,
  rates: true,
  check: 'btrfs',
  run: ({ source, earlier }) => {
    const found = source.list(dir).filter((uuid) => source.list(`${dir}/${uuid}/devinfo`).length > 0);
    if (found.length === 0 || isContainer(source)) return { functions: [] };
    const before = earlier?.counters as Readonly<Record<string, number>> | undefined;
    const systems = found.sort().map((uuid) => fileSystem(source, uuid));
    return {
      functions: [],
      checks: systems.map((system) => systemCheck(system, system.errors - (before?.[system.uuid] ?? Infinity))),
      counters: Object.fromEntries(systems.map(({ uuid, errors }) => [uuid, errors])),
    };
  },
};

interface FileSystem {
  readonly uuid: string;
  readonly label: string;
  readonly devices: number;
  readonly missing: number;
  /** The faults of devices, for people. */
  readonly words: readonly string[];
  readonly errors: number;
  /** Sums by kind; null if the kernel tells none. */
  readonly sums: readonly number[] | null;
}

function fileSystem(source: Source, uuid: string): FileSystem {
  const devices = source.list(`${dir}/${uuid}/devinfo`).sort();
  const sums = kinds.map(() => 0);
  const words: string[] = [];
  let [missing, told] = [0, 0];
  for (const id of devices) {
    const read = (file: string): string => source.readOptional(`${dir}/${uuid}/devinfo/${id}/${file}`) ?? '';
    if (read('missing').trim() === '1') {
      missing++;
      words.push(`device ${id} missing`);
    }
    const text = read('error_stats');
    const counts = kinds.map((kind) => Number(new RegExp(`^${kind}_errs (\\d+)$`, 'm').exec(text)?.[1] ?? 0));
    if (text.includes('_errs ')) told++;
    const bad = counts.map((count, at) => (count > 0 ? ` ${count} ${kinds[at]}` : '')).join('');
    if (bad !== '') words.push(`device ${id}:${bad} errors`);
    counts.forEach((count, at) => (sums[at] = (sums[at] ?? 0) + count));
  }
  const label = source.readOptional(`${dir}/${uuid}/label`)?.trim() ?? '';
  const errors = sums.reduce((sum, count) => sum + count, 0);
  return { uuid, label, devices: devices.length, missing, words, errors, sums: told > 0 ? sums : null };
}

function systemCheck({ uuid, label, devices, missing, words, errors, sums }: FileSystem, more: number): BuiltInCheck {
  const all = [
    `${label === '' ? '' : `${label}: `}${devices} ${devices === 1 ? 'device' : 'devices'}`,
    ...words,
    ...(more > 0 ? [`${more} more errors since the previous visit`] : []),
    ...(sums === null ? ['this kernel tells no errors'] : []),
  ];
  return {
    name: `btrfs:${uuid}`,
    state: missing > 0 || more > 0 ? 2 : errors > 0 ? 1 : 0,
    text: all.join(', '),
    perfdata: sums === null ? '' : kinds.map((kind, at) => `${kind}_errs=${sums[at]}c`).join(' '),
  };
}
