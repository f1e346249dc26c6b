import { plausiblePositive } from '../probes/plausible.ts';
import { functionReport, missing, type Facts } from '../probes/function-report.ts';
import { matchesGlobs } from '../probes/name-glob.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

const topCount = 5;

/** Asks `ps` through systeminformation, which reports no CPU time: there is no top five by CPU. */
export const portableProcesses: Probe = {
  name: 'processes',
  deadlineMs: 3000,
  run: async ({ options }) => {
    const { list } = await information.processes();
    if (list.length === 0) throw new Error('ps reported nothing');
    const count = (...states: readonly string[]): number => list.filter(({ state }) => states.includes(state)).length;
    const largest = list
      .flatMap(({ name, pid, memRss }): (Facts & { resident_bytes: number })[] => {
        const kibibytes = plausiblePositive(memRss);
        return kibibytes === null || pid === process.pid
          ? []
          : [{ process: name, pid, resident_bytes: kibibytes * 1024 }];
      })
      .sort((one, other) => other.resident_bytes - one.resident_bytes);
    const globs = options.processes ?? [];
    const matches = globs.map((match) => ({
      match,
      count: list.filter(({ name, pid }) => pid !== process.pid && matchesGlobs(match, name)).length,
    }));
    return {
      functions: [
        functionReport('processes', [
          {
            total: list.length,
            running: count('running'),
            blocked: missing('not reported by this system'),
            zombies: count('zombie'),
          },
        ]),
        functionReport('process_memory', largest.slice(0, topCount)),
        ...(globs.length === 0 ? [] : [functionReport('process_match', matches)]),
      ],
    };
  },
};
