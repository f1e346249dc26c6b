/** Trees of /proc and /sys, read by the agent of Node.js, and by the shell agent with the collector. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { withBuiltIn } from '../../agent/checks/with-built-in.ts';
import { openSource } from '../../agent/live/live-source.ts';
import { collect } from '../../agent/probes/collect.ts';
import { virtualisationOf } from '../../agent/probes/virtualisation.ts';
import type { Collected, Counters } from '../../agent/probes/collected.ts';
import { metricOf } from '../../src/report/metrics.ts';
import type { FunctionReport, Row } from '../../src/report/report.ts';
import { shellAgent } from '../support/clients/shell-report.ts';
import { statsOf } from '../support/clients/built-in-checks.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { filesIn, readTtar, type Corpus } from './corpus.ts';
import { named, thrownWords, type Case, type Subject } from './subject.ts';

/** A tree of a machine's files, and what its own project says of it. */
interface Machine {
  readonly corpus: Corpus;
  readonly name: string;
  readonly root: string;
  /** The file with the metrics that node_exporter prints of the tree. */
  readonly metrics?: string;
  /** The hypervisor that lscpu prints of the tree; '' if it prints none. */
  readonly virtualisation?: string;
  /** The tree of the same machine at an earlier time. */
  readonly before?: string;
}

export const machines: Subject = {
  name: 'machines',
  packages: [
    ...['golang-github-prometheus-procfs', 'prometheus-node-exporter', 'sysstat', 'golang-github-shirou-gopsutil'],
    ...['nagios-plugins-contrib', 'util-linux'],
  ],
  cases: async function* (corpora) {
    for (const machine of trees(corpora)) {
      const agent = shellAgent({ after: () => undefined } as never);
      try {
        yield* casesOf(machine, (await agent.run({ root: machine.root })).report);
      } catch (thrown) {
        yield { ...placed(machine, 'tree'), outcome: 'wrong', words: thrownWords(thrown) };
      }
    }
  },
};

type ShellReport = Awaited<ReturnType<ReturnType<typeof shellAgent>['run']>>['report'];

/** Fields that differ between two visits of one tree: they are of this machine. */
const ofVisit = new Set([
  'architecture',
  'size_bytes',
  'used_bytes',
  'available_bytes',
  'used_percent',
  'inodes_percent',
]);

async function* casesOf(machine: Machine, shell: ShellReport): AsyncGenerator<Case> {
  const first = await visit(machine.before ?? machine.root, null, 0);
  const both = await visit(machine.root, first.counters, machine.before === undefined ? 60_000 : elapsedMs(machine));
  const alone = await visit(machine.root, null, 0);
  const known = machine.metrics === undefined ? null : metricsOf(machine.metrics);
  for (const { name, error, function_reports: families } of both.workerReports) {
    const other = shell?.worker_reports.find((one) => one.name === name);
    const own = alone.workerReports.find((one) => one.name === name);
    const faults = [
      ...families.flatMap(faultsOf),
      ...(known === null ? [] : families.flatMap((family) => contradictions(family, known))),
      ...(isAlike(own?.function_reports, other?.function_reports)
        ? []
        : [`the agents differ: ${short(own?.function_reports)} and ${short(other?.function_reports)}`]),
    ];
    const outcome = faults.length > 0 ? 'wrong' : error !== null ? 'refused' : 'read';
    yield { ...placed(machine, name), outcome, words: [...faults, error ?? short(families)].join('; ') };
  }
  if (machine.virtualisation !== undefined) yield virtualisationCase(machine, machine.virtualisation);
  const rows = statsOf(withBuiltIn(null, alone.checks).checks ?? []);
  const others = statsOf(shell?.checks ?? []);
  for (const row of rows) {
    const isSame = others.some((one) => one.check_name === row.check_name && one.text === row.text);
    const words = `${row.state} ${row.text}${isSame ? '' : '; the shell agent differs'}`;
    yield { ...placed(machine, row.check_name), outcome: isSame ? 'read' : 'wrong', words };
  }
}

/** Machines whose virtualisation is read wrongly, with the reason. */
const left: Readonly<Record<string, string>> = {
  'vbox-win': 'recorded in 2008 without the tables of its firmware; a PCI device alone tells it',
};

/** Compares the virtualisation with the tree's hypervisor. An unknown one is refused: that of x86 and ARM is read. */
function virtualisationCase(machine: Machine, theirs: string): Case {
  const own = virtualisationOf(openSource(machine.root));
  const isWrong = own === 'none' ? theirs !== '' : own !== undefined && own !== 'vm-other' && !theirs.includes(own);
  const reason = left[machine.name];
  const outcome = isWrong ? (reason === undefined ? 'wrong' : 'refused') : own === undefined ? 'refused' : 'read';
  return {
    ...placed(machine, 'virtualisation'),
    outcome,
    words: `${own ?? 'unknown'}, and ${theirs || 'none'} there${reason === undefined ? '' : `; left: ${reason}`}`,
  };
}

function placed({ corpus, name }: Machine, part: string): Pick<Case, 'corpus' | 'name'> {
  return { corpus, name: `${name} ${part}` };
}

async function visit(root: string, previous: Counters | null, afterMs: number): Promise<Collected> {
  const given = { source: openSource(root), options: {}, bootId: 'boot', deadlineMs: 14_500 };
  return await collect({ ...given, previous, monotonicMs: 1e9 + afterMs });
}

function elapsedMs({ root, before = '' }: Machine): number {
  const uptime = (of: string): number => Number(readFileSync(`${of}/proc/uptime`, 'utf8').split(' ')[0]) * 1000;
  return Math.max(10_000, uptime(root) - uptime(before));
}

/** Returns the figures of a family that no machine can have. */
function faultsOf({ name, data }: FunctionReport): readonly string[] {
  return data.flatMap((row) =>
    Object.entries(row).flatMap(([field, value]) => {
      if (typeof value !== 'number') return value === '' ? [`${field} is empty`] : [];
      const metric = metricOf(name, field);
      const isPossible =
        Number.isFinite(value) && (metric === null || (value >= metric.minimum && value <= metric.maximum));
      return isPossible ? [] : [`${name} ${field} is ${value}`];
    }),
  );
}

function isAlike(one: readonly FunctionReport[] = [], other: readonly FunctionReport[] = []): boolean {
  const plain = (families: readonly FunctionReport[]): unknown =>
    families.map(({ name, data }) => [
      name,
      data.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([field]) => name === 'memory' || !ofVisit.has(field))),
      ),
    ]);
  return isDeepStrictEqual(plain(one), plain(other));
}

function short(families: readonly FunctionReport[] = []): string {
  return JSON.stringify(families.map(({ name, data }) => [name, ...data.slice(0, 3)])).slice(0, 300);
}

type Metrics = ReadonlyMap<string, number>;

/** Reads the output of node_exporter: the value of each metric with its labels. */
function metricsOf(file: string): Metrics {
  const lines = readFileSync(file, 'utf8').split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, metric, value] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      return metric === undefined ? [] : [[metric, Number(value)] as const];
    }),
  );
}

/** Returns figures of a family that node_exporter tells otherwise. */
function contradictions({ name, data: [row = {}], data }: FunctionReport, metrics: Metrics): readonly string[] {
  const ratio = (part: string, whole: string): number =>
    (100 * (metrics.get(part) ?? NaN)) / (metrics.get(whole) ?? NaN);
  const [total, free] = ['node_memory_SwapTotal_bytes', 'node_memory_SwapFree_bytes'] as const;
  const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    load: { load1: metrics.get('node_load1') ?? NaN, load15: metrics.get('node_load15') ?? NaN },
    memory: { total_bytes: metrics.get('node_memory_MemTotal_bytes') ?? NaN },
    swap: { total_bytes: metrics.get(total) ?? NaN, used_percent: 100 - ratio(free, total) },
    kernel: {
      open_files_percent: ratio('node_filefd_allocated', 'node_filefd_maximum'),
      conntrack_percent: ratio('node_nf_conntrack_entries', 'node_nf_conntrack_entries_limit'),
    },
  };
  const faults = Object.entries(expected[name] ?? {}).flatMap(([field, value]) => {
    const own = row[field];
    const isNear = typeof own === 'number' && Math.abs(own - value) <= 0.006 + 1e-6 * value;
    return Number.isNaN(value) || isNear ? [] : [`${field} is ${String(own)}, and ${value} there`];
  });
  if (name !== 'temperature') return faults;
  const theirs = [...metrics].flatMap(([metric, value]) =>
    metric.startsWith('node_hwmon_temp_celsius{') ? value : [],
  );
  const ours = data.map((one: Row) => one['celsius']);
  return [...faults, ...(isDeepStrictEqual([...theirs].sort(), [...ours].sort()) ? [] : ['other temperatures'])];
}

function trees(corpora: readonly Corpus[]): readonly Machine[] {
  return [
    ...named(corpora, 'golang-github-prometheus-procfs').map((corpus): Machine => {
      const root = path.join(unpacked(path.join(corpus.folder, 'testdata/fixtures.ttar')), 'fixtures');
      return { corpus, name: 'fixtures', root };
    }),
    ...named(corpora, 'prometheus-node-exporter').map((corpus): Machine => {
      const folder = path.join(corpus.folder, 'collector/fixtures');
      const root = unpacked(path.join(folder, 'sys.ttar'));
      cpSync(path.join(folder, 'proc'), path.join(root, 'proc'), { recursive: true, verbatimSymlinks: true });
      return { corpus, name: 'fixtures', root, metrics: path.join(folder, 'e2e-output.txt') };
    }),
    ...named(corpora, 'sysstat').flatMap((corpus) =>
      readdirSync(path.join(corpus.folder, 'tests'))
        .filter((name) => /^root\d\w?$/.test(name))
        .map((name): Machine => {
          const root = path.join(corpus.folder, 'tests', name);
          const before = path.join(corpus.folder, 'tests', `root${Number(name[4]) - 1}`);
          return {
            corpus,
            name,
            root,
            ...(existsSync(`${before}/proc/uptime`) && name.length === 5 ? { before } : {}),
          };
        }),
    ),
    ...named(corpora, 'golang-github-shirou-gopsutil').flatMap((corpus) => {
      const roots = filesIn(corpus.folder, /\/testdata\/linux\/.*\/proc\/\w+$/).map((file) =>
        path.dirname(path.dirname(file)),
      );
      return [...new Set(roots)].map((root): Machine => ({ corpus, name: path.relative(corpus.folder, root), root }));
    }),
    ...named(corpora, 'nagios-plugins-contrib').flatMap(ofPlugins),
    ...named(corpora, 'util-linux').flatMap((corpus) => [...ofLscpu(corpus), ...ofLibmount(corpus)]),
  ];
}

/** Unpacks an archive of the form `ttar`. Returns its folder. */
function unpacked(archive: string): string {
  const root = tempFolder();
  for (const entry of readTtar(readFileSync(archive, 'utf8'))) {
    const place = path.join(root, entry.path);
    mkdirSync(entry.kind === 'folder' ? place : path.dirname(place), { recursive: true });
    if (entry.kind === 'file') writeFileSync(place, entry.content);
    else if (entry.kind === 'link' && !existsSync(place)) symlinkSync(entry.target, place);
  }
  return root;
}

/** The single files of /proc that tests of plugins have, by the ends of their names. */
const procFiles: Readonly<Record<string, string>> = {
  procmeminfo: 'meminfo',
  procstat: 'stat',
  procvmstat: 'vmstat',
  procpressureio: 'pressure/io',
  procpressurecpu: 'pressure/cpu',
};

function ofPlugins(corpus: Corpus): readonly Machine[] {
  const root = tempFolder();
  for (const file of filesIn(corpus.folder, /\/tests\/ts_proc\w+\.data$/)) {
    const name = procFiles[path.basename(file, '.data').replace('ts_', '')];
    if (name === undefined) continue;
    mkdirSync(path.dirname(path.join(root, 'proc', name)), { recursive: true });
    cpSync(file, path.join(root, 'proc', name));
  }
  return [{ corpus, name: 'tests', root }];
}

function ofLscpu(corpus: Corpus): readonly Machine[] {
  return filesIn(corpus.folder, /\/lscpu\/dumps\/.*\.tar\.gz$/).map((file): Machine => {
    const root = tempFolder();
    execFileSync('tar', ['-xzf', file, '-C', root, '--strip-components=1', '--no-same-owner']);
    const name = path.basename(file, '.tar.gz');
    const printed = readFileSync(path.join(corpus.folder, `tests/expected/lscpu/lscpu-${name}`), 'utf8');
    const [, virtualisation = ''] = /^Hypervisor(?: vendor)?:\s+(.*)$/m.exec(printed) ?? [];
    return { corpus, name, root, virtualisation: virtualisation.toLowerCase() };
  });
}

function ofLibmount(corpus: Corpus): readonly Machine[] {
  const files = filesIn(corpus.folder, /\/libmount\/files\/mountinfo\w*$/);
  return files.map((file): Machine => {
    const root = tempFolder();
    mkdirSync(path.join(root, 'proc/self'), { recursive: true });
    mkdirSync(path.join(root, 'etc'));
    cpSync(file, path.join(root, 'proc/self/mountinfo'));
    cpSync(path.join(path.dirname(file), 'fstab'), path.join(root, 'etc/fstab'));
    return { corpus, name: path.basename(file), root };
  });
}
