import type { BuiltInCheck, JsonValue } from './collected.ts';
import { rounded } from './function-report.ts';
import type { ProbeContext, ProbeResult, VisitProbe } from './probe.ts';
import { mostExcerpts } from './services.ts';
import type { Source } from './source.ts';
import { inCgroup } from './virtualisation.ts';

export const cgroups = '/sys/fs/cgroup';
/** The most containers of which figures are read. */
export const maxContainers = 200;
/** A kill is reported for this long, because a rule waits for two reports. Restarts are counted within this time. */
const shownMs = 3_600_000;
/** A container that restarts this often within an hour flaps. */
const flapping = 4;
/** The most containers whose restarts are asked for. */
const maxYoung = 10;

/**
 * The figures that the next visit compares with: kills, CPU time in microseconds, the time for which a kill is still
 * reported, the names, the number of restarts since it was made (null: unknown), and the ages of the last ones.
 */
type Kept = readonly [
  kills: number | null,
  usage: number | null,
  leftMs: number,
  names: string | null,
  count?: number | null,
  ages?: readonly number[],
];

/**
 * Checks the containers of Docker and Podman: each that is listed, and each that has a cgroup. WARNING for an hour
 * after the kernel killed a process of one for want of memory, and while one is paused. Where this account may ask
 * Docker or Podman, also CRITICAL if a container is unhealthy or flaps.
 */
export const containers: VisitProbe = {
  name: 'containers',
  deadlineMs: 3500,
  reads: {
    // The script looks for the cgroups of containers by itself.
    names: inCgroup('cgroup.controllers'),
  },
  rates: 'rates',
  check: 'container',
  run: (context) => {
    const answers = context.source.programs.containers('json');
    return answers === null ? rowsOf(context, []) : answers.then((lists) => askFurther(context, lists));
  },
};

export const unhealthyOnes = 'json?filters={"health":["unhealthy"]}';
/** The list of Podman is without them. */
export const pausedOnes = 'json?filters={"status":["paused"]}';

/** A container in a list: its short id, names, state and status. */
interface Listed {
  readonly id: string;
  /** The name that `docker ps` shows, and behind it those for which a conf file may name the container. */
  readonly names: readonly string[];
  readonly state: string;
  readonly status: string;
}

/** Asks for health, for the restarts of containers that started within the last hour, and for logs of bad ones. */
async function askFurther(context: ProbeContext, lists: readonly string[]): Promise<ProbeResult> {
  const ask = async (what: string): Promise<readonly string[]> =>
    (await context.source.programs.containers(what)) ?? [];
  const running = lists.flatMap(listedIn);
  const young = running.filter(({ status }) => /^Re|sec|min/.test(status)).slice(0, maxYoung);
  const [sick = [], paused = [], ...details] = await Promise.all(
    [unhealthyOnes, pausedOnes, ...young.map(({ id }) => `${id}/json`)].map(ask),
  );
  const detailOf = (id: string): string | undefined => details[young.findIndex((one) => one.id === id)]?.join('');
  const unhealthy = new Set(sick.flatMap(listedIn).map(({ id }) => id));
  const result = rowsOf(context, [...running, ...paused.flatMap(listedIn)], unhealthy, detailOf);
  const bad = result.checks.filter(({ state, text }) => state > 0 && text !== 'paused');
  const shown = bad.slice(0, mostExcerpts(context.options));
  const logs = await Promise.all(shown.map(({ id }) => ask(`${id}/logs?stdout=1&stderr=1&tail=5`)));
  return { ...result, checks: result.checks.map((row) => ({ ...row, logTail: logs[shown.indexOf(row)]?.join('') })) };
}

/** Returns the containers of an answer; none if it is no list of containers. */
function listedIn(json: string): readonly Listed[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.flatMap(listed) : [];
  } catch {
    return [];
  }
}

function listed(entry: unknown): readonly Listed[] {
  const { Id, Names, State, Status, Labels } = { ...(entry as Readonly<Record<string, unknown>>) };
  const [id] = /^[0-9a-f]{12}/.exec(String(Id)) ?? [];
  if (id === undefined) return [];
  const names = namesOf(Array.isArray(Names) ? Names : [], { ...(Labels as Readonly<Record<string, unknown>>) });
  return [{ id, names, state: textIn(State, /^[a-z]+$/) ?? 'running', status: textIn(Status) ?? '' }];
}

/** Returns a value if it is a text of this form; null otherwise. */
function textIn(value: unknown, form = /./): string | null {
  return typeof value === 'string' && form.test(value) ? value : null;
}

const nameForm = /^[\w.-]{1,255}$/;
const [swarm, compose] = ['com.docker.swarm.service.name', 'com.docker.compose.'];
/** The labels that are read. */
export const usedLabels = [swarm, ...['project', 'service', 'oneoff'].map((label) => compose + label)];

/**
 * Returns the name that `docker ps` shows, and behind it the names that the runtime made it from: Swarm's service and
 * slot, and Compose's service, with and without its project. Names with a further slash are those of links.
 */
function namesOf(all: readonly unknown[], labels: Readonly<Record<string, unknown>>): readonly string[] {
  const name = all.map((one) => textIn(one)?.replace(/^\//, '') ?? '').find((one) => nameForm.test(one));
  if (name === undefined) return [];
  const label = (which: string): string | null => textIn(labels[which]);
  const [project, service] = [label(`${compose}project`) ?? '', label(`${compose}service`)];
  const isComposed = service !== null && label(`${compose}oneoff`) !== 'True';
  const composed = isComposed ? [service, `${project}-${service}`, `${project}_${service}`] : [];
  const made = [/^[0-9a-f]{12}_(.+)$/, /^(.+)\.[a-z0-9]{25}$/].flatMap((form) => form.exec(name)?.slice(1) ?? []);
  const others = [...made, label(swarm) ?? '', ...composed].filter((one) => nameForm.test(one));
  return [...new Set([name, ...others])];
}

/** The cgroup of a container: its path below the root of cgroups, or of each controller of version 1. */
interface Scope {
  readonly path: string;
  /** True if it is where Docker and Podman put their own containers, and has processes. */
  readonly isOwn: boolean;
}

/** The most levels of cgroups and the most cgroups that are looked through. */
const [maxLevels, maxCgroups] = [10, 2000];
/** The cgroups of other machines on this one. Containers below them are theirs. */
const guests = /\/(?:lxc[^/]*|kubepods[^/]*|machine-[^/]*\.scope|systemd-nspawn@[^/]*)\//;

/**
 * Returns the cgroups whose names end with the id of a container, by short id, wherever they are. conmon, which watches
 * a container, has one too. A cgroup of a pod has its containers below it. What is below a container is its own.
 */
function scopesIn(source: Source): ReadonlyMap<string, Scope> {
  const scopes = new Map<string, Scope>();
  const isUnified = source.exists(`${cgroups}/cgroup.controllers`);
  for (const root of isUnified ? [''] : ['/memory', '/cpuacct']) {
    const folders = [{ path: '', level: 0 }];
    for (const { path, level } of folders) {
      for (const name of source.list(`${cgroups}${root}${path}`, 'folders').sort()) {
        const below = `${path}/${name}`;
        if (!isTold(below)) continue;
        const [, kind = '', id] = idForm.exec(name) ?? [];
        const isPod =
          id !== undefined && source.list(`${cgroups}${root}${below}`, 'folders').some((one) => podMember.test(one));
        if (id === undefined || isPod) {
          if (level + 1 < maxLevels && folders.length < maxCgroups) folders.push({ path: below, level: level + 1 });
        } else if (!kind.includes('conmon') && !scopes.has(id)) {
          const isEmpty = /^populated 0$/m.test(source.readOptional(`${cgroups}${below}/cgroup.events`) ?? '');
          scopes.set(id, { path: below, isOwn: !isEmpty && ownKinds.test(kind) && !guests.test(below) });
        }
      }
    }
  }
  return scopes;
}

/** The name of a container's cgroup: its kind and its id. */
const idForm = /^(?:(.*)-)?([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?$/;
const podMember = /^libpod-[0-9a-f]{64}$/;
const ownKinds = /^(?:docker|libpod|libpod-payload|)$/;

/** True if a capture can have the path. */
function isTold(path: string): boolean {
  return !path.includes(':') && path.length < 800;
}

/** A check with the short id of its container. */
interface ContainerCheck extends BuiltInCheck {
  readonly id: string;
}

interface ContainerResult extends ProbeResult {
  readonly checks: readonly ContainerCheck[];
}

/**
 * Returns the checks of the containers that are listed, that have a cgroup, or that flap. `unhealthy` has short ids,
 * `detailOf` returns what Docker tells about one.
 */
function rowsOf(
  { source, earlier }: ProbeContext,
  all: readonly Listed[],
  unhealthy: ReadonlySet<string> = new Set(),
  detailOf?: (id: string) => string | undefined,
): ContainerResult {
  const known = (earlier?.counters ?? {}) as Readonly<Partial<Record<string, Kept>>>;
  const elapsedMs = earlier?.elapsedMs ?? 0;
  const counters: Record<string, JsonValue> = {};
  const scopes = scopesIn(source);
  const listedOnes = new Map(all.map((one) => [one.id, one]));
  const ids = new Set([
    ...[...scopes].flatMap(([id, { isOwn }]) => (isOwn || listedOnes.has(id) ? [id] : [])),
    ...listedOnes.keys(),
    // A container that flaps may be in no list for a moment.
    ...Object.keys(known).filter((id) => known[id]?.[5]?.length),
  ]);
  const taken = new Set<string>();
  const checks = [...ids].slice(0, maxContainers).map((id): ContainerCheck => {
    const [killsThen, usageThen, leftThen = 0, namesThen, countThen, agesThen = []] = known[id] ?? [];
    const path = scopes.get(id)?.path;
    const { kills, usage, memory, isFrozen } = figuresIn(source, path);
    const fromList = listedOnes.get(id);
    const status = isFrozen ? 'paused' : (fromList?.state ?? (path === undefined ? '' : 'running'));
    const names = fromList?.names ?? namesThen?.split(' ') ?? [];
    // A restarted container has new counters.
    const isKilled = kills !== null && typeof killsThen === 'number' && kills > killsThen;
    const leftMs = isKilled ? shownMs : Math.max(0, leftThen - elapsedMs);
    const count = Number(/"RestartCount":(\d+)/.exec(detailOf?.(id) ?? '')?.[1] ?? countThen ?? NaN);
    const restarts = count - (countThen ?? NaN) || Number((usage ?? NaN) < (usageThen ?? NaN));
    const ages = [...[0, 0, 0, 0].slice(0, Math.max(restarts, 0)), ...agesThen.map((age) => age + elapsedMs)]
      .filter((age) => age < shownMs)
      .slice(0, flapping);
    counters[id] = [kills, usage, leftMs, names.length > 0 ? names.join(' ') : null, count, ages];
    const critical = [
      ...(unhealthy.has(id) ? ['unhealthy'] : []),
      ...(ages.length < flapping ? [] : [`restarted ${flapping} times within an hour`]),
    ];
    const warnings = [
      ...(status === 'paused' ? ['paused'] : []),
      ...(leftMs > 0 ? [`processes killed for want of memory, ${kills ?? killsThen} since its start`] : []),
    ];
    const spent = (usage ?? NaN) - (usageThen ?? NaN);
    const cpu = spent >= 0 && elapsedMs > 0 ? [`cpu=${rounded(spent / elapsedMs / 10, 2)}%`] : [];
    const name = rowName(names, id, taken);
    taken.add(name);
    return {
      id,
      name: `container:${name}`,
      state: critical.length > 0 ? 2 : warnings.length > 0 ? 1 : 0,
      text: [...critical, ...warnings].join('; ') || status,
      perfdata: [...memory, ...cpu, ...(kills === null ? [] : [`oom_kills=${kills}`])].join(' '),
      container: { names, isRunning: status !== 'paused' },
    };
  });
  const shown = checks.filter(({ text }) => text !== '');
  return { functions: [], checks: shown, ...(checks.length > 0 ? { counters } : {}) };
}

/**
 * Returns the name of a row: that of the container, or its short id. A name that another runtime has taken, and one
 * that is too long for a check, end with the id.
 */
function rowName([name]: readonly string[], id: string, taken: ReadonlySet<string>): string {
  if (name === undefined) return id;
  return name.length > maxNameChars || taken.has(name) ? `${name.slice(0, maxNameChars - 13)}/${id}` : name;
}
const maxNameChars = 118;

interface Figures {
  readonly kills: number | null;
  readonly usage: number | null;
  readonly memory: readonly string[];
  readonly isFrozen: boolean;
}

/** The files of a container's cgroup: in version 2, and in version 1 below the controller that begins their name. */
export const cgroupFiles = [
  ...['memory.events', 'cpu.stat', 'memory.current', 'memory.max', 'cgroup.events'],
  ...['memory.oom_control', 'cpuacct.usage', 'memory.usage_in_bytes', 'memory.limit_in_bytes', 'freezer.state'],
] as const;
/** The controllers of version 1 that have these files. */
export const controllers = ['memory', 'cpuacct', 'freezer'];
/** The least limit of version 1 that means none: it writes a number near 2^63. */
const noLimit = 2 ** 62;

/**
 * Reads the figures of a cgroup. https://docs.kernel.org/admin-guide/cgroup-v2.html,
 * https://docs.kernel.org/admin-guide/cgroup-v1/
 */
function figuresIn(source: Source, path: string | undefined): Figures {
  type File = (typeof cgroupFiles)[number];
  const read = (file: File, former: File): string =>
    path === undefined
      ? ''
      : (source.readOptional(`${cgroups}${path}/${file}`) ??
        source.readOptional(`${cgroups}/${former.split('.', 1).join()}${path}/${former}`) ??
        '');
  const times = read('cpu.stat', 'cpuacct.usage');
  const micros = numberIn(/^usage_usec (\d+)$/m, times);
  const nanos = numberIn(/^(\d+)$/, times.trim());
  const memory = numberIn(/^(\d+)$/m, read('memory.current', 'memory.usage_in_bytes'));
  const most = numberIn(/^(\d+)$/m, read('memory.max', 'memory.limit_in_bytes')) ?? Infinity;
  return {
    kills: numberIn(/^oom_kill (\d+)$/m, read('memory.events', 'memory.oom_control')),
    usage: micros ?? (nanos === null ? null : nanos / 1000),
    memory: memory === null ? [] : [`memory=${memory}B;;;0${most < noLimit ? `;${most}` : ''}`],
    isFrozen: /^(?:frozen 1|FROZEN)$/m.test(read('cgroup.events', 'freezer.state')),
  };
}

function numberIn(form: RegExp, text: string): number | null {
  const [, digits] = form.exec(text) ?? [];
  return digits === undefined ? null : Number(digits);
}
