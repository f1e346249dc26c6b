/** src/report/checks: the results of checks: output of plugins, local checks, performance data. */
import type { DeviceParser } from './device-files.ts';
import { plainFigure } from './perfdata.ts';

/**
 * Checks bonded interfaces: WARNING if one of them is down, none is active, the kernel watches no link, so that each
 * looks up, or one does not carry: with 802.3ad those of one aggregator carry, and only with a partner. CRITICAL if all
 * are down. A bond without interfaces is unused.
 * https://docs.kernel.org/networking/bonding.html#querying-bonding-configuration
 */
export const bonding: DeviceParser = ({ matching }) => {
  const text = matching(/^$/)
    .map(([, line]) => line)
    .join('\n');
  if (!text.includes('MII Status: ')) return undefined;
  const slaves = [...text.matchAll(/^Slave Interface: (.*)\nMII Status: (.*)$/gm)];
  const down = slaves.filter(([, , status]) => status !== 'up').map(([, slave, status]) => `, ${slave} ${status}`);
  const current = /^Currently Active Slave: (.*)$/m.exec(text)?.[1] ?? '';
  const active = current !== 'None' ? current : slaves.length > 0 ? 'none' : '';
  const up = slaves.length - down.length;
  const aggregators = new Set([...text.matchAll(/^MII Status: up\nAggregator ID: (\d+)$/gm)].map(([, id]) => id));
  const isWatched =
    !/^MII Polling Interval \(ms\): 0$/m.test(text) || /^ARP Polling Interval \(ms\): [1-9]/m.test(text);
  const idle = [
    ...(slaves.length > 0 && !isWatched ? [', but no link is watched: set miimon'] : []),
    ...(aggregators.size > 1 ? [`, in ${aggregators.size} aggregators`] : []),
    ...(up > 0 && /^Partner Mac Address: 00:00:00:00:00:00$/m.test(text) ? [', no partner'] : []),
  ];
  return {
    state: up === 0 && slaves.length > 0 ? 2 : down.length + idle.length > 0 || active === 'none' ? 1 : 0,
    text: `${up} of ${slaves.length} interfaces up${[...down, ...idle].join('')}${active && `, ${active} active`}`,
    figures: [plainFigure('interfaces', slaves.length), plainFigure('down', down.length)],
  };
};
