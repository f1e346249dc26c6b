import type { BuiltInCheck } from './collected.ts';
import type { Probe } from './probe.ts';
import { isContainer } from './virtualisation.ts';

const dir = '/proc/net/bonding';

/**
 * Checks bonded interfaces: WARNING if one of them is down or none is active, CRITICAL if all are down. A bond without
 * interfaces is unused. https://docs.kernel.org/networking/bonding.html#querying-bonding-configuration
 */
export const bonding: Probe = {
  name: 'bonding',
  deadlineMs: 1000,
  check: 'bond',
  run: ({ source }) => {
    const bonds = source.list(dir).sort();
    if (bonds.length === 0 || isContainer(source)) return { functions: [] };
    return { functions: [], checks: bonds.map((name) => bondCheck(name, source.readOptional(`${dir}/${name}`) ?? '')) };
  },
};

function bondCheck(bond: string, text: string): BuiltInCheck {
  const name = `bond:${bond}`;
  if (!text.includes('MII Status: ')) return { name, state: 3, text: 'cannot be read', perfdata: '' };
  const slaves = [...text.matchAll(/^Slave Interface: (.*)\nMII Status: (.*)$/gm)];
  const down = slaves.filter(([, , status]) => status !== 'up').map(([, slave, status]) => `${slave} ${status}`);
  const active = /^Currently Active Slave: (.*)$/m.exec(text)?.[1];
  const isIdle = active === 'None' && slaves.length > 0;
  const up = `${slaves.length - down.length} of ${slaves.length} interfaces up`;
  const words = [
    up,
    ...down,
    isIdle ? 'none active' : active === undefined || active === 'None' ? '' : `${active} active`,
  ];
  return {
    name,
    state: slaves.length > 0 && down.length === slaves.length ? 2 : down.length > 0 || isIdle ? 1 : 0,
    text: words.filter((word) => word !== '').join(', '),
    perfdata: `interfaces=${slaves.length} down=${down.length}`,
  };
}
