/** The import rule of ARCHITECTURE.md: who may import whom. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

import { aboutsOf } from '../src/about/kinds.ts';
import { pluck } from './support/pluck.ts';

const root = path.join(import.meta.dirname, '..');

/**
 * Folders of src from the bottom up: a member imports what stands before it. Members of one line do not import each
 * other. A room that stands by itself (`config/values`) may be imported earlier than the rest of its folder. The files
 * of src itself are the ways in, which belong to the command line.
 */
const house: readonly string[] = [
  'report',
  'platform/errors',
  'platform',
  'text',
  'config/values',
  'state-folder',
  'config',
  'about',
  'transport storage notify',
  'collector alerter simulator',
  'look',
  'agent-program',
  'cli',
];

/**
 * Rooms of a folder, likewise. `contract` is what stands beside the rooms and is imported by them (see `contracts`);
 * `.` is the other files there, the entry modules, which no room imports.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'src/config': [
    'values',
    'databases',
    'contract',
    'xml',
    'vocabulary',
    'settings',
    'rules',
    'recipients',
    'clients',
    '.',
  ],
  'src/cli/import': ['contract', 'readers', '.'],
  'src/look': ['page metrics', 'data', 'serve'],
  'src/report': ['contract', 'state checks seal', '.'],
  'src/transport': [
    'contract',
    'connection loader',
    'ssh-config',
    'known-hosts',
    'route',
    'credentials',
    'ssh2',
    'bastions',
    'openssh http',
    '.',
  ],
  'src/storage': [
    'sql',
    'dialects/sqlite dialects/mysql',
    'dialects',
    'store',
    'migrate rows',
    'reports queries',
    'alerts',
    'retention copy',
    '.',
  ],
  'src/collector': [
    'agent keys events',
    'contract inbox',
    'sealed-reports',
    'ingest',
    'visit',
    'schedule',
    'neighbours',
    'run',
    'receive',
    'forward',
    '.',
  ],
  'src/alerter': [
    'forecast',
    'outliers',
    'evaluate',
    'transition',
    'inhibit',
    'cause',
    'absence',
    'dispatch',
    'contract compose explain replay',
    'deliver digest tune',
    'pass',
    '.',
  ],
  'src/cli': [
    'terminal',
    'command',
    'import database status look metrics sealed check clients runs trust push',
    'set-up',
    'alerts',
    'try-out serve agent-program',
    '.',
  ],
  agent: ['probes', 'start', 'live', 'checks', 'portable inventory spool', 'state', 'capture', '.'],
};

/** Files beside the rooms that the rooms import. */
const contracts: readonly string[] = [
  'src/config/channel-config.ts',
  'src/config/config.ts',
  'src/config/rule.ts',
  'src/config/secret.ts',
  'src/cli/import/imported.ts',
  'src/cli/import/left-keys.ts',
  'src/cli/import/unreadable.ts',
  'src/report/check-value.ts',
  'src/report/checks.ts',
  'src/report/limits.ts',
  'src/report/log-lines.ts',
  'src/report/report.ts',
  'src/report/server-checks.ts',
  'src/transport/transport.ts',
  'src/collector/collect-options.ts',
  'src/alerter/alert-options.ts',
];
/** Probes are all alike. */
const mayGrow: readonly string[] = ['agent/probes'];
const maxFiles = 20;
/**
 * Members that import from some of the folders before them alone. The second program also imports from agent/, whose
 * probes it runs.
 */
const onlyFrom: Readonly<Record<string, readonly string[]>> = {
  'agent-program': [
    ...['report', 'platform/errors', 'platform', 'text', 'config/values', 'state-folder', 'agent'],
    ...['config/rules', 'alerter/evaluate', 'alerter/transition'],
  ],
};
/** The ways in, which belong to the command line. */
const waysIn = ['cli.ts', 'agent-cli.ts', 'fleet-health.cts', 'fleet-health-agent.cts'];
/** Imports nothing of the rest of the project: it runs on clients too. */
const sharedWithAgent = ['report'];
/**
 * ssh2: two files, because the server side serves the demo, the simulator and the tests alone. valibot: any, because
 * each document is described where it is read. Every other package: one file.
 */
const filesAllowed: Readonly<Record<string, number>> = { ssh2: 2, valibot: Infinity };
/** The build puts these inline: they are no dependencies of the program. */
const inlined = ['esbuild', 'uplot'];
/** Built-in modules that are treated like a package: what wraps them is the only one that knows them. */
const wrappedBuiltins = ['node:sqlite'];

interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly name: string;
  readonly text: string;
  /** Files of the project. */
  readonly inside: readonly string[];
  /** Packages and built-in modules, by name. */
  readonly outside: readonly string[];
}

function filesUnder(dir: string, isSource = /\.c?ts$/): string[] {
  if (!existsSync(path.join(root, dir))) return [];
  return readdirSync(path.join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const name = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return name === 'test/testdata' ? [] : filesUnder(name, isSource);
    return isSource.test(entry.name) ? [name] : [];
  });
}

function packageOf(specifier: string): string {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** An import, an export from, an import() or a require() with a literal name, as prettier writes it. */
const anImport = /^(?:import|export)(?: [^'"`;]*? from)? '([^']+)';$|\b(?:import|require)\('([^']+)'\)/gm;

/** Returns the names in every import, types included. */
function importsOf(text: string): readonly string[] {
  return [...text.matchAll(anImport)].map(([, from, called]) => from ?? called ?? '');
}

function readSource(name: string): SourceFile {
  const text = readFileSync(path.join(root, name), 'utf8');
  const found = importsOf(text);
  const relative = found.filter((specifier) => specifier.startsWith('.'));
  const resolve = (specifier: string): string => path.posix.join(path.posix.dirname(name), specifier);
  return {
    name,
    text,
    inside: relative.map(resolve),
    outside: [...new Set(found.filter((one) => !relative.includes(one)).map(packageOf))],
  };
}

/** Returns `config` for src/config/load-config.ts, and `cli` for src/cli.ts and the other ways in. */
function memberOf(name: string): string {
  const [, first = '', second, third] = name.split('/');
  if (second === undefined) return waysIn.includes(first) ? 'cli' : '.';
  const room = `${first}/${second}`;
  return third !== undefined && rankOf(house, room) !== -1 ? room : first;
}

interface Place {
  readonly folder: string;
  readonly room: string;
}

/** Returns the folders with rooms that a file is in, each with the room. */
function placesOf(name: string): readonly Place[] {
  const folders = Object.keys(rooms).filter((one) => name.startsWith(`${one}/`));
  return folders.map((folder) => {
    const room = path.posix.dirname(name.slice(folder.length + 1));
    if (room === '.') return { folder, room: contracts.includes(name) ? 'contract' : '.' };
    return { folder, room: rankOf(rooms[folder] ?? [], room) === -1 ? (room.split('/')[0] ?? '') : room };
  });
}

function rankOf(order: readonly string[], member: string): number {
  return order.findIndex((members) => members.split(' ').includes(member));
}

const sources = filesUnder('src').map(readSource);
const agentSources = filesUnder('agent').map(readSource);

test('there is something to look at', () => {
  assert.ok(sources.length > 8, `only ${sources.length} files found in src`);
});

test('nothing that is exported changes, and nothing is imported for its effect', () => {
  // The bundle hands on values alone.
  const changing = sources.filter(({ text }) => /^export (?:let|var)\b|^import ['"]/m.test(text));
  assert.deepEqual(pluck(changing, 'name'), []);
});

test('every folder of src has its rank, and every room of a folder', () => {
  const members = sources.map((file) => memberOf(file.name)).filter((member) => rankOf(house, member) === -1);
  const unknown = [...sources, ...agentSources]
    .flatMap(({ name }) => placesOf(name))
    .filter(({ folder, room }) => rankOf(rooms[folder] ?? [], room) === -1)
    .map(({ folder, room }) => `${folder}/${room}`);
  assert.deepEqual([...new Set([...members, ...unknown])], []);
});

test('imports go downward only, types included, and never between members of one rank', () => {
  const wrong = sources.flatMap((file) => {
    const from = memberOf(file.name);
    return file.inside
      .filter((target) => {
        if (target.startsWith('agent/'))
          return !(
            onlyFrom[from]?.includes('agent') ??
            (from === 'collector' && /^agent\/(capture|probes)/.test(target))
          );
        const to = memberOf(target);
        if (from === to || from.startsWith(`${to}/`)) return from !== to && !contracts.includes(target);
        return sharedWithAgent.includes(from) || rankOf(house, to) >= rankOf(house, from);
      })
      .map((target) => `${file.name} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test('nothing but the registries of databases imports one of them', () => {
  const folder = 'src/storage/dialects';
  const names = readdirSync(path.join(root, folder)).filter((name) => !name.includes('.'));
  const isOfDatabase = (file: string): boolean =>
    names.some((name) => file.startsWith(`${folder}/${name}/`) || file === `src/config/databases/${name}.ts`);
  const registries = [`${folder}/registry.ts`, 'src/config/databases/registry.ts'];
  const wrong = sources
    .filter(({ name }) => !isOfDatabase(name) && !registries.includes(name))
    .flatMap(({ name, inside }) => inside.filter(isOfDatabase).map((target) => `${name} imports ${target}`));
  assert.ok(names.length > 1);
  assert.deepEqual(wrong, []);
});

test('the second program imports nothing of the server and of the database', () => {
  const nameOf = (target: string): string => {
    const folder = path.posix.dirname(target).replace(/^src\//, '');
    return target.startsWith('agent/')
      ? 'agent'
      : (onlyFrom['agent-program'] ?? []).includes(folder)
        ? folder
        : memberOf(target);
  };
  const wrong = sources.flatMap((file) => {
    const from = memberOf(file.name);
    const allowed = onlyFrom[from];
    return file.inside
      .filter((target) => allowed !== undefined && nameOf(target) !== from && !allowed.includes(nameOf(target)))
      .map((target) => `${file.name} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test('rooms import in one direction, types included', () => {
  const wrong = [...sources, ...agentSources].flatMap((file) =>
    placesOf(file.name).flatMap(({ folder, room }) => {
      const order = rooms[folder] ?? [];
      return file.inside
        .filter((target) => {
          const to = placesOf(target).find((place) => place.folder === folder)?.room ?? room;
          return to !== room && rankOf(order, to) >= rankOf(order, room);
        })
        .map((target) => `${file.name} imports ${target}`);
    }),
  );
  assert.deepEqual(wrong, []);
});

function foldersUnder(dir: string): readonly string[] {
  const inner = readdirSync(path.join(root, dir), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner.map(({ name }) => `${dir}/${name}`).flatMap((folder) => [folder, ...foldersUnder(folder)]);
}

test('the table of rooms in ARCHITECTURE.md names the folders of src, in their order', () => {
  const page = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');
  const named = [...page.matchAll(/^\| `((?:src|agent|build)\/[^`]*)`/gm)].map(([, name = '']) => name);
  const ranked = house.flatMap((members) => members.split(' ')).filter((member) => !member.includes('/'));
  assert.deepEqual(named, ['build/', 'src/', ...ranked.map((member) => `src/${member}/`), 'agent/']);
  assert.deepEqual(
    [...ranked].sort(),
    readdirSync(path.join(root, 'src'))
      .filter((name) => !name.includes('.'))
      .sort(),
  );
});

test('the first file of each folder inside says what the folder is for', () => {
  const folders = ['src', 'agent', 'build'].flatMap(foldersUnder).filter((folder) => !/^src\/[^/]+$/.test(folder));
  const firsts = folders.flatMap((folder) => {
    const [first] = readdirSync(path.join(root, folder)).filter((name) => /\.c?ts$/.test(name));
    return first === undefined ? [] : [[folder, `${folder}/${first}`] as const];
  });
  assert.ok(firsts.length > 60);
  const silent = firsts.filter(([folder, file]) => {
    const text = readFileSync(path.join(root, file), 'utf8').replace(/^\/\*\*\s+(?:\* )?/, '');
    return !text.startsWith(`${folder}: `);
  });
  assert.deepEqual(silent, []);
});

test('no folder has more files than can be looked over', () => {
  const counts = new Map<string, number>();
  for (const name of ['src', 'agent', 'build'].flatMap((dir) => filesUnder(dir, /\.(?:c?ts|[cm]js|sh|awk)$/))) {
    const folder = path.posix.dirname(name);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const wrong = [...counts].filter(([folder, files]) => files > maxFiles && !mayGrow.includes(folder));
  assert.deepEqual(wrong, []);
});

test('the agent imports only itself and src/report', () => {
  const wrong = agentSources.flatMap((file) =>
    file.inside
      .filter((target) => !/^(agent|src\/report)\//.test(target))
      .map((target) => `${file.name} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('probes read the machine through their source alone', () => {
  const probes = agentSources.filter(({ name }) => /^agent\/(probes|inventory\/(updates|pools))/.test(name));
  assert.ok(probes.length > 20);
  const isReading = ({ outside, text }: SourceFile): boolean =>
    outside.some(isBuiltin) || /\bprocess\.(?:arch|argv|env|getuid|hrtime|platform)\b|\bDate\.now\b/.test(text);
  assert.deepEqual(pluck(probes.filter(isReading), 'name'), []);
});

test('each outside package is imported in exactly one file', () => {
  const users = new Map<string, string[]>();
  for (const file of [...sources, ...agentSources]) {
    for (const name of file.outside) {
      if (isBuiltin(name) && !wrappedBuiltins.includes(name)) continue;
      users.set(name, [...(users.get(name) ?? []), file.name]);
    }
  }
  const wrong = [...users].filter(([name, files]) => files.length > (filesAllowed[name] ?? 1));
  assert.deepEqual(wrong, []);

  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const declared = Object.keys(manifest.dependencies);
  const imported = [...users.keys()].filter((name) => !isBuiltin(name));
  assert.deepEqual(
    imported.filter((name) => !declared.includes(name) && !inlined.includes(name)),
    [],
    'imported, but not a dependency of package.json',
  );
  assert.deepEqual(
    declared.filter((name) => !imported.includes(name)),
    [],
    'a dependency of package.json that nothing imports',
  );
});

test('no import goes in a circle, types included', () => {
  const buildSources = filesUnder('build').map(readSource);
  const byName = new Map([...sources, ...agentSources, ...buildSources].map((file) => [file.name, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (name: string, way: readonly string[]): void => {
    if (way.includes(name)) {
      circles.push([...way.slice(way.indexOf(name)), name].join(' -> '));
      return;
    }
    if (done.has(name)) return;
    for (const target of byName.get(name)?.inside ?? []) walk(target, [...way, name]);
    done.add(name);
  };
  for (const name of byName.keys()) walk(name, []);
  assert.deepEqual(circles, []);
});

/**
 * The files of the rooms that handle what others bring, and that use node:fs or the helpers by path, with what they
 * open. Folders in which others write are entered through src/state-folder/held-folder.ts alone.
 */
const opensByPath: Readonly<Record<string, string>> = {
  'src/collector/inbox/set-aside.ts': 'set-aside/, which is ours',
  'src/collector/inbox/origins.ts': 'the names in inbox/, which is ours',
  'src/collector/inbox/stored-files.ts': 'stored/, which is ours',
  'src/collector/receive/known-reports.ts': 'syncs a folder that held-folder.ts has read',
  'src/collector/ingest/opening-marks.ts': 'a file of the state folder',
  'src/collector/forward/site-facts.ts': 'a file of the state folder',
  'src/collector/forward/site-key.ts': 'a file that config.xml names',
  'src/collector/sealed-reports/scan-spool.ts': 'the names in encrypted_stats/, which is ours',
  'src/collector/forward/site-run.ts': 'the names in encrypted_stats/, which is ours',
  'src/collector/run/make-run.ts': 'the names in encrypted_stats/, which is ours',
  'src/collector/sealed-reports/sealed-spool.ts': 'the names in encrypted_stats/, which is ours',
  'src/collector/run/run-watches.ts': 'a file of the state folder',
  'src/collector/run/second-look.ts': 'stored/, which is ours',
  'src/look/serve/endpoints/newest-requests.ts': 'push-times/, which is ours',
};

test('the room of the kinds alone asks what an alert is about', () => {
  // A pattern of a silence is no alert.
  const asks = [
    /(?<!silence\.)\bclient\s*[!=]==\s*''|\brule\s*[!=]==\s*(?:groupShort|'group-short')|\bisOfGroup\b/,
    new RegExp(`\\babout\\s*[!=]==\\s*'(?:${aboutsOf(() => true).join('|')})'`),
    /(?:\b(?:WHERE|AND|OR|WHEN|ON|NOT) \(?|\.)(?:client (?:=|<>|!=) ''|rule (?:=|<>|!=) '(?:\$\{groupShort\}|group-short)')/,
  ];
  const asking = sources.filter(
    ({ name, text }) =>
      name.startsWith('src/') &&
      !/^src\/(?:about|storage\/dialects)\//.test(name) &&
      asks.some((ask) => ask.test(text)),
  );
  assert.deepEqual(pluck(asking, 'name'), []);
});

test('folders in which others write are entered by descriptor alone', () => {
  const rooms = ['inbox', 'receive', 'forward', 'sealed-reports', 'ingest', 'run'].map(
    (room) => `src/collector/${room}`,
  );
  const byPath = /^import (?!type).* from '(?:node:fs.*|.*\/(?:durable-file|folder-entries|streamed-file)\.ts)';$/m;
  const found = [...rooms, 'src/collector/events', 'src/look/serve/endpoints'].flatMap((room) =>
    readdirSync(path.join(root, room))
      .map((name) => `${room}/${name}`)
      .filter((file) => byPath.test(readFileSync(path.join(root, file), 'utf8').replace(/\{[^}]*\}/g, '{}'))),
  );
  assert.deepEqual(found.toSorted(), Object.keys(opensByPath).toSorted());
});
