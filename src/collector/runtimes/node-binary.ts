import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { FleetError, messageOf } from '../../errors.ts';
import { runProgram } from './run-program.ts';
import { runtimeTargets, type RuntimeTarget } from './runtime-targets.ts';
import { minuteMs } from '../../platform/units.ts';

/** The most bytes of a Node.js binary, which has 80 to 130 MB. */
const maxNodeBytes = 512 * 1024 * 1024;
/** The most bytes of an archive's list of names. The list of a release takes 0.5 MB. */
const maxListBytes = 16 * 1024 * 1024;
const unpackTimeoutMs = 5 * minuteMs;
const startTimeoutMs = 20_000;

/**
 * Writes the Node.js binary of a file to `to`: the file itself, or `bin/node` of a release archive (.tar.gz, .tgz,
 * .tar.xz). Throws FleetError `runtime-invalid`, or the signal's reason.
 */
export async function extractNode(file: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    if (isElf(readHead(file, elfHeaderBytes))) {
      if (fs.statSync(file).size > maxNodeBytes) throw invalid(file, 'is larger than any Node.js binary');
      fs.copyFileSync(file, to);
      fs.chmodSync(to, 0o700);
    } else {
      fs.writeFileSync(to, await unpackNode(file, signal), { mode: 0o700 });
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof FleetError) throw thrown;
    const words = messageOf(thrown);
    throw invalid(file, words.includes(file) ? words : `cannot be used: ${words}`, thrown);
  }
}

/** Returns the content of `bin/node`. tar only lists and prints, so that it never writes to a path of the archive. */
async function unpackNode(file: string, signal: AbortSignal): Promise<Buffer> {
  // GNU tar interprets `HOST:FILE` as a file of another machine, but not an absolute path.
  const archive = path.resolve(file);
  const names = await tar(file, ['-tf', archive], maxListBytes, signal);
  const member = names
    .toString()
    .split('\n')
    .find((name) => /^(?:[\w.][\w.+-]*\/)*bin\/node$/.test(name));
  if (member === undefined) throw invalid(file, 'holds no bin/node');
  return await tar(file, ['-xOf', archive, member], maxNodeBytes, signal);
}

/** Returns the output of tar for a file. */
async function tar(file: string, args: readonly string[], maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  try {
    const { stdout } = await promisify(execFile)('tar', args, {
      encoding: 'buffer',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      maxBuffer: maxBytes,
      timeout: unpackTimeoutMs,
      killSignal: 'SIGKILL',
      signal,
    });
    return stdout;
  } catch (thrown) {
    const { code, stderr } = thrown as NodeJS.ErrnoException & { readonly stderr?: Buffer };
    if (code === 'ENOENT') throw invalid(file, 'is an archive, and the program tar is missing');
    if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') throw invalid(file, 'is larger than any release of Node.js');
    const words = stderr?.toString().replace(/\s+/g, ' ').trim().slice(0, 300);
    throw invalid(file, `cannot be unpacked: ${words || messageOf(thrown)}`);
  }
}

const elfHeaderBytes = 64;
/**
 * The number of bytes at the start of an executable in which linkers put its interpreter and the names of its
 * libraries.
 */
const headBytes = 1024 * 1024;

function readHead(file: string, bytes: number): Buffer {
  const head = Buffer.alloc(bytes);
  const fd = fs.openSync(file, 'r');
  try {
    return head.subarray(0, fs.readSync(fd, head, 0, bytes, 0));
  } finally {
    fs.closeSync(fd);
  }
}

function isElf(head: Buffer): boolean {
  return head.length === elfHeaderBytes && head.toString('latin1', 0, 4) === '\x7fELF';
}

/** The libraries of every machine on which Node.js officially runs. Others would have to be uploaded too. */
const usualLibraries = [
  /^ld(?:-[\w.-]+|64\.so\.\d)$/,
  /^lib(?:c|m|dl|rt|pthread|stdc\+\+|gcc_s|atomic)\.so\.\d+$/,
  /^libc\.(?:so|musl-\w+\.so\.1)$/,
];

/**
 * Checks that a binary is for this target and needs no unusual library, by the header of elf(5) and by the names at the
 * start of the file. Throws FleetError `runtime-invalid`.
 */
export function checkBinary(binary: string, target: RuntimeTarget, file: string): void {
  const head = readHead(binary, headBytes);
  const fitting = targetsOf(head);
  if (!fitting.includes(target)) {
    throw invalid(file, `is for ${fitting[0]?.name ?? 'an unknown platform'}, not for ${target.name}`);
  }
  const names = head.toString('latin1').match(/(?<=\0)lib[\w+-]+\.so\.\d+(?=\0)/g) ?? [];
  const others = names.filter((library) => !usualLibraries.some((usual) => usual.test(library)));
  if (others.length > 0) {
    throw invalid(file, `needs ${others.slice(0, 3).join(', ')}, which no release of Node.js does`);
  }
}

/**
 * Returns the targets of an executable: the one of its interpreter, or every C library of its machine if it is linked
 * statically.
 */
function targetsOf(head: Buffer): readonly RuntimeTarget[] {
  if (!isElf(head.subarray(0, elfHeaderBytes)) || head[4] !== 2) return [];
  const endian = head[5] === 2 ? 'big' : 'little';
  const machine = endian === 'big' ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const ofMachine = runtimeTargets.filter((known) => known.machine === machine && known.endian === endian);
  const linked = ofMachine.filter(({ interpreter }) => head.includes(`${interpreter}\0`));
  return linked.length > 0 ? linked : ofMachine;
}

/** True if the target is the platform of this process. */
export function isOwnTarget(target: RuntimeTarget): boolean {
  return targetsOf(readHead(process.execPath, headBytes)).includes(target);
}

const oldest = [18, 15] as const;

/**
 * Returns the version of a binary that this machine can run, as `20.20.2`; null if the system forbids its start. Throws
 * FleetError `runtime-invalid` if the binary is not node, or too old for the agent.
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
    throw invalid(file, `does not run as node does: ${stderr.trim() || `status ${String(status)}`}`);
  }
  checkVersion(version, file);
  return version;
}

/** Checks a version. Throws FleetError `runtime-invalid` if it is too old for the agent. */
export function checkVersion(version: string, file: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw invalid(file, `is Node.js ${version}; the agent needs ${oldest.join('.')} or newer`);
}

/** Returns the SHA-256 of a file in hexadecimal digits. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of fs.createReadStream(file) as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

function invalid(file: string, words: string, cause?: unknown): FleetError {
  const message = words.includes(file) ? words : `${file} ${words}`;
  return new FleetError({ code: 'runtime-invalid', stage: 'run', message, cause });
}
