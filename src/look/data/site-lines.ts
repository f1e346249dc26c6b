import { hourMs } from '../../platform/units.ts';
import type { SharedSite } from '../../storage/read-shares.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import type { FleetStatus } from './fleet-status.ts';

/** The present, and the format of times for the reader. */
export interface LineReader {
  readonly nowMs: number;
  readonly moment: (atMs: number) => string;
}

/**
 * Returns a line for each site that forwards, and for each site that several collectors share: the slices of each
 * collector, absent collectors, and the clients that answered in the newest cycle.
 */
export function siteLines(
  { forwarded, shares }: Pick<FleetStatus, 'forwarded' | 'shares'>,
  reader: LineReader,
): readonly string[] {
  return [
    ...[...forwarded].map(([site, run]) => {
      const words = run === null ? 'no run has come yet' : `last run ${runWords(run, reader)}`;
      return `Site ${site}: ${words}.`;
    }),
    ...shares.map((share) => `Site ${share.site}: ${shareWords(share, reader.nowMs)}.`),
  ];
}

/** Describes when a run ended or began, and how many clients it asked. */
export function runWords(run: RunFact, reader: LineReader): string {
  const ended = endedWords(run, reader);
  return run.finishedAtMs === null ? ended : `${ended}; ${answeredWords(run)}`;
}

export function endedWords({ outcome, startedAtMs, finishedAtMs }: RunFact, { nowMs, moment }: LineReader): string {
  const words = outcome === 'running' ? 'began' : outcome;
  const atMs = finishedAtMs ?? startedAtMs;
  if (atMs > nowMs + hourMs) return `${words} at ${moment(atMs)}, by a clock that was wrong`;
  return `${words} ${describeAge(nowMs - atMs)} ago`;
}

function answeredWords({ clients, succeeded }: Pick<RunFact, 'clients' | 'succeeded'>): string {
  return `of ${counted(clients ?? 0, 'client')} asked, ${succeeded ?? 0} answered`;
}

const differing =
  'their config.xml differs: copy one to all; a client that one of them lacks is not visited in every cycle';

function shareWords(site: SharedSite, nowMs: number): string {
  const { slices, visited, collectors, configs, cycle, beganAtMs, newest } = site;
  const ago = (atMs: number): string => `${describeAge(Math.max(0, nowMs - atMs))} ago`;
  const each = collectors.map(({ host, slices: own, seenAtMs, isGone }) => {
    return `${host} ${own} (${isGone ? 'gone, last ' : ''}seen ${ago(seenAtMs)})`;
  });
  return [
    `cycle ${cycle} began ${ago(beganAtMs)}`,
    ...(newest === null ? [] : [answeredWords(newest)]),
    ...(visited === slices ? [] : [`${counted(slices - visited, 'slice')} not visited yet`]),
    `${counted(collectors.length, 'collector')} with ${counted(slices, 'slice')}: ${each.join(', ')}`,
    ...(configs > 1 ? [differing] : []),
  ].join('; ');
}
