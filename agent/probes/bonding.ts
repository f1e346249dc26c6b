import { deviceProbe } from './device-probe.ts';

/**
 * Checks bonded interfaces: WARNING if one of them is down or none is active, CRITICAL if all are down. A bond without
 * interfaces is unused. https://docs.kernel.org/networking/bonding.html#querying-bonding-configuration
 */
export const bonding = deviceProbe('bond', '/proc/net/bonding', '', ({ read }) => {
  const text = read('');
  if (!text.includes('MII Status: ')) return undefined;
  const slaves = [...text.matchAll(/^Slave Interface: (.*)\nMII Status: (.*)$/gm)];
  const down = slaves.filter(([, , status]) => status !== 'up').map(([, slave, status]) => `, ${slave} ${status}`);
  const current = /^Currently Active Slave: (.*)$/m.exec(text)?.[1] ?? '';
  const active = current !== 'None' ? current : slaves.length > 0 ? 'none' : '';
  const up = slaves.length - down.length;
  return {
    state: up === 0 && slaves.length > 0 ? 2 : down.length > 0 || active === 'none' ? 1 : 0,
    text: `${up} of ${slaves.length} interfaces up${down.join('')}${active && `, ${active} active`}`,
    perfdata: `interfaces=${slaves.length} down=${down.length}`,
  };
});
