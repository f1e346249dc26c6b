import { emptyReport, functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { plausiblePositive, plausibleText } from '../probes/plausible.ts';
import { information } from '../probes/systeminformation.ts';
import { inOrder, inventoryMs, notTold, toldNumber, toldText } from './inventory.ts';

/** The memory modules that are plugged in. */
export const memoryModules: Probe = {
  name: 'memory',
  deadlineMs: inventoryMs,
  run: async () => {
    const slots = await information.memLayout();
    // Where the package may not ask the firmware, it makes up one module of the whole memory, with nothing else known.
    const modules = slots.filter(
      ({ size, type, bank, formFactor }) =>
        plausiblePositive(size) !== null && [type, bank, formFactor].some((text) => plausibleText(text) !== null),
    );
    if (modules.length === 0) return { functions: [emptyReport('memory_module', 'size_bytes', notTold())] };
    const rows = modules.map((module) => ({
      slot: toldText(module.bank),
      type: toldText(module.type),
      form: toldText(module.formFactor),
      manufacturer: toldText(module.manufacturer),
      part: toldText(module.partNum),
      serial: toldText(module.serialNum),
      size_bytes: toldNumber(module.size),
      megahertz: toldNumber(module.clockSpeed),
    }));
    return { functions: [functionReport('memory_module', inOrder(rows, 'slot'))] };
  },
};
