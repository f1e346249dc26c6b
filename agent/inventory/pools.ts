import { poolsDir, poolsFile } from '../probes/devices.ts';
import type { Probe } from '../probes/probe.ts';
import { isContainer } from '../probes/virtualisation.ts';

export const poolWords = ['list', '-H', '-o', 'name,capacity,fragmentation'];
/** A pool whose disks have errors stays ONLINE while others have the data. */
export const statusWords = ['status'];
/** The most disks that are named, and the most characters of a name. */
const [maxDisks, maxNameChars] = [3, 40];
/** The names of groups of disks in `zpool status`. */
const group = /^(mirror|raidz|draid|spare|replacing|logs|cache|special|dedup)/;
const programs = ['/usr/sbin/zpool', '/sbin/zpool', '/usr/local/sbin/zpool'];

/**
 * Asks `zpool list` how full and how fragmented the pools of ZFS are, and `zpool status` for their errors, and keeps
 * the answers for the visits of a day. A missing answer is kept as well. A suspended pool can make zpool hang, so
 * nothing is asked then.
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
    const status = await ask.run(program, statusWords, leftMs() - 200).catch(() => null);
    const errors = errorsIn(status?.output ?? '');
    const lines = (answer?.output ?? '').split('\n').map((line) => {
      const [pool = '', ...shares] = line.split('\t', 3);
      const words = errors.get(pool);
      return words === undefined ? line : [pool, ...shares, words].join('\t');
    });
    notes.write(poolsFile, `${Math.floor(reader.nowMs() / 1000)}\n${lines.join('\n')}`);
    return { functions: [] };
  },
};

/**
 * Returns the errors of each pool in the answer of `zpool status`, with commas between them: `damaged NUMBER` of its
 * data, `DISK STATE READ WRITE CHECKSUM` of disks with counts or in a bad state, and `more NUMBER` of them. A pool
 * without errors has an empty text.
 */
export function errorsIn(answer: string): ReadonlyMap<string, string> {
  const pools = answer.split(/^ *pool: /m).slice(1);
  return new Map(
    pools.map((text): [string, string] => {
      const [pool = ''] = text.split('\n', 1);
      const [, damaged] = /^errors: (\d+) data errors/m.exec(text) ?? [];
      const data = damaged === undefined ? [] : [`damaged ${damaged}`];
      return [pool.trim(), [...data, ...badDisks(pool.trim(), text)].join(',')];
    }),
  );
}

const diskLine = /^\t *(\S+) +([A-Z]+)(?: +([\d.]+\w?) +([\d.]+\w?) +([\d.]+\w?))?/gm;

function badDisks(pool: string, text: string): readonly string[] {
  const [, config = ''] = text.split(/^config:\s*$/m, 2);
  const bad = [...config.matchAll(diskLine)].flatMap(([, name = '', state = '', read, write, checksum]) => {
    const counts = [read, write, checksum].map((count) => count ?? '0');
    const isFine = counts.every((count) => count === '0') && /^(ONLINE|AVAIL|INUSE|STATE)$/.test(state);
    return isFine ? [] : [{ name, words: [name.slice(-maxNameChars), state, ...counts].join(' ') }];
  });
  const disks = bad.filter(({ name }) => !group.test(name) && name !== pool);
  const named = (disks.length > 0 ? disks : bad).map(({ words }) => words.replaceAll(',', '?'));
  const more = named.length > maxDisks ? [`more ${named.length - maxDisks}`] : [];
  return [...named.slice(0, maxDisks), ...more];
}
