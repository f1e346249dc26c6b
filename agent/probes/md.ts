import { deviceProbe } from './device-probe.ts';

/**
 * Checks arrays of Linux software RAID: CRITICAL if a disk is missing, or the array does not run. A check, resync or
 * recovery is no fault. https://docs.kernel.org/admin-guide/md.html#md-devices-in-sysfs
 */
export const md = deviceProbe('md', '/sys/block', '/md', ({ read: readFile }) => {
  const read = (file: string): string => readFile(`/md/${file}`);
  const state = read('array_state');
  // `clear` is a stopped array. A container of Intel's or DDF metadata is always inactive; its arrays are separate
  // devices.
  if (state === 'clear' || /^external:[^/]/.test(read('metadata_version'))) return null;
  if (state === '') return undefined;
  // Levels without redundancy have none of these files.
  const [degraded, action] = [read('degraded'), read('sync_action')];
  const [done = NaN, all = NaN] = read('sync_completed').split(' / ').map(Number);
  const isDegraded = Number(degraded) > 0;
  const missing = isDegraded ? `, ${degraded} of ${read('raid_disks')} disks missing` : '';
  const percent = all > 0 ? ` ${Math.floor((100 * done) / all)} %` : '';
  return {
    state: isDegraded || state === 'inactive' || state === 'broken' ? 2 : 0,
    text: (
      `${read('level')} ` + `${state}${missing}${action === '' || action === 'idle' ? '' : `, ${action}${percent}`}`
    ).trim(),
    perfdata: degraded && `degraded=${degraded} mismatch_cnt=${read('mismatch_cnt')}`,
  };
});
