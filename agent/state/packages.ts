import { messageOf } from '../probes/source.ts';
import { maxStateChars } from '../../src/report/state/state.ts';
import { stateLine, type Algorithm, type StateSource } from './state-source.ts';

/** The packages of a machine. */
export interface Packages {
  readonly lines: readonly string[];
  /** The reason why they are unknown; null if they are known. */
  readonly error: string | null;
  /** The digests of settings files as their packages ship them, by path. */
  readonly shipped: ReadonlyMap<string, Shipped>;
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

interface Manager {
  /** A file or folder that a machine with this manager has. */
  readonly database: string;
  readonly read: (source: StateSource, leftMs: () => number) => Promise<Omit<Packages, 'error'>>;
}

export const dpkgWords = ['-W', '-f', '${db:Status-Abbrev}${Package} ${Version} ${Architecture}\\n${Conffiles}\\n'];
export const rpmWords = ['-qa', '--qf', '%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n'];
export const rpmFileWords = ['-qac', '--dump'];
/** SQLite of Rocky 9 and Fedora, Berkeley DB of CentOS 7, and that of openSUSE. */
const rpmDatabases = [
  ...['/var/lib/rpm/rpmdb.sqlite', '/usr/lib/sysimage/rpm/rpmdb.sqlite', '/var/lib/rpm/Packages'],
  '/usr/lib/sysimage/rpm/Packages.db',
];
export const apkDatabases = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'];
export const pacmanFolder = '/var/lib/pacman/local';
/** The folder whose files are compared with those of packages. */
const shippedFolder = '/etc/';
const maxDatabaseBytes = 16 * 1024 * 1024;

/** The package managers, in the order in which they are looked for. */
const managers: readonly Manager[] = [
  {
    database: '/var/lib/dpkg/status',
    read: async ({ programs }, leftMs) => readDpkg(await programs.run('/usr/bin/dpkg-query', dpkgWords, leftMs())),
  },
  ...rpmDatabases.map((database) => ({
    database,
    read: async ({ programs }: StateSource, leftMs: () => number) => {
      const packages = await programs.run('/usr/bin/rpm', rpmWords, leftMs());
      // A failure alone leaves more files in the state.
      const files = await programs.run('/usr/bin/rpm', rpmFileWords, leftMs()).catch(() => '');
      return readRpm(packages, files);
    },
  })),
  ...apkDatabases.map((database) => ({
    database,
    read: (source: StateSource) => Promise.resolve(readApk(source.readStart(database, maxDatabaseBytes))),
  })),
  {
    database: pacmanFolder,
    read: (source) => {
      const names = source.list(pacmanFolder);
      const texts = names.map((name) => source.readOptional(`${pacmanFolder}/${name}/files`) ?? '');
      return Promise.resolve(readPacman(names, texts));
    },
  },
];

/** The databases that are looked for. */
export const databases = managers.map(({ database }) => database);

/** Asks the package manager of the machine. Never throws. A machine without one has no packages. */
export async function readPackages(source: StateSource, leftMs: () => number): Promise<Packages> {
  const manager = managers.find(({ database }) => source.exists(database));
  const none = { lines: [], error: null, shipped: new Map<string, Shipped>() };
  if (manager === undefined) return none;
  try {
    const found = await manager.read(source, leftMs);
    // A database without a package is one that could not be read.
    return found.lines.length === 0 ? { ...none, error: 'no packages in the database' } : { ...found, error: null };
  } catch (error) {
    return { ...none, error: messageOf(error) };
  }
}

/** Reads `ii NAME VERSION ARCHITECTURE`, each followed by its settings files: ` PATH MD5 [obsolete]`. */
export function readDpkg(answer: string): Omit<Packages, 'error'> {
  const packages: Package[] = [];
  const shipped = new Map<string, Shipped>();
  for (const line of answer.split('\n')) {
    if (line.startsWith(' /')) addShipped(shipped, line.slice(1), { after: 0 });
    // The second letter: not installed, or only its settings are left.
    const [, name, version, architecture] = /^\w[^nc ].(\S+) (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && version !== undefined && architecture !== undefined)
      packages.push({ name, version, architecture });
  }
  return { lines: packageLines(packages), shipped };
}

/** Reads `INSTALLED-AT NAME VERSION ARCHITECTURE`, and `PATH SIZE TIME DIGEST MODE OWNER GROUP ...`. */
export function readRpm(answer: string, files: string): Omit<Packages, 'error'> {
  const rows = answer.split('\n').flatMap((line) => {
    const [at, name, version, architecture] = line.split(' ', 4);
    return name === undefined || version === undefined || architecture === undefined
      ? []
      : [{ at: Number(at), name, version, architecture: architecture === '(none)' ? '' : architecture }];
  });
  const shipped = new Map<string, Shipped>();
  for (const line of files.split('\n')) if (line.startsWith('/')) addShipped(shipped, line, { after: 2 });
  // The newest of several versions is first, and has the plain name.
  return { lines: packageLines(rows.sort((one, other) => other.at - one.at)), shipped };
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
export function readApk(text: string): Omit<Packages, 'error'> {
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
  return { lines: packageLines(packages), shipped };
}

/** Reads the folder names of pacman, `NAME-VERSION-RELEASE`, and the backups in the files: `PATH<TAB>MD5`. */
export function readPacman(names: readonly string[], files: readonly string[]): Omit<Packages, 'error'> {
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
  return { lines: packageLines(packages), shipped };
}

/** Returns the lines of packages. The first of a name and architecture has the plain name; others have a version. */
function packageLines(packages: readonly Package[]): readonly string[] {
  const seen = new Set<string>();
  return packages.flatMap(({ name, version, architecture }) => {
    if (name.length + version.length > maxStateChars) return [];
    const plain = architecture === '' ? name : `${name} ${architecture}`;
    const item = seen.has(plain) ? `${plain} ${version}` : plain;
    if (seen.has(item)) return [];
    seen.add(item);
    return stateLine(item, version);
  });
}
