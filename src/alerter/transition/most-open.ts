import type { Rule } from '../../config/config.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import type { Sample } from '../evaluate/sample.ts';

/** The most open alerts of a client and rule: a client chooses the names of its subjects. */
export const mostOpen = 50;

/** The subject of the one alert that counts the subjects beyond `mostOpen`. */
export const moreSubject = '(more)';

/** Samples the number of subjects at fault beyond those that have alerts. */
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

/** Sorts samples by severity, the worst first, so that the worst get alerts if not all can. Equals keep their order. */
export function severestFirst(samples: readonly Sample[]): readonly Sample[] {
  return samples.length <= mostOpen
    ? samples
    : [...samples].sort((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
}
