import type { JsonValue } from '../probes/collected.ts';
import { plausibleCount, plausiblePositive } from '../probes/plausible.ts';
import { functionReport, missing, rounded, type Facts, type Missing } from '../probes/function-report.ts';
import type { Earlier, Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

/** The fields of a report, and the counters of systeminformation from which they are computed. */
const counters = [
  ['rx_bytes_per_s', 'rx_bytes'],
  ['tx_bytes_per_s', 'tx_bytes'],
  ['rx_errors_per_s', 'rx_errors'],
  ['tx_errors_per_s', 'tx_errors'],
  ['rx_drops_per_s', 'rx_dropped'],
  ['tx_drops_per_s', 'tx_dropped'],
] as const;

/** Reads the counters of interfaces that are neither internal nor virtual. Packets are unknown on such systems. */
export const portableNetwork: Probe = {
  name: 'network',
  deadlineMs: 3000,
  rates: 'rates',
  run: async ({ earlier, noRates }) => {
    const answer = await information.networkInterfaces();
    const cards = (Array.isArray(answer) ? answer : [answer]).filter((one) => !one.internal && !one.virtual);
    const stats = await information.networkStats(cards.map(({ iface }) => iface).join(','));
    const kept: Record<string, JsonValue> = {};
    const facts = cards.map(({ iface, operstate, speed }): Facts => {
      const found = stats.find((one) => one.iface === iface);
      const counts = counters.map(([, name]) => plausibleCount(found?.[name]));
      kept[iface] = counts;
      const megabits = plausiblePositive(speed);
      return {
        interface: iface,
        ...rates(iface, counts, earlier, noRates),
        rx_packets_per_s: missing('not reported by this system'),
        tx_packets_per_s: missing('not reported by this system'),
        link_up: operstate === 'up' ? 1 : operstate === 'down' ? 0 : missing('no link state'),
        speed_bits_per_s: megabits === null ? missing('the driver does not tell') : megabits * 1e6,
      };
    });
    return { functions: [functionReport('network', facts, 'interface')], counters: kept };
  },
};

function rates(iface: string, counts: readonly (number | null)[], earlier: Earlier | null, noRates: string): Facts {
  const before = (earlier?.counters as Readonly<Record<string, readonly (number | null)[]>> | undefined)?.[iface];
  const facts: Record<string, number | Missing> = {};
  counters.forEach(([field], index) => {
    const now = counts[index] ?? null;
    const then = before?.[index] ?? null;
    if (earlier === null) facts[field] = missing(noRates);
    else if (now === null || then === null) facts[field] = missing('not reported by this system');
    else if (now < then) facts[field] = missing('the counters were reset');
    else facts[field] = rounded((now - then) / (earlier.elapsedMs / 1000), 2);
  });
  return facts;
}
