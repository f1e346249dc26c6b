import { functionReport } from '../probes/function-report.ts';
import { physicalInterfaces } from '../probes/network.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';
import { inOrder, inventoryMs, toldNumber, toldText } from './inventory.ts';

/** Physical interfaces and bonds. Speeds and link states are no facts; addresses of IPv6 may change every day. */
export const networkCards: Probe = {
  name: 'network',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    const answer = await information.networkInterfaces();
    const found = (Array.isArray(answer) ? answer : [answer]).filter(({ internal }) => !internal);
    const physical =
      process.platform === 'linux'
        ? physicalInterfaces(
            found.map(({ iface }) => iface),
            source,
          )
        : found.filter((one) => !one.virtual).map(({ iface }) => iface);
    const rows = found
      .filter(({ iface }) => physical.includes(iface))
      .map((one) => ({
        interface: one.iface,
        address: toldText(one.ip4),
        mac: toldText(one.mac),
        type: toldText(one.type),
        mtu: toldNumber(one.mtu),
      }));
    return { functions: [functionReport('network_card', inOrder(rows, 'interface'))] };
  },
};
