import { describeAge } from '../text/durations.ts';
import { counted } from '../text/numbers.ts';
import type { SiteShare } from '../storage/store/share-store.ts';

/** Returns a line for each site whose collectors share it: who has how much, and how much nobody has visited yet. */
export function shareWords(shares: readonly SiteShare[], nowMs: number): readonly string[] {
  return shares.map(({ site, slices, visited, collectors }) => {
    const each = collectors.map(
      ({ host, slices: own, seenAtMs }) => `${host} ${own} (seen ${describeAge(Math.max(0, nowMs - seenAtMs))} ago)`,
    );
    const left =
      visited === slices ? '' : `; ${counted(slices - visited, 'slice')} not visited yet in the newest cycle`;
    const who = `${counted(collectors.length, 'collector')} with ${counted(slices, 'slice')}: ${each.join(', ')}`;
    return `${site}: ${who}${left}.`;
  });
}
