import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What a 64 bit ELF executable needs of the machine that is to run it; see elf(5). */
export interface ElfFacts {
  readonly machine: number;
  readonly endian: 'little' | 'big';
  /** The dynamic loader, absolute; null: it is linked statically. */
  readonly interpreter: string | null;
  /** The shared libraries that it names itself. */
  readonly libraries: readonly string[];
}

/** That a file is no executable that can be brought anywhere. Its message completes "FILE ...". */
export class NoExecutable extends Error {
  override readonly name = 'NoExecutable';
}

const headerBytes = 64;
const programHeaderBytes = 56;
const maxProgramHeaders = 64;
const maxPathBytes = 4096;
const maxDynamicBytes = 64 * 1024;
const maxNameBytes = 256;

const executable = 2;
const sharedObject = 3;
const loaded = 1;
const dynamic = 2;
const interp = 3;
const needed = 1;
const stringTable = 5;

/** Reads what matters of an executable, a few KiB of it. Throws NoExecutable, or what fs throws. */
export function readElf(file: string): ElfFacts {
  const fd = openSync(file, 'r');
  try {
    return readFrom(fd);
  } finally {
    closeSync(fd);
  }
}

interface Segment {
  readonly kind: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function readFrom(fd: number): ElfFacts {
  const { size } = fstatSync(fd);
  const read = (offset: number, length: number): Buffer => {
    if (offset < 0 || length < 0 || offset + length > size) throw new NoExecutable('is cut short or damaged');
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const count = readSync(fd, bytes, at, length - at, offset + at);
      if (count === 0) throw new NoExecutable('is cut short');
      at += count;
    }
    return bytes;
  };
  if (size < headerBytes) throw new NoExecutable('is no executable');
  const header = read(0, headerBytes);
  if (header.toString('latin1', 0, 4) !== '\x7fELF') throw new NoExecutable('is no executable for Linux');
  if (header[4] !== 2) throw new NoExecutable('is for 32 bit machines; runtimes are for 64 bit ones');
  if (header[5] !== 1 && header[5] !== 2) throw new NoExecutable('is cut short or damaged');
  const endian = header[5] === 1 ? 'little' : 'big';
  const numbers = numbersOf(endian);
  const kind = numbers.half(header, 16);
  if (kind !== executable && kind !== sharedObject) throw new NoExecutable('is no executable, but an object file');
  const count = numbers.half(header, 56);
  if (count === 0 || count > maxProgramHeaders || numbers.half(header, 54) !== programHeaderBytes) {
    throw new NoExecutable('is cut short or damaged');
  }
  const table = read(numbers.wide(header, 32), count * programHeaderBytes);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = index * programHeaderBytes;
    return {
      kind: numbers.word(table, at),
      offset: numbers.wide(table, at + 8),
      address: numbers.wide(table, at + 16),
      size: numbers.wide(table, at + 32),
    };
  });
  const interpreter = segments.find((segment) => segment.kind === interp);
  return {
    machine: numbers.half(header, 18),
    endian,
    interpreter:
      interpreter === undefined ? null : text(read(interpreter.offset, Math.min(interpreter.size, maxPathBytes))),
    libraries: librariesOf(segments, numbers, read, size),
  };
}

function librariesOf(
  segments: readonly Segment[],
  numbers: Numbers,
  read: (offset: number, length: number) => Buffer,
  size: number,
): readonly string[] {
  const section = segments.find((segment) => segment.kind === dynamic);
  if (section === undefined) return [];
  if (section.size > maxDynamicBytes) throw new NoExecutable('is cut short or damaged');
  const table = read(section.offset, section.size);
  const names: number[] = [];
  let strings: number | null = null;
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const tag = numbers.wide(table, at);
    if (tag === 0) break;
    if (tag === needed) names.push(numbers.wide(table, at + 8));
    if (tag === stringTable) strings = numbers.wide(table, at + 8);
  }
  if (strings === null) return [];
  const address = strings;
  const holder = segments.find(
    (one) => one.kind === loaded && address >= one.address && address < one.address + one.size,
  );
  if (holder === undefined) throw new NoExecutable('is cut short or damaged');
  const start = holder.offset + address - holder.address;
  return names.map((name) => text(read(start + name, Math.min(maxNameBytes, Math.max(0, size - start - name)))));
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

interface Numbers {
  half(bytes: Buffer, at: number): number;
  word(bytes: Buffer, at: number): number;
  /** 64 bit; beyond 2^53 it is none that a file has, and infinite. */
  wide(bytes: Buffer, at: number): number;
}

function numbersOf(endian: ElfFacts['endian']): Numbers {
  const wide = (value: bigint): number => (value > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(value));
  return endian === 'little'
    ? {
        half: (bytes, at) => bytes.readUInt16LE(at),
        word: (bytes, at) => bytes.readUInt32LE(at),
        wide: (bytes, at) => wide(bytes.readBigUInt64LE(at)),
      }
    : {
        half: (bytes, at) => bytes.readUInt16BE(at),
        word: (bytes, at) => bytes.readUInt32BE(at),
        wide: (bytes, at) => wide(bytes.readBigUInt64BE(at)),
      };
}
