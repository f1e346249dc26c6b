import type { Rule } from '../../config/config.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import type { Sample } from '../evaluate/sample.ts';

/** A client opens at most so many alerts of a rule at a time: it chooses the names of what it reports. */
export const mostOpen = 50;

/** The subject of the one alert that counts what is beyond `mostOpen`. */
export const moreSubject = '(more)';

/** Reads the number of subjects that a row finds at fault beyond those that have alerts. */
export function moreSample(rule: Rule, beyond: readonly Sample[]): Sample {
  const critical = beyond.filter((sample) => sample.level === 'critical').length;
  const level = critical > 0 ? 'critical' : 'warning';
  const isOver = beyond.length > 0;
  const [count, worst] = [beyond.length, critical === 0 ? 'none' : critical].map((one) => one.toLocaleString('en-US'));
  return {
    rule,
    subject: moreSubject,
    level: isOver ? level : 'none',
    clear: !isOver,
    eased: level !== 'critical',
    value: null,
    valueText: isOver
      ? `${count ?? ''} more, ${worst ?? ''} of them critical, beyond the ${mostOpen} that have alerts of their own`
      : 'no more than have alerts of their own',
    limitText: isOver ? describeLimit(rule, level) : '',
    pauseMs: 0,
  };
}

/** The worst first, in the order given among equals: which of too many new ones get alerts. */
export function severestFirst(samples: readonly Sample[]): readonly Sample[] {
  return samples.length <= mostOpen
    ? samples
    : [...samples].sort((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
}
