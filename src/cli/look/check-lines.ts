import { checkStateWords } from '../../checks/checks.ts';
import type { ShownCheck } from '../../look/client-checks.ts';
import type { ClientDetail } from '../../look/client-detail.ts';
import { describeAge } from '../../text/durations.ts';
import type { Colour } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import type { DetailWords } from './report-lines.ts';

const maxRows = 20;
/** The number of lines shown below the first line of a text, for a check that is not OK. */
const maxLines = 3;
const stateColours: readonly Colour[] = ['green', 'yellow', 'red', 'yellow'];

/** Returns the results of people's own checks, the worst first: all that are not OK, and as many others as fit. */
export function checkLines({ newest }: ClientDetail, { output, nowMs }: DetailWords): readonly string[] {
  const checks = newest?.checks ?? [];
  if (checks.length === 0) return [];
  const bad = checks.filter(({ state }) => state !== 0).length;
  const shown = checks.slice(0, Math.max(maxRows, bad));
  const hasOld = shown.some(({ age_s: age }) => age > 0);
  const table = renderTable(
    output,
    [
      { title: 'state', cell: ({ state }) => ({ text: checkStateWords[state], colour: stateColours[state] ?? 'dim' }) },
      { title: 'check', shrinks: true, keepsEnd: true, cell: ({ check_name: name }) => name },
      { title: 'for', align: 'right', cell: (check) => sinceText(check, nowMs) },
      ...(hasOld ? [{ title: 'result of', drops: 1, cell: ({ age_s: age }: ShownCheck) => ageText(age) }] : []),
      { title: 'text', shrinks: true, cell: ({ text }) => text.split('\n', 1)[0] ?? '' },
    ],
    shown,
    ({ state, text }) => (state === 0 ? [] : text.split('\n').slice(1, 1 + maxLines)),
  );
  const rest = checks.length - shown.length;
  return [table, ...(rest > 0 ? [`and ${rest} more that are OK; --json has all`] : [])];
}

/** Returns the age of the state: `2h`, or `23h+` if the state began before the rows that are read. */
function sinceText({ sinceMs, sinceIsOlder }: ShownCheck, nowMs: number): string {
  if (sinceMs === null) return '-';
  return `${describeAge(nowMs - sinceMs)}${sinceIsOlder ? '+' : ''}`;
}

function ageText(seconds: number): string {
  return seconds > 0 ? `${describeAge(seconds * 1000)} before` : '';
}
