import { countIn, type DeviceParser } from './device-files.ts';
import { plainFigure } from './perfdata.ts';

const maxAgeSeconds = 7 * 86_400;

/**
 * Checks ZFS pools: CRITICAL in every state but ONLINE. DEGRADED means a missing disk, as in a degraded array of md.
 * The states are those of `spa_state_to_name` in https://github.com/openzfs/zfs/blob/master/module/zfs/spa_misc.c, and
 * https://openzfs.github.io/openzfs-docs/man/master/7/zpoolconcepts.7.html#Device_Failure_and_Recovery
 */
export const zfs: DeviceParser = ({ read, matching, nowMs }) => {
  const text = read('/state');
  if (text === '') return undefined;
  const [at = '', line = ''] = matching(/^\/zpool$/).map(([, answer]) => answer);
  const ageSeconds = nowMs / 1000 - countIn(at);
  const [used = '', fragmented = ''] = ageSeconds >= 0 && ageSeconds < maxAgeSeconds ? line.split('|') : [];
  const shares = [
    { value: countIn(used.replace('%', '')), word: 'used', label: 'capacity' },
    { value: countIn(fragmented.replace('%', '')), word: 'fragmented', label: 'fragmentation' },
  ].filter(({ value }) => !Number.isNaN(value));
  return {
    state: text === 'ONLINE' ? 0 : 2,
    text: [text, ...shares.map(({ value, word }) => `${value} % ${word}`)].join(', '),
    figures: shares.map(({ value, label }) => plainFigure(label, value / 100, 'ratio')),
  };
};
