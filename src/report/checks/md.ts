import type { DeviceParser, EarlierResult } from './device-files.ts';
import { plainFigure } from './perfdata.ts';

/**
 * Checks arrays of Linux software RAID: CRITICAL if the array does not run, has fewer disks than in an earlier report,
 * or lacks a disk that failed. A check, resync or recovery is no fault.
 *
 * An array that was never fuller is as it was made: NAS systems make mirrors with slots for disks that were never
 * there. It is no fault if a mirror has two disks, and WARNING without redundancy.
 * https://docs.kernel.org/admin-guide/md.html#md-devices-in-sysfs
 */
export const md: DeviceParser = ({ read, matching, earlier }) => {
  const [state, level] = [read('/md/array_state'), read('/md/level')];
  // `clear` is a stopped array. A container of Intel's or DDF metadata is always inactive; its arrays are separate
  // devices.
  if (state === 'clear' || level === 'container' || /^external:[^/]/.test(read('/md/metadata_version'))) return null;
  if (state === '') return undefined;
  // Levels without redundancy have none of these files. While an array reshapes, `raid_disks` is `NEW (OLD)`.
  const [degraded, disks] = [parseInt(read('/md/degraded'), 10), parseInt(read('/md/raid_disks'), 10)];
  const faulty = matching(/^\/md\/dev-(.*)\/state$/).flatMap(([disk, line]) =>
    line.split(',').includes('faulty') ? [disk] : [],
  );
  const working = disks - degraded;
  const fullest = degraded > 0 ? Math.max(working, maxDisks(earlier(), disks)) : working;
  const isAsMade = degraded > 0 && fullest === working && faulty.length === 0;
  const isDown = state === 'inactive' || state === 'broken';
  const isRedundant = degraded === 0 || (level === 'raid1' && working > 1);
  const isShort = degraded > 0 && !isAsMade;
  return {
    state: isDown || isShort ? 2 : faulty.length > 0 || (degraded > 0 && !isRedundant) ? 1 : 0,
    text: [
      `${level} ${state}`.trim(),
      ...(degraded > 0 ? [`${degraded} of ${read('/md/raid_disks')} disks missing`] : []),
      ...(isAsMade ? ['as it was at the first report'] : []),
      ...faulty.map((disk) => `disk ${disk} has failed`),
      ...progress(read('/md/sync_action'), read('/md/sync_completed')),
    ].join(', '),
    figures: Number.isNaN(degraded)
      ? []
      : [
          plainFigure('degraded', degraded),
          plainFigure('mismatch_cnt', parseInt(read('/md/mismatch_cnt'), 10)),
          plainFigure('disks', working),
          ...(fullest > working ? [plainFigure('most_disks', fullest)] : []),
        ],
  };
};

/** Returns the most disks that the array had in an earlier report; 0 if there is none. */
function maxDisks({ figures }: EarlierResult, disks: number): number {
  const degraded = figures?.get('degraded') ?? disks;
  return figures?.get('most_disks') ?? figures?.get('disks') ?? disks - degraded;
}

function progress(action: string, completed: string): readonly string[] {
  if (action === '' || action === 'idle') return [];
  const [done = NaN, all = NaN] = completed.split(' / ').map(Number);
  return [`${action}${all > 0 ? ` ${Math.floor((100 * done) / all)} %` : ''}`];
}
