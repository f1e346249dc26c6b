import { plausibleCount, plausiblePositive } from '../probes/plausible.ts';
import { functionReport, missing, rounded } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

const deadlineMs = 3000;

export const portableMemory: Probe = {
  name: 'memory',
  deadlineMs,
  run: async () => {
    const memory = await information.mem();
    const total = plausiblePositive(memory.total);
    const available = total === null ? null : plausibleCount(memory.available, total);
    const none = missing('not told by this system');
    return {
      functions: [
        functionReport('memory', [
          {
            total_bytes: total ?? none,
            available_bytes: available ?? none,
            used_percent: total === null || available === null ? none : rounded((100 * (total - available)) / total, 2),
          },
        ]),
      ],
    };
  },
};

export const portableSwap: Probe = {
  name: 'swap',
  deadlineMs,
  run: async () => {
    const memory = await information.mem();
    const total = plausibleCount(memory.swaptotal);
    const used = total === null ? null : plausibleCount(memory.swapused, total);
    const none = missing(total === 0 ? 'no swap' : 'not told by this system');
    return {
      functions: [
        functionReport('swap', [
          {
            total_bytes: total ?? none,
            used_bytes: used ?? none,
            used_percent: total === null || total === 0 || used === null ? none : rounded((100 * used) / total, 2),
          },
        ]),
      ],
    };
  },
};
