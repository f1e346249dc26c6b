/**
 * test/strangers: recorded machines, mails, keys and lists of other projects, read by this program. Their sources come
 * from Debian, stay in a cache outside of the project, and are not copied into it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of unpacked sources, one for each package. */
const cache = '/var/tmp/fleet-health-tests/strangers';
const apt = path.join(cache, '.apt');
/** The releases to ask after this machine's own: a mirror may lack the archive of one version. */
const furtherReleases = ['stable', 'testing', 'unstable', 'oldoldstable'];

/** The unpacked sources of a package. */
export interface Corpus {
  readonly name: string;
  /** The version, without that of Debian's packaging. */
  readonly version: string;
  readonly folder: string;
}

const notHad = 'no release of Debian that this machine reaches has its archive';
/** The days after which apt is asked again about a package that could not be had. */
const daysOfRefusal = 30;

/** Returns the sources of a Debian package from the cache, or by apt. Returns the reason if they cannot be had. */
export function fetchCorpus(name: string): Corpus | string {
  const folder = path.join(cache, name);
  const mark = path.join(folder, '.version');
  if (existsSync(mark)) return { name, folder, version: readFileSync(mark, 'utf8') };
  const refused = path.join(cache, `.${name}.refused`);
  const refusedMs = existsSync(refused) ? statSync(refused).mtimeMs : 0;
  if (Date.now() - refusedMs < daysOfRefusal * 86_400_000) return notHad;
  const reason = prepareApt();
  if (reason !== null) return reason;
  const download = path.join(cache, '.download');
  for (const version of versionsOf(name)) {
    rmSync(download, { recursive: true, force: true });
    mkdirSync(download, { recursive: true });
    const words = ['source', '-qq', '--only-source', '--tar-only', '--download-only', `${name}=${version}`];
    if (runApt('apt-get', words, download) === null) continue;
    const archive = readdirSync(download).find((file) => /\.tar\.\w+$/.test(file) && !/\.orig-/.test(file));
    if (archive === undefined) continue;
    const upstream = version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
    const made = path.join(download, 'made');
    mkdirSync(made);
    execFileSync('tar', ['-xf', path.join(download, archive), '-C', made, '--strip-components=1', '--no-same-owner']);
    writeFileSync(path.join(made, '.version'), upstream);
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
    return { name, folder, version: upstream };
  }
  writeFileSync(refused, '');
  return notHad;
}

/** Makes a configuration of apt with the sources of packages, beside the machine's own. Returns the fault, if any. */
function prepareApt(): string | null {
  const conf = path.join(apt, 'apt.conf');
  if (existsSync(conf)) return null;
  const format = ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages', 'Component: main'];
  const own = spawnSync('apt-get', format, { encoding: 'utf8' }).stdout.split('\n');
  const [site, release] = own.find((line) => /\/debian\/? \w+$/.test(line))?.split(' ') ?? [];
  if (site === undefined || release === undefined) return 'this machine has no packages of Debian';
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(path.join(apt, part), { recursive: true });
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const lines = [release, ...furtherReleases].map((one) => `deb-src ${signed} ${site} ${one} main\n`);
  writeFileSync(path.join(apt, 'sources.list'), lines.join(''));
  const settings = {
    'Dir::Etc::sourcelist': path.join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': path.join(apt, 'lists'),
    'Dir::Cache': path.join(apt, 'cache'),
  };
  const text = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(`${conf}.new`, text.join(''));
  renameSync(`${conf}.new`, conf);
  if (runApt('apt-get', ['update', '-qq'], apt) !== null) return null;
  rmSync(conf);
  return 'apt-get update failed';
}

/** Returns the versions of a source package, that of this machine's release first. */
function versionsOf(name: string): readonly string[] {
  const lines = (runApt('apt-cache', ['madison', name], apt) ?? '').split('\n');
  const found = lines.flatMap((line) => {
    const [of, version, place] = line.split('|').map((part) => part.trim());
    return of === name && version !== undefined && place?.endsWith('Sources') === true ? [version] : [];
  });
  return [...new Set(found)];
}

function runApt(program: string, args: readonly string[], cwd: string): string | null {
  const env = { ...process.env, APT_CONFIG: path.join(apt, 'apt.conf') };
  const { status, stdout } = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 600_000 });
  return status === 0 ? stdout : null;
}

/** Returns the files below a folder of sources whose path matches, in order; links are left out. */
export function filesIn(folder: string, pattern: RegExp): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => pattern.test(file.slice(folder.length)))
    .sort();
}

/** A file, link or folder of an archive. */
export type ArchiveEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  | { readonly path: string; readonly kind: 'file'; readonly content: string };

/**
 * Reads an archive of the form `ttar`, in which the projects of Prometheus keep trees of /proc and /sys: a path, the
 * number of its lines, the lines, and its mode. `NULLBYTE` stands for a byte 0 and `EOF` for a missing last line break,
 * both unless a backslash is before it.
 */
export function readTtar(text: string): readonly ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  const lines = text.split('\n');
  let name = '';
  for (let at = 0; at < lines.length; at += 1) {
    const [, key, value = ''] = /^(Path|Lines|SymlinkTo|Directory): ?(.*)$/.exec(lines[at] ?? '') ?? [];
    if (key === 'Path') name = value;
    else if (key === 'Directory') entries.push({ path: value, kind: 'folder' });
    else if (key === 'SymlinkTo') entries.push({ path: name, kind: 'link', target: value });
    else if (key === 'Lines') {
      const count = Number(value);
      entries.push({ path: name, kind: 'file', content: contentOf(lines.slice(at + 1, at + 1 + count)) });
      at += count;
    }
  }
  return entries;
}

function contentOf(lines: readonly string[]): string {
  const plain = lines.map((line) => `${line}\n`).join('');
  return plain
    .replace(/(^|[^\\])EOF\n$/, '$1')
    .replace(/(?<!\\)NULLBYTE/g, '\0')
    .replace(/\\(NULLBYTE|EOF)/g, '$1');
}
