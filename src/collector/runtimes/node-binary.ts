import { createHash } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { FleetError, messageOf } from '../../errors.ts';
import { NoExecutable, readElf } from './elf-header.ts';
import type { ElfFacts } from './elf-header.ts';
import { runProgram } from './run-program.ts';
import { runtimeTargets } from './runtime-targets.ts';
import type { RuntimeTarget } from './runtime-targets.ts';
import { findTarMember } from './tar-member.ts';

/** A node is 80 to 130 MB; beyond this something else was given. */
const maxNodeBytes = 512 * 1024 * 1024;
const unpackTimeoutMs = 5 * 60_000;
const startTimeoutMs = 20_000;

/**
 * Takes the node out of a file - the binary itself, or a release archive (.tar.gz, .tgz, .tar.xz) that holds `bin/node` -
 * and writes it to `to`. `scratch` is a folder for what lies between. Throws FleetError `runtime-invalid`.
 */
export async function extractNode(file: string, to: string, scratch: string, signal: AbortSignal): Promise<void> {
  try {
    const kind = kindOf(file);
    let archive = createReadStream(file);
    if (kind === 'xz') {
      const tar = `${scratch}/unpacked.tar`;
      await unpackXz(file, tar, signal);
      archive = createReadStream(tar);
    }
    if (kind === 'elf') {
      await pipeline(archive, bounded, createWriteStream(to, { mode: 0o700 }), { signal });
      return;
    }
    const unpacked = kind === 'gzip' ? archive.pipe(createGunzip()) : archive;
    if (unpacked !== archive) archive.once('error', (error) => unpacked.destroy(error));
    const member = await findTarMember(unpacked, (path) => /(?:^|\/)bin\/node$/.test(path));
    if (member === null) throw new NoExecutable('holds no bin/node');
    await pipeline(member.content, bounded, createWriteStream(to, { mode: 0o700 }), { signal });
    archive.destroy();
  } catch (thrown) {
    signal.throwIfAborted();
    throw invalid(file, thrown);
  }
}

async function* bounded(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > maxNodeBytes) throw new NoExecutable('holds more than any node does');
    yield piece;
  }
}

function kindOf(file: string): 'elf' | 'gzip' | 'xz' | 'tar' {
  const start = Buffer.alloc(6);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  const magic = start.toString('hex');
  if (magic.startsWith('7f454c46')) return 'elf';
  if (magic.startsWith('1f8b')) return 'gzip';
  return magic === 'fd377a585a00' ? 'xz' : 'tar';
}

async function unpackXz(file: string, to: string, signal: AbortSignal): Promise<void> {
  const stdin = openSync(file, 'r');
  const stdout = openSync(to, 'w', 0o600);
  try {
    const result = await runProgram({
      program: 'xz',
      args: ['-dc'],
      stdin,
      stdout,
      timeoutMs: unpackTimeoutMs,
      signal,
    });
    if (result.outcome === 'missing') throw new NoExecutable('needs the program xz to be unpacked; a .tar.gz does not');
    if (result.status !== 0) throw new NoExecutable(`cannot be unpacked: ${result.stderr.trim()}`);
  } finally {
    closeSync(stdin);
    closeSync(stdout);
  }
}

/** What every machine has on which Node.js officially runs; of others a binary would have to be brought with them. */
const usualLibrary =
  /^(?:ld-[\w.-]+|ld64\.so\.\d|lib(?:c|m|dl|rt|pthread|stdc\+\+|gcc_s|atomic)\.so\.\d+|libc\.so|libc\.musl-\w+\.so\.1)$/;

/** Checks that a binary is one for this target, and can be alone. Throws FleetError `runtime-invalid`. */
export function checkBinary(binary: string, target: RuntimeTarget, file: string): void {
  try {
    const elf = readElf(binary);
    if (!fits(elf, target)) {
      const own = runtimeTargets.find((known) => fits(elf, known));
      const what = own?.name ?? `machine ${elf.machine} with ${elf.interpreter ?? 'any C library'}`;
      throw new NoExecutable(`is for ${what}, not for ${target.name}`);
    }
    const others = elf.libraries.filter((library) => !usualLibrary.test(library));
    if (others.length > 0) {
      throw new NoExecutable(`needs ${others.slice(0, 3).join(', ')}, which no release of Node.js does`);
    }
  } catch (thrown) {
    throw invalid(file, thrown);
  }
}

function fits({ machine, endian, interpreter }: ElfFacts, target: RuntimeTarget): boolean {
  const sameMachine = machine === target.machine && endian === target.endian;
  return sameMachine && (interpreter === null || interpreter === target.interpreter);
}

/** True for the platform that this process runs on. */
export function isOwnTarget(target: RuntimeTarget): boolean {
  try {
    return fits(readElf(process.execPath), target);
  } catch {
    return false;
  }
}

const oldest = [18, 15] as const;

/**
 * The version of a binary that this machine can run, as `20.20.2`; null when it may not be started where it lies. Throws
 * FleetError `runtime-invalid` when it is no node, or one that is too old for the agent.
 */
export async function askVersion(binary: string, file: string, signal: AbortSignal): Promise<string | null> {
  const { outcome, status, stdout, stderr } = await runProgram({
    program: binary,
    args: ['-p', 'process.version'],
    env: {},
    timeoutMs: startTimeoutMs,
    signal,
  });
  if (outcome === 'denied') return null;
  const version = /^v(\d+\.\d+\.\d+)\S*$/.exec(stdout.trim())?.[1];
  if (outcome !== 'ended' || status !== 0 || version === undefined) {
    throw invalid(file, new NoExecutable(`does not run as node does: ${stderr.trim() || `status ${String(status)}`}`));
  }
  checkVersion(version, file);
  return version;
}

/** Throws FleetError `runtime-invalid` when a version is too old for the agent. */
export function checkVersion(version: string, file: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw invalid(file, new NoExecutable(`is Node.js ${version}; the agent needs ${oldest.join('.')} or newer`));
}

/** SHA-256 of a file in hexadecimal digits. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

function invalid(file: string, thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  const words = messageOf(thrown);
  const message = words.includes(file)
    ? words
    : `${file} ${thrown instanceof NoExecutable ? '' : 'cannot be used: '}${words}`;
  return new FleetError({ code: 'runtime-invalid', stage: 'run', message, cause: thrown });
}
