import type { Probe } from './probe.ts';
import { isContainer } from './virtualisation.ts';

const dir = '/proc/spl/kstat/zfs';

/**
 * Checks ZFS pools: CRITICAL in every state but ONLINE. DEGRADED is a disk less than there should be, as in a degraded
 * array of md. OpenZFS 0.8 and newer tell the state: `spa_state_to_name` in
 * https://github.com/openzfs/zfs/blob/master/module/zfs/spa_misc.c, and
 * https://openzfs.github.io/openzfs-docs/man/master/7/zpoolconcepts.7.html#Device_Failure_and_Recovery
 */
export const zfs: Probe = {
  name: 'zfs',
  deadlineMs: 1000,
  check: 'zfs',
  run: ({ source }) => {
    const pools = source.list(dir).filter((pool) => source.exists(`${dir}/${pool}/state`));
    if (pools.length === 0 || isContainer(source)) return { functions: [] };
    const checks = pools.sort().map((pool) => {
      const state = source.readOptional(`${dir}/${pool}/state`)?.trim() ?? '';
      return {
        name: `zfs:${pool}`,
        state: state === 'ONLINE' ? 0 : state === '' ? 3 : 2,
        text: state === '' ? 'cannot be read' : state,
        perfdata: '',
      } as const;
    });
    return { functions: [], checks };
  },
};
