import { poolsDir, poolsFile } from '../probes/devices.ts';
import type { Probe } from '../probes/probe.ts';
import { isContainer } from '../probes/virtualisation.ts';

export const poolWords = ['list', '-H', '-o', 'name,capacity,fragmentation'];
const programs = ['/usr/sbin/zpool', '/sbin/zpool', '/usr/local/sbin/zpool'];

/**
 * Asks `zpool list` how full and how fragmented the pools of ZFS are, and keeps the answer for the visits of a day. A
 * missing answer is kept as well. A suspended pool can make zpool hang, so nothing is asked then.
 */
export const poolsOfToday: Probe = {
  name: 'pools',
  deadlineMs: 3000,
  check: 'pools',
  run: async ({ source, leftMs }) => {
    const { notes, programs: ask, reader } = source;
    const states = source.list(poolsDir).flatMap((pool) => source.readOptional(`${poolsDir}/${pool}/state`) ?? []);
    const program = programs.find((path) => source.exists(path));
    const isAsked = states.length > 0 && !states.some((state) => state.includes('SUSPENDED')) && !isContainer(source);
    if (notes === null || program === undefined || !isAsked) return { functions: [] };
    const answer = await ask.run(program, poolWords, leftMs() - 200).catch(() => null);
    notes.write(poolsFile, `${Math.floor(reader.nowMs() / 1000)}\n${answer?.output ?? ''}`);
    return { functions: [] };
  },
};
