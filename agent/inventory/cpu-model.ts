import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { plausibleText } from '../probes/plausible.ts';
import { information } from '../probes/systeminformation.ts';
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
            model: toldText(wholeName(cpu)),
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

/** `AMD EPYC 7763`: the package takes the manufacturer out of the model's name. */
function wholeName({ manufacturer, brand }: { readonly manufacturer: string; readonly brand: string }): string {
  const maker = plausibleText(manufacturer);
  return maker === null || plausibleText(brand) === null || brand.includes(maker) ? brand : `${maker} ${brand}`;
}
