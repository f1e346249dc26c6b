import { machine } from 'node:os';

import { plausibleText } from '../probes/plausible.ts';
import { functionReport, missing } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

export const portableOs: Probe = {
  name: 'os',
  deadlineMs: 3000,
  run: async () => {
    const os = await information.osInfo();
    const distribution = [plausibleText(os.distro), plausibleText(os.release)]
      .filter((part) => part !== null)
      .join(' ');
    return {
      functions: [
        functionReport('os', [
          {
            hostname: plausibleText(os.hostname) ?? undefined,
            distribution: distribution === '' ? undefined : distribution,
            kernel: plausibleText(os.kernel) ?? undefined,
            architecture: machine(),
            reboot_required: missing('this system does not tell'),
          },
        ]),
      ],
    };
  },
};
