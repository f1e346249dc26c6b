import { deviceProbe } from './device-probe.ts';

/**
 * Checks ZFS pools: CRITICAL in every state but ONLINE. DEGRADED is a disk less than there should be, as in a degraded
 * array of md. OpenZFS 0.8 and newer tell the state: `spa_state_to_name` in
 * https://github.com/openzfs/zfs/blob/master/module/zfs/spa_misc.c, and
 * https://openzfs.github.io/openzfs-docs/man/master/7/zpoolconcepts.7.html#Device_Failure_and_Recovery
 */
export const zfs = deviceProbe('zfs', '/proc/spl/kstat/zfs', '/state', ({ read }) => {
  const text = read('/state');
  return text === '' ? undefined : { state: text === 'ONLINE' ? 0 : 2, text, perfdata: '' };
});
