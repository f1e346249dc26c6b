/** The built-in checks of both agents on a tree of files. Both must give the same results. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import { collect } from '../../../agent/probes/collect.ts';
import type { Counters } from '../../../agent/probes/collected.ts';
import { type EarlierOf, measuredChecks, type CheckStat } from '../../../src/report/checks/checks.ts';
import { writtenFigures } from '../../../src/report/checks/written-perfdata.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { isWide } from '../long-tests.ts';
import { rootWith, shellAgent, type ShellAgent } from './shell-report.ts';
import { tempFolder } from '../temp-folder.ts';

export type Files = Readonly<Record<string, string>>;

const everyAwk = ['mawk', 'gawk', 'busybox awk', 'original-awk'] as const;

/** The awks that run the same checks: the first, all of them with `isWide`. */
export const checkAwks = isWide ? everyAwk : everyAwk.slice(0, 1);

const bootId = '2def7f13-3487-4d8f-b57e-ff4f7db89656';
const firstVisitSeconds = 1000;

/** A machine that both agents visit repeatedly. */
export interface CheckedMachine {
  /**
   * Visits the machine with these files a number of seconds after the last visit. Returns what the collector makes of
   * the results of both agents, the bad ones first, in the form of results.
   */
  readonly visit: (files: Files, afterSeconds?: number) => Promise<readonly CheckResult[]>;
}

/**
 * Makes such a machine. With `isAlike` only the second tier visits it with the shell agent: its capture has what the
 * captures of other machines have.
 */
export function checkedMachine(t: TestContext, awk: string = everyAwk[0], isAlike = false): CheckedMachine {
  const agent = isWide || !isAlike ? shellAgent(t, { awk }) : null;
  let previous: Counters | null = null;
  let seconds = firstVisitSeconds;
  let earlier: readonly CheckStat[] | null = null;
  const everSeen = new Map<string, CheckStat>();
  return {
    visit: async (files, afterSeconds = 60) => {
      seconds += afterSeconds;
      const root = rootWith(tempFolder(t), {
        'proc/uptime': `${seconds}.00 1.00\n`,
        'proc/sys/kernel/random/boot_id': `${bootId}\n`,
        ...files,
      });
      const given = {
        source: openSource(root),
        options: {},
        previous,
        bootId,
        monotonicMs: seconds * 1000,
        deadlineMs: 5000,
      };
      const collected = await collect(given);
      previous = collected.counters;
      const node = withBuiltIn(null, collected.checks).checks ?? [];
      if (agent !== null) assert.deepEqual(await ofShell(agent, root), node, awk);
      const rows = statsOf(node, earlierIn(earlier, everSeen));
      earlier = rows;
      for (const row of rows) if (row.perfdata !== '') everSeen.set(row.check_name, row);
      const bad = rows.filter(({ state }) => state > 0);
      return [...bad, ...rows.filter(({ state }) => state === 0)].map(resultOf);
    },
  };
}

async function ofShell(agent: ShellAgent, root: string): Promise<readonly CheckResult[]> {
  const { report, fault } = await agent.run({ root });
  assert.equal(fault, null);
  return report?.checks ?? [];
}

/** Returns the rows of results. */
export function statsOf(checks: readonly CheckResult[], earlierOf?: EarlierOf): readonly CheckStat[] {
  return measuredChecks({ checks, datetime: new Date().toISOString() }, earlierOf).map(({ stat }) => stat);
}

/** Returns earlier results by the rows of the last report, and by the last row of each check. */
export function earlierIn(last: readonly CheckStat[] | null, everSeen: ReadonlyMap<string, CheckStat>): EarlierOf {
  return (check) => {
    const row = everSeen.get(check);
    return {
      figures:
        row === undefined ? null : new Map(writtenFigures(row.perfdata).map(({ label, value }) => [label, value])),
      isOfLastReport: row !== undefined && last?.includes(row) === true,
      isFirstReport: last === null,
    };
  };
}

/** Returns a row in the form of a result. */
export function resultOf({ check_name: name, state, text, perfdata, age_s }: CheckStat): CheckResult {
  return { name, format: 'nagios', exit: state, why: null, output: `${text}${perfdata && `|${perfdata}`}`, age_s };
}

/** Returns the name, the state and the output of a result. */
export function inShort({ name, exit, output }: CheckResult): Pick<CheckResult, 'name' | 'exit' | 'output'> {
  return { name, exit, output };
}
