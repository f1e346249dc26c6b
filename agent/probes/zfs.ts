import { existsSync, readFileSync } from 'node:fs';

import { deviceProbe } from './device-probe.ts';

/** The folder of each pool, in which OpenZFS 0.8 and newer report the state. */
export const poolsDir = '/proc/spl/kstat/zfs';
/** The file with a time in seconds and, behind it, the last answer of `zpool list`. */
export const poolsFile = 'pools';
const maxAgeSeconds = 7 * 86_400;

/**
 * Checks ZFS pools: CRITICAL in every state but ONLINE. DEGRADED means a missing disk, as in a degraded array of md.
 * The states are those of `spa_state_to_name` in https://github.com/openzfs/zfs/blob/master/module/zfs/spa_misc.c, and
 * https://openzfs.github.io/openzfs-docs/man/master/7/zpoolconcepts.7.html#Device_Failure_and_Recovery
 */
export const zfs = deviceProbe('zfs', poolsDir, '/state', ({ name, placeDir, read }) => {
  const text = read('/state');
  if (text === '') return undefined;
  const shares = placeDir === null ? [] : sharesOf(placeDir, name);
  return {
    state: text === 'ONLINE' ? 0 : 2,
    text: [text, ...shares.map(({ value, word }) => `${value} % ${word}`)].join(', '),
    perfdata: shares.map(({ value, label }) => `${label}=${value}%`).join(' '),
  };
});

/** Returns the figures of a pool that the inventory has kept within a week. */
function sharesOf(placeDir: string, pool: string): { value: string; word: string; label: string }[] {
  const file = `${placeDir}/${poolsFile}`;
  const [at, ...lines] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const ageSeconds = Date.now() / 1000 - Number(at);
  if (!(ageSeconds >= 0 && ageSeconds < maxAgeSeconds)) return [];
  const [, used = '', fragmented = ''] = lines.map((line) => line.split('\t')).find(([name]) => name === pool) ?? [];
  return [
    { value: used.replace('%', ''), word: 'used', label: 'capacity' },
    { value: fragmented.replace('%', ''), word: 'fragmented', label: 'fragmentation' },
  ].filter(({ value }) => /^\d+$/.test(value));
}
