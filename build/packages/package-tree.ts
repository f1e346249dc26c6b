import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** True if a file is started by its name. Node reads all other files. */
function isProgram(file: string): boolean {
  return /\/bin\/[^/]+$|^etc\/init\.d\/|^DEBIAN\/p|\.sh$/.test(file) && !/\/(?:node_modules|dist)\//.test(file);
}

/** A folder that becomes the files of a package. */
export class PackageTree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true });
  }

  /** Writes a file at this path of the installed system. */
  write(target: string, content: string | Buffer): void {
    const file = path.join(this.root, target);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Copies a file, or the files of a folder that `isWanted` accepts. */
  copy(source: string, target: string, isWanted: (file: string) => boolean = () => true): void {
    const file = path.join(this.root, target);
    mkdirSync(path.dirname(file), { recursive: true });
    cpSync(source, file, { recursive: true, filter: isWanted, verbatimSymlinks: true });
  }

  /** Writes a compressed file, without a name and a time in its header. */
  compress(target: string, content: string | Buffer): void {
    this.write(`${target}.gz`, gzipSync(content, { level: 9 }));
  }

  link(target: string, to: string): void {
    const file = path.join(this.root, target);
    mkdirSync(path.dirname(file), { recursive: true });
    symlinkSync(to, file);
  }

  /** Moves a file or a folder, if it is there. */
  rename(from: string, to: string): void {
    if (!existsSync(path.join(this.root, from))) return;
    mkdirSync(path.dirname(path.join(this.root, to)), { recursive: true });
    renameSync(path.join(this.root, from), path.join(this.root, to));
  }

  remove(target: string): void {
    rmSync(path.join(this.root, target), { recursive: true, force: true });
  }

  /** Returns all paths; a folder's ends with a slash. */
  paths(): readonly string[] {
    return this.#entries().map((file) => (lstatSync(path.join(this.root, file)).isDirectory() ? `${file}/` : file));
  }

  /** Sets one time for all files of the tree, and modes that depend neither on a umask nor on an archive. */
  settle(epoch: number): void {
    for (const file of ['.', ...this.#entries()]) {
      const full = path.join(this.root, file);
      const facts = statSync(full, { throwIfNoEntry: false });
      if (facts?.isDirectory() === true) chmodSync(full, 0o755);
      else if (facts !== undefined) chmodSync(full, isProgram(file) ? 0o755 : 0o644);
      lutimesSync(full, epoch, epoch);
    }
  }

  /** Returns the lines of DEBIAN/md5sums, which dpkg --verify compares. */
  md5sums(): string {
    return this.#files()
      .filter((file) => !file.startsWith('DEBIAN/'))
      .map(
        (file) =>
          `${createHash('md5')
            .update(readFileSync(path.join(this.root, file)))
            .digest('hex')}  ${file}\n`,
      )
      .join('');
  }

  /** Returns the installed size, in KiB. */
  installedKib(): number {
    const sizes = this.#files().map((file) => Math.ceil(statSync(path.join(this.root, file)).size / 1024));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  #files(): readonly string[] {
    return this.#entries().filter((file) => {
      const facts = statSync(path.join(this.root, file), { throwIfNoEntry: false });
      return facts?.isFile() === true;
    });
  }

  /** Returns all paths, each folder after its content. */
  #entries(): readonly string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' }).toSorted().toReversed();
  }
}
