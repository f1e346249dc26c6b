/**
 * How the program loads the files that build/bundle.mjs makes. Compiling is a quarter of what a command with little to do
 * costs, so V8's compiled form of a file is kept in dist/compiled/ where that can be written, and used by the next start:
 * an `alert` with nothing to do then costs 3.3 times a bare node instead of 4.2. V8 refuses what another version or other
 * options made; the name of a kept file tells the content that it was made of.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

/** File -> the first digits of its SHA-256; build/bundle.mjs puts it in. */
declare const digests: Readonly<Record<string, string>>;

const program = import.meta.dirname;
const folder = path.join(program, 'compiled');

/** What `require` gives for a file of this folder. */
export function loadCompiled(name: string): unknown {
  const file = path.join(program, name);
  const current = `${path.basename(name)}-${digests[name] ?? ''}-`;
  const kept = path.join(folder, `${current}${process.versions.v8}`);
  const before = readKept(kept);
  const code = `(function(exports,require,module,__filename,__dirname,loadCompiled){${readFileSync(file, 'utf8')}\n})`;
  const script = new Script(code, { filename: file, ...(before === null ? {} : { cachedData: before }) });
  if (before === null || script.cachedDataRejected === true) {
    process.once('exit', () => {
      keep(kept, current, script);
    });
  }
  const made = { exports: {} };
  const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
  run(made.exports, createRequire(file), made, file, program, loadCompiled);
  return made.exports;
}

/** Whoever could write the file could write the program, or it is not taken. */
function readKept(kept: string): Buffer | null {
  try {
    const { uid } = statSync(kept);
    if (uid !== 0 && uid !== process.getuid?.() && uid !== statSync(program).uid) return null;
    return readFileSync(kept);
  } catch {
    // Not made yet.
    return null;
  }
}

/** Written under another name first: who starts meanwhile finds all of it or nothing. What another content left is removed. */
function keep(kept: string, current: string, script: Script): void {
  const unfinished = `${kept}.${process.pid}`;
  const ofThisFile = current.slice(0, current.indexOf('-') + 1);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    for (const other of readdirSync(folder)) {
      if (other.startsWith(ofThisFile) && !other.startsWith(current)) rmSync(path.join(folder, other));
    }
    writeFileSync(unfinished, script.createCachedData(), { mode: 0o644 });
    renameSync(unfinished, kept);
  } catch {
    // An installation that this user cannot write, or a full disk: it goes on as it is.
  }
}
