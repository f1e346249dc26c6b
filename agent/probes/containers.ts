import type { BuiltInCheck, JsonValue } from './collected.ts';
import { rounded } from './function-report.ts';
import type { Earlier, Probe } from './probe.ts';
import type { Source } from './source.ts';

const cgroups = '/sys/fs/cgroup';
export const maxContainers = 50;
/** A kill is reported for this long, because a rule waits for two reports. */
const shownMs = 3_600_000;

/**
 * The figures that the next visit compares with: kills, CPU time in microseconds, the time for which a kill is still
 * reported, the name.
 */
type Kept = readonly [kills: number, usage: number, leftMs: number, name: string | null];

/**
 * Checks the containers of Docker and Podman by their cgroups (version 2): WARNING for an hour after the kernel killed
 * a process of one for want of memory. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export const containers: Probe = {
  name: 'containers',
  deadlineMs: 1500,
  rates: 'rates',
  check: 'container',
  run: ({ source, earlier }) => {
    const scopes = scopesIn(source);
    if (scopes.size === 0) return { functions: [] };
    const known = (earlier?.counters ?? {}) as Readonly<Record<string, Kept>>;
    const isKnown = [...scopes.keys()].every((id) => typeof known[id]?.[3] === 'string');
    const answer = isKnown ? null : source.programs.containers();
    const finish = (
      names: ReadonlyMap<string, string>,
    ): { functions: []; checks: BuiltInCheck[]; counters: JsonValue } => {
      const counters: Record<string, JsonValue> = {};
      const checks = [...scopes].map(([id, path]) => {
        const name = names.get(id) ?? known[id]?.[3] ?? null;
        const { check, kept } = containerCheck(source, path, { name: name ?? id, before: known[id], earlier });
        counters[id] = [...kept, name];
        return check;
      });
      return { functions: [], checks, counters };
    };
    return answer === null ? finish(new Map()) : answer.then(namesIn).then(finish);
  },
};

/** Returns the cgroups of containers by short id. The cgroup of conmon, which watches a container, has another name. */
function scopesIn(source: Source): ReadonlyMap<string, string> {
  const scopes = new Map<string, string>();
  if (!source.exists(`${cgroups}/cgroup.controllers`)) return scopes;
  const users = source.list(`${cgroups}/user.slice`).flatMap((name) => {
    const [, uid] = /^user-(\d+)\.slice$/.exec(name) ?? [];
    return uid === undefined ? [] : [`user.slice/${name}/user@${uid}.service/user.slice`];
  });
  for (const slice of ['system.slice', 'machine.slice', 'docker', ...users]) {
    for (const name of source.list(`${cgroups}/${slice}`).sort()) {
      const [, id] = /^(?:(?:docker|libpod)-)?([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?$/.exec(name) ?? [];
      if (id !== undefined && scopes.size < maxContainers) scopes.set(id, `${cgroups}/${slice}/${name}`);
    }
  }
  return scopes;
}

interface Compared {
  readonly name: string;
  readonly before: Kept | undefined;
  readonly earlier: Earlier | null;
}

function containerCheck(
  source: Source,
  path: string,
  { name, before, earlier }: Compared,
): { readonly check: BuiltInCheck; readonly kept: readonly [number, number, number] } {
  const read = (file: string): string => source.readOptional(`${path}/${file}`) ?? '';
  const kills = Number(/^oom_kill (\d+)$/m.exec(read('memory.events'))?.[1] ?? 0);
  const usage = Number(/^usage_usec (\d+)$/m.exec(read('cpu.stat'))?.[1] ?? NaN);
  const [memory, most] = [Number(read('memory.current') || NaN), Number(read('memory.max') || NaN)];
  const elapsedMs = earlier?.elapsedMs ?? 0;
  // A restarted container has new counters.
  const isRising = before !== undefined && kills > before[0];
  const leftMs = isRising ? shownMs : Math.max(0, (before?.[2] ?? 0) - elapsedMs);
  const percent = before !== undefined && usage >= before[1] ? rounded((usage - before[1]) / elapsedMs / 10, 2) : null;
  const figures = [
    ...(memory >= 0 ? [`memory=${memory}B;;;0${most >= 0 ? `;${most}` : ''}`] : []),
    ...(percent === null ? [] : [`cpu=${percent}%`]),
    `oom_kills=${kills}`,
  ];
  return {
    check: {
      name: `container:${name}`,
      state: leftMs > 0 ? 1 : 0,
      text: leftMs > 0 ? `processes killed for want of memory, ${kills} since its start` : 'running',
      perfdata: figures.join(' '),
    },
    kept: [kills, usage, leftMs],
  };
}

/** Returns the names of the running containers in an answer, by short id. Returns none if the answer is not valid. */
function namesIn(answer: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  try {
    const listed = JSON.parse(answer) as readonly { Id: string; Names: string[] }[];
    for (const { Id, Names } of listed) names.set(Id.slice(0, 12), String(Names[0]).replace(/^\//, ''));
  } catch {
    // Without names the short ids are used.
  }
  return names;
}
