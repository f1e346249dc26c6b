import type { Rule } from '../../config/config.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import type { Reading } from '../evaluate/observation.ts';

/** A client opens at most so many alerts of a rule at a time: it chooses the names of what it reports. */
export const mostOpen = 50;

/** The subject of the one alert that counts what is beyond `mostOpen`. */
export const moreSubject = '(more)';

/** Reads the number of subjects that a row finds at fault beyond those that have alerts. */
export function readMore(rule: Rule, beyond: readonly Reading[]): Reading {
  const level = beyond.some((reading) => reading.level === 'critical') ? 'critical' : 'warning';
  const isOver = beyond.length > 0;
  return {
    rule,
    subject: moreSubject,
    level: isOver ? level : 'none',
    clear: !isOver,
    eased: level !== 'critical',
    value: null,
    valueText: isOver
      ? `${beyond.length.toLocaleString('en-US')} more, beyond the ${mostOpen} that have alerts of their own`
      : 'no more than have alerts of their own',
    limitText: isOver ? describeLimit(rule, level) : '',
    pauseMs: 0,
  };
}

/** The worst first, in the order given among equals: which of too many new ones get alerts. */
export function severestFirst(readings: readonly Reading[]): readonly Reading[] {
  return readings.length <= mostOpen
    ? readings
    : [...readings].sort((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
}
