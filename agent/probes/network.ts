import type { JsonValue } from './collected.ts';
import { functionReport, missing, type Facts } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import { ratesOf } from './rates.ts';
import type { Source } from './source.ts';

/** The fields, and their columns behind the name in a line of /proc/net/dev. */
const counters = [
  ['rx_bytes_per_s', 0],
  ['tx_bytes_per_s', 8],
  ['rx_packets_per_s', 1],
  ['tx_packets_per_s', 9],
  ['rx_errors_per_s', 2],
  ['tx_errors_per_s', 10],
  ['rx_drops_per_s', 3],
  ['tx_drops_per_s', 11],
] as const;
const columns = counters.map(([, column]) => column);
const fields = counters.map(([field]) => [field, 1] as const);

/** Reads /proc/net/dev and /sys/class/net: rates of physical interfaces and bonds since the previous visit. */
export const network: VisitProbe = {
  name: 'network',
  deadlineMs: 1000,
  reads: {
    names: ['device', 'bonding', 'tun_flags'].map((name) => `/sys/class/net/*/${name}`),
    files: ['/proc/net/dev', '/sys/class/net/*/carrier', '/sys/class/net/*/operstate', '/sys/class/net/*/speed'],
  },
  rates: 'rates',
  run: ({ source, earlier, noRates, leftMs }) => {
    const now = countsByInterface(source.read('/proc/net/dev'));
    const names = physicalInterfaces(Object.keys(now), source);
    const then = (earlier?.counters ?? {}) as Readonly<Record<string, readonly number[]>>;
    const facts: Facts[] = [];
    const kept: Record<string, JsonValue> = {};
    for (const name of names) {
      const counts = now[name] ?? [];
      kept[name] = counts;
      const linked = leftMs() > 0 ? link(name, source) : {};
      const speed = linked['speed_bits_per_s'];
      // Bytes of twice the link's speed are those since another counter than the one before. Virtual cards are faster
      // than the speed that they tell.
      const maxBytes = (Math.max(typeof speed === 'number' ? speed : 0, 1e11) * (earlier?.elapsedMs ?? 0)) / 4000;
      const rates = ratesOf({
        fields,
        now: counts,
        before: then[name],
        earlier,
        noRates,
        most: [maxBytes, maxBytes],
      });
      facts.push({ interface: name, ...rates, ...linked });
    }
    return { functions: [functionReport('network', facts.sort(busiestFirst), 'interface')], counters: kept };
  },
};

function countsByInterface(text: string): Record<string, number[]> {
  const counts: Record<string, number[]> = {};
  for (const line of text.split('\n')) {
    // The name of an alias may contain a colon.
    const colon = line.lastIndexOf(':');
    if (colon === -1) continue;
    const fields = line
      .slice(colon + 1)
      .split(' ')
      .filter((part) => part !== '');
    counts[line.slice(0, colon).trim()] = columns.map((column) => Number(fields[column]));
  }
  return counts;
}

/**
 * Returns the interfaces with a device, and bonds of them. Without any, as in a container, those with names of network
 * cards.
 */
export function physicalInterfaces(names: readonly string[], source: Source): string[] {
  const physical = names.filter(
    (name) => source.exists(`/sys/class/net/${name}/device`) || source.exists(`/sys/class/net/${name}/bonding`),
  );
  return physical.length > 0
    ? physical
    : names.filter((name) => /^(eth|en|host|ib|iv-|lan|mv-|net|tap|venet|wan|wl)/.test(name));
}

function link(name: string, source: Source): Facts {
  const folder = `/sys/class/net/${name}`;
  // A read of `carrier` fails if the interface is down.
  const carrier = source.readOptional(`${folder}/carrier`)?.trim();
  const state = carrier ?? source.readOptional(`${folder}/operstate`)?.trim();
  const megabits = parseInt(source.readOptional(`${folder}/speed`) ?? '', 10);
  return {
    link_up: state === '1' || state === 'up' ? 1 : state === '0' || state === 'down' ? 0 : missing('no link state'),
    // Some drivers tell -1 as a number without a sign, and that of tunnels always tells 10.
    speed_bits_per_s:
      megabits > 0 && !source.exists(`${folder}/tun_flags`) && megabits < 0xffff_ffff && megabits !== 0xffff
        ? megabits * 1e6
        : missing('the driver does not tell'),
  };
}

/** Compares interfaces by errors and traffic: the busiest are reported. */
function busiestFirst(one: Facts, other: Facts): number {
  return traffic(other) - traffic(one);
}

function traffic(facts: Facts): number {
  const value = (field: string): number => {
    const found = facts[field];
    return typeof found === 'number' ? found : 0;
  };
  return (
    1e9 * (value('rx_errors_per_s') + value('tx_errors_per_s')) + value('rx_bytes_per_s') + value('tx_bytes_per_s')
  );
}
