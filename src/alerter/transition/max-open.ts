import type { Rule } from '../../config/config.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import { clearSample, stateSample, type Sample } from '../evaluate/sample.ts';
import { commaGrouped } from '../../text/numbers.ts';

/** The most open alerts of a client and rule: a client chooses the names of its subjects. */
export const maxOpen = 50;

/** The subject of the one alert that counts the subjects beyond `maxOpen`. */
export const moreSubject = '(more)';

/** Samples the number of subjects at fault beyond those that have alerts. */
export function moreSample(rule: Rule, beyond: readonly Sample[]): Sample {
  if (beyond.length === 0) return clearSample(rule, moreSubject, 'no more than have alerts of their own');
  const critical = beyond.filter((sample) => sample.level === 'critical').length;
  const level = critical > 0 ? 'critical' : 'warning';
  const worst = critical === 0 ? 'none' : commaGrouped(critical);
  const more = `${commaGrouped(beyond.length)} more, ${worst} of them critical`;
  const text = `${more}, beyond the ${maxOpen} that have alerts of their own`;
  return { ...stateSample(rule, moreSubject, level, text), limitText: describeLimit(rule, level) };
}

/** Sorts samples by severity, the worst first, so that the worst get alerts if not all can. Equals keep their order. */
export function severestFirst(samples: readonly Sample[]): readonly Sample[] {
  return samples.length <= maxOpen
    ? samples
    : [...samples].sort((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
}
