import { demandWord } from '../probes/own-word.ts';
import { messageOf } from '../probes/source.ts';
import { maxStateChars } from '../../src/report/state/state.ts';
import { stateLine, type Algorithm, type StateSource } from './state-source.ts';

/** The packages of a machine. */
export interface Packages {
  readonly lines: readonly string[];
  /** The reason why they are unknown; null if they are known. */
  readonly error: string | null;
  /** The digests of settings files as packages ship them, by path. */
  readonly shipped: ReadonlyMap<string, readonly Shipped[]>;
}

interface Shipped {
  readonly algorithm: Algorithm;
  readonly digest: string;
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** The packages of one manager. */
interface Read {
  readonly packages: readonly Package[];
  readonly shipped: ReadonlyMap<string, Shipped>;
}

interface Manager {
  readonly name: string;
  /** The words of ID and ID_LIKE in os-release for systems that are made of its packages. */
  readonly systems: readonly string[];
  /** The files or folders of its database, of which a machine with this manager has one at least. */
  readonly databases: readonly string[];
  /** The program that reads the database; null if the agent does. */
  readonly program: string | null;
  readonly read: (source: StateSource, database: string, leftMs: () => number) => Promise<Read>;
}

export const dpkgWords = ['-W', '-f', '${db:Status-Abbrev}${Package} ${Version} ${Architecture}\\n${Conffiles}\\n'];
export const rpmWords = ['-qa', '--qf', '%{INSTALLTIME} %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\\n'];
/** The line of a package in any state, in the answer of dpkg-query. */
const dpkgRow = /^[uihrp][ncHUFWti][ R]\S+ \S+ \S+$/m;
/** The words to which rpm answers with the last one, also if its database has no packages. */
export const rpmWord = ['--eval', 'fleet-health'];
export const rpmFileWords = ['-qac', '--dump'];
/** Puts the complaints of rpm into its output: rpm ends well after headers that it could not read. */
const withComplaints = ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1'];
export const apkDatabases = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'];
export const pacmanFolder = '/var/lib/pacman/local';
/** The folder whose files are compared with those of packages. */
const shippedFolder = '/etc/';
const maxDatabaseBytes = 16 * 1024 * 1024;

/** The package managers. An item of the system's own manager is `NAME ARCHITECTURE`; others add their manager. */
const managers: readonly Manager[] = [
  {
    name: 'dpkg',
    systems: ['debian', 'ubuntu'],
    databases: ['/var/lib/dpkg/status'],
    program: '/usr/bin/dpkg-query',
    read: async (source, database, leftMs) => {
      const { output: answer } = await source.programs.run('/usr/bin/dpkg-query', dpkgWords, leftMs());
      const isEmpty = !dpkgRow.test(answer) && (source.readOptional(database) ?? '').trim() === '';
      if (!isEmpty) demandWord('dpkg-query', answer, dpkgRow);
      return readDpkg(answer);
    },
  },
  {
    name: 'rpm',
    systems: ['fedora', 'rhel', 'centos', 'suse', 'opensuse', 'sles', 'mageia', 'amzn', 'azurelinux', 'photon'],
    // SQLite of Rocky 9 and Fedora, Berkeley DB of CentOS 7, and that of openSUSE.
    databases: [
      ...['/var/lib/rpm/rpmdb.sqlite', '/usr/lib/sysimage/rpm/rpmdb.sqlite', '/var/lib/rpm/Packages'],
      '/usr/lib/sysimage/rpm/Packages.db',
    ],
    program: '/usr/bin/rpm',
    read: async ({ programs }, _, leftMs) => {
      const { output: packages } = await programs
        .run('/usr/bin/rpm', rpmWords, leftMs(), [0, 1], withComplaints)
        .catch((error: unknown) => {
          throw new Error(messageOf(error).replace(/^sh:/, 'rpm:'));
        });
      // A failure alone leaves more files in the state.
      const files = await programs.run('/usr/bin/rpm', rpmFileWords, leftMs()).catch(() => null);
      const read = readRpm(packages, files?.output ?? '');
      if (read.packages.length > 0) return read;
      const { output } = await programs.run('/usr/bin/rpm', rpmWord, leftMs());
      demandWord('rpm', output, /^fleet-health$/m);
      return read;
    },
  },
  {
    name: 'apk',
    systems: ['alpine', 'chimera', 'wolfi'],
    databases: apkDatabases,
    program: null,
    read: (source, database) => Promise.resolve(readApk(source.readStart(database, maxDatabaseBytes))),
  },
  {
    name: 'pacman',
    systems: ['arch'],
    databases: [pacmanFolder],
    program: null,
    read: (source) => {
      // pacman passes over a folder without this file, which an interrupted removal leaves.
      const names = source.list(pacmanFolder).filter((name) => source.exists(`${pacmanFolder}/${name}/desc`));
      const texts = names.map((name) => source.readOptional(`${pacmanFolder}/${name}/files`) ?? '');
      return Promise.resolve(readPacman(names, texts));
    },
  },
];

/** The databases that are looked for. */
export const databases = managers.flatMap((manager) => manager.databases);

/**
 * Asks the package managers of the machine. Never throws. A machine without one has no packages. If one manager fails,
 * the packages are unknown: those of the others alone would look like a removal.
 */
export async function readPackages(source: StateSource, leftMs: () => number): Promise<Packages> {
  const none = { lines: [], error: null, shipped: new Map<string, readonly Shipped[]>() };
  const system = systemsOf(source);
  const found: (Read & { readonly manager: Manager })[] = [];
  let empty: string | null = null;
  for (const manager of managers) {
    const database = manager.databases.find((one) => source.exists(one));
    if (database === undefined) continue;
    empty ??= 'no packages in the database';
    const { program } = manager;
    try {
      if (program !== null && !source.exists(program)) {
        const missing = `not there: ${program}`;
        if (isOf(manager, system)) throw new Error(missing);
        empty = missing;
        continue;
      }
      const read = await manager.read(source, database, leftMs);
      if (read.packages.length > 0) found.push({ ...read, manager });
    } catch (error) {
      return { ...none, error: messageOf(error) };
    }
  }
  if (found.length === 0) return { ...none, error: empty };
  const own = found.find(({ manager }) => isOf(manager, system)) ?? found[0];
  const shipped = new Map<string, Shipped[]>();
  for (const [path, file] of found.flatMap((one) => [...one.shipped])) {
    const known = shipped.get(path);
    if (known === undefined) shipped.set(path, [file]);
    else known.push(file);
  }
  const lines = found.flatMap((one) => packageLines(one.packages, one === own ? '' : ` (${one.manager.name})`));
  return { lines, error: null, shipped };
}

function isOf({ systems }: Manager, system: readonly string[]): boolean {
  return system.some((word) => systems.includes(word));
}

/** Returns the words of ID and ID_LIKE. */
function systemsOf(source: StateSource): readonly string[] {
  const found = [...osRelease(source).matchAll(/^ID(?:_LIKE)?=["']?([\w .-]*)/gm)];
  return found.flatMap(([, words = '']) => words.split(/[ -]/));
}

/** Returns the text of os-release. */
export function osRelease(source: StateSource): string {
  return ['/etc/os-release', '/usr/lib/os-release'].map((file) => source.readOptional(file)).find(Boolean) ?? '';
}

/** Reads `ii NAME VERSION ARCHITECTURE`, each followed by its settings files: ` PATH MD5 [obsolete]`. */
export function readDpkg(answer: string): Read {
  const packages: Package[] = [];
  const shipped = new Map<string, Shipped>();
  for (const line of answer.split('\n')) {
    if (line.startsWith(' /')) addShipped(shipped, line.slice(1), { after: 0 });
    // The second letter: not installed, or only its settings are left.
    const [, name, version, architecture] = /^\w[^nc ].(\S+) (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && version !== undefined && architecture !== undefined)
      packages.push({ name, version, architecture });
  }
  return { packages, shipped };
}

/**
 * Reads `INSTALLED-AT NAME VERSION ARCHITECTURE`, and `PATH SIZE TIME DIGEST MODE OWNER GROUP ...`. Throws an Error if
 * rpm complains: it passes over packages that it cannot read.
 */
export function readRpm(answer: string, files: string): Read {
  const lines = answer.split('\n');
  const complaint = lines.find((line) => line.startsWith('error: '));
  if (complaint !== undefined) throw new Error(`rpm: ${complaint.slice(7, 207)}`);
  const packages = lines.flatMap((line) => {
    const [at = '', name, version, architecture, more] = line.split(' ', 5);
    return !/^\d+$/.test(at) || name === undefined || version === undefined || architecture === undefined || more
      ? []
      : [{ name, version, architecture: architecture === '(none)' ? '' : architecture }];
  });
  const shipped = new Map<string, Shipped>();
  for (const line of files.split('\n')) if (line.startsWith('/')) addShipped(shipped, line, { after: 2 });
  return { packages, shipped };
}

/**
 * Adds the file of a line `PATH NUMBER... DIGEST ...`, with `after` numbers. A path may contain spaces, and a line be a
 * stranger's: each word is looked at once.
 */
function addShipped(shipped: Map<string, Shipped>, line: string, { after }: { readonly after: number }): void {
  if (!line.startsWith(shippedFolder)) return;
  const words = line.split(' ');
  const at = words.findLastIndex((word) => algorithmOf(word) !== undefined);
  const path = words.slice(0, Math.max(0, at - after)).join(' ');
  const algorithm = algorithmOf(words[at]);
  if (algorithm === undefined || path === '' || path.length > maxStateChars) return;
  shipped.set(path, { algorithm, digest: words[at] ?? '' });
}

/** Returns the algorithm of a digest in hexadecimal digits by its length; undefined for another text. */
function algorithmOf(text: string | undefined): 'md5' | 'sha1' | 'sha256' | undefined {
  const algorithm = ({ 32: 'md5', 40: 'sha1', 64: 'sha256' } as const)[text?.length ?? 0];
  return algorithm !== undefined && /^[0-9a-f]+$/.test(text ?? '') ? algorithm : undefined;
}

/** Reads the paragraphs of apk: `P:` name, `V:` version, `A:` architecture, `F:` folder, `R:` file, `Z:` its digest. */
export function readApk(text: string): Read {
  const packages: Package[] = [];
  const shipped = new Map<string, Shipped>();
  for (const paragraph of text.split('\n\n')) {
    const of = new Map<string, string>();
    for (const line of paragraph.split('\n')) {
      const [letter, rest] = [line.slice(0, 1), line.slice(2)];
      if (!line.startsWith(':', 1)) continue;
      of.set(letter, rest);
      const [folder = '', file = ''] = [of.get('F'), of.get('R')];
      // Digests follow digests: a path is only made if it may be in the state.
      if (letter !== 'Z' || folder.length + file.length + 2 > maxStateChars) continue;
      const path = `/${folder}/${file}`;
      const [, form, base64 = ''] = /^Q([12])(.+)$/.exec(rest) ?? [];
      if (form === undefined || !path.startsWith(shippedFolder)) continue;
      const digest = Buffer.from(base64, 'base64').toString('hex');
      shipped.set(path, { algorithm: form === '1' ? 'sha1' : 'sha256', digest });
    }
    const [name, version] = [of.get('P'), of.get('V')];
    if (name !== undefined && version !== undefined) packages.push({ name, version, architecture: of.get('A') ?? '' });
  }
  return { packages, shipped };
}

/** Reads the folder names of pacman, `NAME-VERSION-RELEASE`, and the backups in the files: `PATH<TAB>MD5`. */
export function readPacman(names: readonly string[], files: readonly string[]): Read {
  const packages = names.flatMap((folder) => {
    const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(folder) ?? [];
    return name === undefined || version === undefined ? [] : [{ name, version, architecture: '' }];
  });
  const shipped = new Map<string, Shipped>();
  for (const text of files) {
    for (const line of text.split('\n')) {
      const [path = '', digest] = line.length <= maxStateChars + 33 ? `/${line}`.split('\t') : [];
      if (path.startsWith(shippedFolder) && algorithmOf(digest) === 'md5')
        shipped.set(path, { algorithm: 'md5', digest: digest ?? '' });
    }
  }
  return { packages, shipped };
}

/** Packages of which systems keep several versions: kernels, with what belongs to one of them, and rpm's keys. */
const sideBySide = /^(?:gpg-pubkey|kernel(?!.*-(?:abi|cross|doc|firmware|headers|macros|tools))(?:-.+)?)$/;

/**
 * Returns the lines of packages, with the words of their manager. The item of a package has its version if such
 * packages are installed side by side, or if another version of it is there, as an interrupted upgrade leaves it: the
 * first one is as old as before (src/storage/reports/renamed-packages.ts).
 */
export function packageLines(packages: readonly Package[], manager = ''): readonly string[] {
  const versions = new Map<string, Set<string>>();
  const plainOf = ({ name, architecture }: Package): string => (architecture === '' ? name : `${name} ${architecture}`);
  const kept = packages.filter(({ name, version }) => name.length + version.length <= maxStateChars);
  for (const one of kept) versions.set(plainOf(one), (versions.get(plainOf(one)) ?? new Set()).add(one.version));
  const lines = kept.flatMap((one) => {
    const { name, version, architecture } = one;
    const plain = plainOf(one);
    const isOfMany = (versions.get(plain)?.size ?? 0) > 1 || (manager !== ' (dpkg)' && sideBySide.test(name));
    const many = `${plain}${architecture === '' ? ' (none)' : ''} ${version}`;
    return stateLine((isOfMany ? many : plain) + manager, version);
  });
  return [...new Set(lines)];
}
