import type { BuiltInCheck } from './collected.ts';
import type { Probe } from './probe.ts';
import type { Source } from './source.ts';
import { isContainer } from './virtualisation.ts';

/**
 * Checks arrays of Linux software RAID: CRITICAL if a disk is missing, or the array does not run. A check, resync or
 * recovery is no fault. https://docs.kernel.org/admin-guide/md.html#md-devices-in-sysfs
 */
export const md: Probe = {
  name: 'md',
  deadlineMs: 1000,
  check: 'md',
  run: ({ source }) => {
    const arrays = source
      .list('/sys/block')
      .filter((name) => /^md/.test(name) && source.exists(`/sys/block/${name}/md`))
      .sort();
    if (arrays.length === 0 || isContainer(source)) return { functions: [] };
    return { functions: [], checks: arrays.flatMap((name) => arrayCheck(name, source)) };
  },
};

function arrayCheck(array: string, source: Source): readonly BuiltInCheck[] {
  const read = (file: string): string => source.readOptional(`/sys/block/${array}/md/${file}`)?.trim() ?? '';
  const name = `md:${array}`;
  const state = read('array_state');
  // `clear` is a stopped array. A container of Intel's or DDF metadata is always inactive; its arrays are others.
  if (state === 'clear' || /^external:[^/]/.test(read('metadata_version'))) return [];
  if (state === '') return [{ name, state: 3, text: 'cannot be read', perfdata: '' }];
  // Levels without redundancy have none of these.
  const [degraded, action, mismatches] = [read('degraded'), read('sync_action'), read('mismatch_cnt')];
  const isDegraded = Number(degraded) > 0;
  const [done = NaN, all = NaN] = read('sync_completed').split(' / ').map(Number);
  const percent = all > 0 ? ` ${Math.floor((100 * done) / all)} %` : '';
  const words = [
    `${read('level')} ${state}`,
    ...(isDegraded ? [`${degraded} of ${read('raid_disks')} disks missing`] : []),
    ...(action === '' || action === 'idle' ? [] : [action + percent]),
  ];
  return [
    {
      name,
      state: isDegraded || state === 'inactive' || state === 'broken' ? 2 : 0,
      text: words.join(', ').trim(),
      perfdata: degraded === '' ? '' : `degraded=${degraded} mismatch_cnt=${mismatches}`,
    },
  ];
}
