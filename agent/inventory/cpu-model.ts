import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../systeminformation.ts';
import { inventoryMs, toldNumber, toldText } from './inventory.ts';

/** The processors, which are all alike. */
export const cpuModel: Probe = {
  name: 'cpu',
  deadlineMs: inventoryMs,
  run: async () => {
    const cpu = await information.cpu();
    return {
      functions: [
        functionReport('cpu_model', [
          {
            manufacturer: toldText(cpu.manufacturer),
            model: toldText(cpu.brand),
            // Some CPUs have family 6 and model 0: short numbers, which are no placeholders here.
            signature: [cpu.family, cpu.model, cpu.stepping].join('/'),
            microcode: toldText(cpu.revision),
            sockets: toldNumber(cpu.processors),
            cores: toldNumber(cpu.physicalCores),
            threads: toldNumber(cpu.cores),
            maximum_megahertz: toldNumber(Math.round(cpu.speedMax * 1000)),
          },
        ]),
      ],
    };
  },
};
