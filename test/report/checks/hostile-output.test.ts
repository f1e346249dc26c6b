// Second tier: parses megabytes of output, of which some is made to cost CPU.
/** The output of checks that is chosen to cost CPU: the cost grows with the size alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parsePluginOutput } from '../../../src/report/checks/nagios-output.ts';
import { rangeOf, unreadFigures } from '../../../src/report/checks/perfdata.ts';
import { parseSample } from '../../../src/report/checks/prom-samples.ts';
import { isLong } from '../../support/long-tests.ts';

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  ...{ parsePluginOutput, unreadFigures, parseSample },
  rangeOf: (text) => rangeOf(text),
};
const fillings = [
  ...[' ', '\t', '\u00a0', "'", '"', '=', ';', ',', '|', 'a', '1', '.', ':', '~:', '\\', '\n', '\r\n', '\u2028'],
  ...["''", "' ", "'=", "''=", "'''", "'a' ", "'a'=1 ", "'a|b'=1 ", 'a=1 ', 'a=1;', 'a=1,', 'a= ', '=1', '1,111', '1e'],
  ...['a|', '|a=1\n', 'U ', '\\"', '{', 'a="b",', 'a 1\n', '\ud800', '\u0000'],
];
const frames = [
  ['', ''],
  ['x | a', 'b=1'],
  ["x | '", '=1'],
  ['a=1', ' x'],
  ['a{b="', '} 1'],
] as const;
const [smallChars, largeChars] = isLong ? [64 * 1024, 512 * 1024] : [16 * 1024, 128 * 1024];
/** The slack of growth: garbage is collected in some of the tries. */
const maxGrowth = 4;
const leastMs = isLong ? 300 : 30;

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

for (const [name, parse] of Object.entries(parsers)) {
  test(`the CPU of ${name} grows with the output alone`, () => {
    for (const filling of fillings) {
      for (const [before, after] of frames) {
        const textOf = (chars: number): string => before + filling.repeat(chars / filling.length) + after;
        const large = textOf(largeChars);
        const largeMs = cpuMs(() => parse(large));
        if (largeMs <= leastMs) continue;
        const small = textOf(smallChars);
        const smallMs = Math.min(...[1, 2, 3].map(() => cpuMs(() => parse(small))));
        const mostMs = Math.max(leastMs, (maxGrowth * smallMs * large.length) / small.length);
        const what = JSON.stringify([before, filling, after]);
        assert.ok(smallMs <= leastMs, `${what}: ${smallMs} ms for ${small.length} characters`);
        const againMs = cpuMs(() => parse(large));
        assert.ok(againMs <= mostMs, `${what}: ${againMs} ms, of ${small.length} characters ${smallMs} ms`);
      }
    }
  });
}
