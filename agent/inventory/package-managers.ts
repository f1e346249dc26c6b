/** The package managers that know pending updates: the commands to run, and the meaning of their answers. */
import { demandWord } from '../probes/own-word.ts';

/**
 * The pending updates. `security` has the names of updates with security fixes; null if the manager does not know them.
 */
export interface PendingUpdates {
  readonly total: number;
  readonly security: readonly string[] | null;
  /** The number of updates that the manager keeps back: held, in phases, or for want of a removal. */
  readonly kept?: number;
  /** True if a repository could not be read: there may be more updates. */
  readonly isPart?: boolean;
}

export interface PackageManager {
  readonly program: string;
  /** The commands, run one after the other. None takes a lock, uses the network or changes anything. */
  readonly calls: readonly (readonly string[])[];
  /** The exit statuses of a valid answer. */
  readonly statuses: readonly number[];
  /** The exit status of an answer without the updates of a repository that could not be read. */
  readonly partStatus?: number;
  /** Files and folders that change when package lists are fetched. */
  readonly lists: readonly string[];
  /** The files of which one is there if the manager knows of updates. Without any, as in images, it reports none. */
  readonly indexes: readonly string[];
  /** The same for security updates. Without any it reports updates, and none for security. */
  readonly securityIndexes: readonly string[];
  readonly read: (answers: readonly string[]) => PendingUpdates;
}

/** Returns the read of an answer that has the word of each answer of the manager. */
const withWord = (name: string, word: RegExp, read: (answer: string) => PendingUpdates): PackageManager['read'] => {
  return ([answer = '']) => {
    demandWord(name, answer, word);
    return read(answer);
  };
};

/** The package managers in the order in which they are looked for. */
export const packageManagers: readonly PackageManager[] = [
  {
    program: '/usr/bin/apt-get',
    calls: [
      ['-s', '-o', 'quiet=1', '-o', 'Debug::NoLocking=true', '-o', 'APT::Get::Upgrade-Allow-New=true', 'upgrade'],
    ],
    statuses: [0],
    lists: ['/var/lib/apt/lists', '/var/lib/apt/lists/partial', '/var/lib/apt/periodic/update-success-stamp'],
    indexes: ['/var/lib/apt/lists/*_Packages*'],
    securityIndexes: ['/var/lib/apt/lists/*-security*'],
    read: withWord('apt-get', /^Inst |^\d+ upgraded, |^ *Upgrading: \d/m, aptUpdates),
  },
  {
    program: '/usr/bin/zypper',
    calls: [['--no-refresh', '--non-interactive', 'list-patches']],
    statuses: [0],
    partStatus: 106,
    lists: ['/var/cache/zypp/raw'],
    // Tumbleweed and repositories of people have no patches.
    indexes: ['/var/cache/zypp/raw/*/repodata/*updateinfo*'],
    securityIndexes: ['/var/cache/zypp/raw/*/repodata/*updateinfo*'],
    read: withWord('zypper', /\| *[Nn]eeded|^No updates found|^Reading installed packages/m, zypperPatches),
  },
  ...['dnf', 'yum'].map((name) => ({
    program: `/usr/bin/${name}`,
    calls: [
      ['-C', '-q', 'check-update'],
      ['-C', '-q', 'check-update', '--security'],
      // The other answers are empty if there are no updates.
      ['--version'],
    ],
    statuses: [0, 100],
    lists: ['/var/cache/dnf', '/var/cache/libdnf5', '/var/cache/yum'],
    indexes: [
      ...['/var/cache/dnf/*/repodata/repomd.xml', '/var/cache/libdnf5/*/repodata/repomd.xml'],
      ...['/var/cache/yum/*/repomd.xml', '/var/cache/yum/*/*/*/repomd.xml'],
    ],
    // CentOS and repositories of people have none.
    securityIndexes: [
      ...['/var/cache/dnf/*updateinfo*', '/var/cache/dnf/*/repodata/*updateinfo*'],
      ...['/var/cache/libdnf5/*/repodata/*updateinfo*', '/var/cache/libdnf5/*/solv/*updateinfo*'],
      ...['/var/cache/yum/*/*updateinfo*', '/var/cache/yum/*/*/*/*updateinfo*'],
    ],
    read: ([all = '', security = '', version = '']: readonly string[]) => {
      demandWord(name, version, /^(?:dnf5 version )?\d+\.\d+/m);
      return { total: dnfPackages(all).length, security: dnfPackages(security) };
    },
  })),
  {
    program: '/sbin/apk',
    calls: [['--no-network', 'version', '-l', '<']],
    statuses: [0],
    lists: ['/var/cache/apk', '/etc/apk/cache'],
    indexes: ['/var/cache/apk/APKINDEX.*', '/etc/apk/cache/APKINDEX.*', '/media/*/apks/*/APKINDEX.*'],
    securityIndexes: [],
    read: withWord('apk', /^Installed: +Available:/m, (answer) => {
      return { total: (answer.match(/^\S+ +< /gm) ?? []).length, security: null };
    }),
  },
];

/**
 * Reads `Inst NAME [OLD] (NEW ARCHIVE, ARCHIVE [ARCHITECTURE])`. Archives of security updates have `-security` in the
 * name.
 */
function aptUpdates(answer: string): PendingUpdates {
  const [, older = ''] =
    /^(?:The following packages will be DOWNGRADED|DOWNGRADING):\n((?: .*\n)*)/m.exec(answer) ?? [];
  const downgraded = new Set(older.split(/\s+/));
  const lines = answer.split('\n').filter((line) => line.startsWith('Inst ') && !downgraded.has(nameIn(line)));
  const security = lines.filter((line) => /^[^(]*\(.*-security[ ,:/]/i.test(line));
  const [, kept = 0] = /(?<= )(?:Not Upgrading: )?(\d+)(?: not upgraded\.)?$/m.exec(answer) ?? [];
  return { total: lines.length, security: security.map(nameIn), ...(Number(kept) > 0 ? { kept: Number(kept) } : {}) };
}

/** Returns the name in `Inst NAME ...`. */
function nameIn(line: string): string {
  return line.split(' ', 2)[1] ?? '';
}

/** Reads `REPOSITORY | NAME | CATEGORY | SEVERITY | INTERACTIVE | STATUS | ...`. Versions of zypper differ in this. */
function zypperPatches(answer: string): PendingUpdates {
  const rows = answer.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const head = rows.find((cells) => cells.includes('Category') && cells.includes('Status'));
  const [name = 1, category = 2, status = 5] = ['Name', 'Category', 'Status'].map((title) => head?.indexOf(title));
  const needed = rows.filter((cells) => cells[status]?.toLowerCase() === 'needed');
  const security = needed.filter((cells) => cells[category] === 'security');
  return { total: needed.length, security: security.map((cells) => cells[name] ?? '') };
}

/** Reads `NAME.ARCHITECTURE VERSION REPOSITORY`. Obsolete packages follow at the end. yum breaks long lines. */
function dnfPackages(answer: string): string[] {
  const [pending = ''] = answer.split(/^Obsoleting /m);
  return [
    ...pending.matchAll(
      /^(\w\S*)\.(?:noarch|i\d86|x86_\w+|aarch64|armv\w+|ppc64le|s390x|riscv64|loongarch64)(?=\s|$)/gm,
    ),
  ].map(([, name = '']) => name);
}
