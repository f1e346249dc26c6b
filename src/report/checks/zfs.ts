import { countIn, type DeviceParser } from './device-files.ts';
import { plainFigure } from './perfdata.ts';

const maxAgeSeconds = 7 * 86_400;

/**
 * Checks ZFS pools: CRITICAL in every state but ONLINE, and with damaged data, WARNING with disks that had errors until
 * `zpool clear`. DEGRADED means a missing disk, as in a degraded array of md.
 * The states are those of `spa_state_to_name` in https://github.com/openzfs/zfs/blob/master/module/zfs/spa_misc.c, and
 * https://openzfs.github.io/openzfs-docs/man/master/7/zpoolconcepts.7.html#Device_Failure_and_Recovery
 */
export const zfs: DeviceParser = ({ read, matching, nowMs }) => {
  const text = read('/state');
  if (text === '') return undefined;
  const [at = '', line = ''] = matching(/^\/zpool$/).map(([, answer]) => answer);
  const ageSeconds = nowMs / 1000 - countIn(at);
  const [used = '', fragmented = '', errors = ''] =
    ageSeconds >= 0 && ageSeconds < maxAgeSeconds ? line.split('|') : [];
  const shares = [
    { value: countIn(used.replace('%', '')), word: 'used', label: 'capacity' },
    { value: countIn(fragmented.replace('%', '')), word: 'fragmented', label: 'fragmentation' },
  ].filter(({ value }) => !Number.isNaN(value));
  const words = errors.split(',').flatMap(wordsOf);
  const isDamaged = /^damaged \d/.test(errors);
  const since = words.length === 0 ? [] : [`as of ${Math.floor(ageSeconds / 3600)} h ago`];
  return {
    state: text !== 'ONLINE' || isDamaged ? 2 : words.length > 0 ? 1 : 0,
    text: [text, ...shares.map(({ value, word }) => `${value} % ${word}`), ...words, ...since].join(', '),
    figures: shares.map(({ value, label }) => plainFigure(label, value / 100, 'ratio')),
  };
};

/** Returns the words for an error of agent/inventory/pools.ts. */
function wordsOf(error: string): readonly string[] {
  const [disk = '', state = '', ...counts] = error.split(' ');
  if (state === '') return [];
  if (disk === 'damaged') return [`${state} damaged files or blocks`];
  if (disk === 'more') return [`${state} more disks`];
  const kinds = ['read', 'write', 'checksum'].flatMap((kind, at) =>
    /[1-9]/.test(counts[at] ?? '') ? `${counts[at]} ${kind} errors` : [],
  );
  return [[disk, ...(state === 'ONLINE' ? [] : [state]), ...kinds].join(' ')];
}
