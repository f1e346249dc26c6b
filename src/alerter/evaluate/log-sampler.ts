import { append } from '../../platform/group-by.ts';
import type { Rule } from '../../config/config.ts';
import { usualLogPriority } from '../../config/values/log-expressions.ts';
import { logPriorities } from '../../report/log-lines.ts';
import type { Row } from '../../report/report.ts';
import { oneLine } from '../../text/plain-text.ts';
import { shortened } from '../../text/shortened.ts';
import { numberOf, rowLabel } from '../../report/columns.ts';
import { numberRule, numberSample } from './sample.ts';
import { chooseNamed } from './sampler.ts';
import type { ReportRow, SamplerKind } from './sampler.ts';

/** The most lines that follow their number, and the most characters of each. */
const shownLines = 3;
const shownChars = 141;

/** Samples the number of log lines that a rule selects: the subject is the rule's expression, or its priority. */
export const logSamplers: SamplerKind = {
  serves: (rule) => rule.type === 'log',
  needOf: () => 'report',
  create: (rules) => {
    const chosen = chooseNamed(rules.map(logRule), ({ name }) => [name]);
    return ({ families }: ReportRow, { samples, complete }) => {
      if (families === null) return;
      const rows = families.of('log_match')?.rows ?? [];
      const lines = families.of('log_line')?.rows ?? [];
      const counts = new Map(
        rows.map((row) => [`${rowLabel(row, 'priority')} ${rowLabel(row, 'match')}`, numberOf(row, 'count')]),
      );
      for (const [name, one] of chosen) samples.push(numberSample(one, name, counts.get(one.key) ?? null, lines));
      append(
        complete,
        rules.map(({ name }) => name),
      );
    };
  },
};

function logRule(rule: Rule) {
  const { match = '', priority = usualLogPriority } = rule.selectors;
  const name = match === '' ? `${priority} and worse` : match;
  const matches = (subject: string): boolean =>
    subject === name && !rule.except.some((one) => Object.values(one).includes(match));
  // The accepted expressions mean the same here, and take no time on the few characters of a stored line.
  const expression = new RegExp(match);
  const isTaken = (row: Row): boolean => {
    const at = logPriorities.indexOf(rowLabel(row, 'priority'));
    return at <= logPriorities.indexOf(priority) && (at >= 0 || match !== '') && expression.test(rowLabel(row, 'text'));
  };
  const describe = (count: number, rows: unknown): string => {
    const lines = (rows as readonly Row[]).filter(isTaken).slice(-shownLines);
    const shown = lines.length === 0 ? '' : `, the newest: ${lines.map(shownLine).join(' | ')}`;
    return `${count} ${count === 1 ? 'line' : 'lines'}${shown}`;
  };
  return { ...numberRule(rule, describe), key: `${priority} ${match}`, name, matches };
}

function shownLine(row: Row): string {
  const unit = rowLabel(row, 'unit');
  const text = oneLine(`${unit === '' ? '' : `${unit}: `}${rowLabel(row, 'text')}`);
  return shortened(text, shownChars);
}
