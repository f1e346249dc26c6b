import type { BuiltInCheck, JsonValue } from './collected.ts';
import { rounded } from './function-report.ts';
import type { Probe, ProbeContext, ProbeResult } from './probe.ts';
import { mostExcerpts } from './services.ts';
import type { Source } from './source.ts';

const cgroups = '/sys/fs/cgroup';
export const maxContainers = 50;
/** A kill is reported for this long, because a rule waits for two reports. Restarts are counted within this time. */
const shownMs = 3_600_000;
/** A container that restarts this often within an hour flaps. */
const flapping = 4;
/** The most containers whose restarts are asked for. */
const maxYoung = 10;

/**
 * The figures that the next visit compares with: kills, CPU time in microseconds, the time for which a kill is still
 * reported, the name, the number of restarts since it was made (null: unknown), and the ages of the last ones.
 */
type Kept = readonly [
  kills: number,
  usage: number,
  leftMs: number,
  name: string | null,
  count?: number | null,
  ages?: readonly number[],
];

/**
 * Checks the containers of Docker and Podman by their cgroups (version 2): WARNING for an hour after the kernel killed
 * a process of one for want of memory. Where this account may ask Docker or Podman, also CRITICAL if a container is
 * unhealthy or flaps. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export const containers: Probe = {
  name: 'containers',
  deadlineMs: 3500,
  rates: 'rates',
  check: 'container',
  run: (context) => {
    const answer = context.source.programs.containers('json');
    return answer === null ? rowsOf(context, []) : answer.then((list) => askFurther(context, list));
  },
};

/** A container in the list: its short id, name, state and status. */
const listForm = /"Id":"(\w{12})\w*","Names":\["\/?([^"]+)"[^]*?"State":"(\w+)","Status":"([^"]*)/g;
export const unhealthyOnes = 'json?filters={"health":["unhealthy"]}';

/** Asks for health, for the restarts of containers that started within the last hour, and for logs of bad ones. */
async function askFurther(context: ProbeContext, list: string): Promise<ProbeResult> {
  const ask = async (what: string): Promise<string> => (await context.source.programs.containers(what)) ?? '';
  const listed = [...list.matchAll(listForm)].map((match) => match.slice(1));
  if (listed.length === 0) return rowsOf(context, listed);
  const young = listed.filter(([, , , status = '']) => /^Re|sec|min/.test(status)).slice(0, maxYoung);
  const [sick, ...details] = await Promise.all([unhealthyOnes, ...young.map(([id]) => `${id}/json`)].map(ask));
  const detailOf = (id: string): string | undefined => details[young.findIndex(([one]) => one === id)];
  const result = rowsOf(context, listed, sick, detailOf);
  const bad = result.checks.filter(({ state }) => state > 0).slice(0, mostExcerpts(context.options));
  const logs = await Promise.all(bad.map(({ id }) => ask(`${id}/logs?stdout=1&stderr=1&tail=5`)));
  return { ...result, checks: result.checks.map((row) => ({ ...row, logTail: logs[bad.indexOf(row)] })) };
}

/** Returns the cgroups of containers by short id. The cgroup of conmon, which watches a container, has another name. */
function scopesIn(source: Source): Map<string, string> {
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

/** A check with the short id of its container. */
interface ContainerCheck extends BuiltInCheck {
  readonly id: string;
}

interface ContainerResult extends ProbeResult {
  readonly checks: readonly ContainerCheck[];
}

/**
 * Returns the checks of the containers that have a cgroup, that are between two starts, or that flap. `listed` are the
 * matches of `listForm`, `sick` is the answer about unhealthy ones, `detailOf` returns what Docker tells about one.
 */
function rowsOf(
  { source, earlier }: ProbeContext,
  listed: readonly (readonly string[])[],
  sick = '',
  detailOf?: (id: string) => string | undefined,
): ContainerResult {
  const known = (earlier?.counters ?? {}) as Readonly<Partial<Record<string, Kept>>>;
  const elapsedMs = earlier?.elapsedMs ?? 0;
  const counters: Record<string, JsonValue> = {};
  const paths = scopesIn(source);
  // A container that flaps may be in no list for a moment.
  const absent = [
    ...listed.filter(([, , state]) => state === 'restarting').map(([id = '']) => id),
    ...Object.keys(known).filter((id) => known[id]?.[5]?.length),
  ];
  for (const id of absent) if (!paths.has(id)) paths.set(id, '');
  const all = [...paths].map(([id, path]): ContainerCheck => {
    const [killsThen = NaN, usageThen = NaN, leftThen = 0, nameThen, countThen, agesThen = []] = known[id] ?? [];
    const [, name = nameThen ?? null, status = path && 'running'] = listed.find(([one]) => one === id) ?? [];
    const [kills, usage, memory] = figuresIn(source, path);
    // A restarted container has new counters.
    const leftMs = kills > killsThen ? shownMs : Math.max(0, leftThen - elapsedMs);
    const count = Number(/"RestartCount":(\d+)/.exec(detailOf?.(id) ?? '')?.[1] ?? countThen ?? NaN);
    const restarts = count - (countThen ?? NaN) || Number(usage < usageThen);
    const ages = [...[0, 0, 0, 0].slice(0, Math.max(restarts, 0)), ...agesThen.map((age) => age + elapsedMs)]
      .filter((age) => age < shownMs)
      .slice(0, flapping);
    counters[id] = [kills, usage, leftMs, name, count, ages];
    const critical = [
      ...(sick.includes(`"Id":"${id}`) ? ['unhealthy'] : []),
      ...(ages.length < flapping ? [] : [`restarted ${flapping} times within an hour`]),
    ];
    const warnings = leftMs > 0 ? [`processes killed for want of memory, ${kills} since its start`] : [];
    const cpu = usage >= usageThen ? [`cpu=${rounded((usage - usageThen) / elapsedMs / 10, 2)}%`] : [];
    return {
      id,
      name: `container:${name ?? id}`,
      state: critical.length > 0 ? 2 : leftMs > 0 ? 1 : 0,
      text: [...critical, ...warnings].join('; ') || status,
      perfdata: [...memory, ...cpu, `oom_kills=${kills}`].join(' '),
    };
  });
  return { functions: [], checks: all.filter(({ text }) => text !== ''), ...(all.length > 0 ? { counters } : {}) };
}

/** Returns the kills, the CPU time and the figures of memory of a cgroup. */
function figuresIn(source: Source, path: string): readonly [number, number, readonly string[]] {
  const read = (file: string): string => source.readOptional(`${path}/${file}`) ?? '';
  const [memory, most] = [Number(read('memory.current') || NaN), Number(read('memory.max') || NaN)];
  return [
    Number(/^oom_kill (\d+)$/m.exec(read('memory.events'))?.[1] ?? 0),
    Number(/^usage_usec (\d+)$/m.exec(read('cpu.stat'))?.[1] ?? NaN),
    memory >= 0 ? [`memory=${memory}B;;;0${most >= 0 ? `;${most}` : ''}`] : [],
  ];
}
