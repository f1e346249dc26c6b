import type { FaultRunResult } from './fault-run.ts';

/** Returns a summary of a run for people. */
export function summaryOf(result: FaultRunResult): string {
  const { seed, rounds, killed, kills, instants, mails, comparison, peaceRounds } = result;
  const of = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([, one], [, other]) => other - one)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    `seed ${seed}: ${killed} kills in ${rounds} rounds (${of(kills)}), at ${instants.length} different instants`,
    `reports: ${comparison.spooled} reached a spool, rows restored ${comparison.restored}, lost ${comparison.lost.length}, doubled ` +
      `${comparison.doubled.length}, quarantined ${comparison.quarantined}, invented ${comparison.invented.length}; ` +
      `${comparison.neverSpooled} died with their agent before the spool had them`,
    `alerts: ${comparison.due} changes due to somebody, notified otherwise than once each: ${comparison.unnotified.length} ` +
      `lines; ${mails.mails} mails, ${mails.possiblyDelivered} came again because they were possibly delivered, ` +
      `${mails.doubled.length} came again without need, ${mails.changed.length} with other words`,
    `runs: ${of(comparison.runs)}; ${comparison.visits} visits, ${comparison.looks} looks; in peace after ${peaceRounds ?? 'no number of'} rounds`,
  ].join('\n');
}

/** Returns every failure of a run. Empty for a good one. */
export function failuresOf({ comparison, mails, wrong, peaceRounds }: FaultRunResult): readonly string[] {
  const some = (what: string, list: readonly string[]): readonly string[] =>
    list.length === 0 ? [] : [`${what} (${list.length}): ${list.slice(0, 20).join('\n  ')}`];
  return [
    ...some('lost', comparison.lost),
    ...some('invented', comparison.invented),
    ...some('doubled', comparison.doubled),
    ...some('half stored, or not finished', comparison.halves),
    ...some('left over', comparison.leftovers),
    ...some('not notified when due', comparison.unnotified),
    ...some('mailed again without need', mails.doubled),
    ...some('one Message-ID with two contents', mails.changed),
    ...some('mailed for no reason', mails.strange),
    ...some('seen what was not so', comparison.wrongLooks),
    ...some('ended as no program should', wrong),
    ...(comparison.quarantined === 0 ? [] : [`quarantined: ${comparison.quarantined}`]),
    ...(peaceRounds === null ? ['it never came to rest'] : []),
  ];
}
