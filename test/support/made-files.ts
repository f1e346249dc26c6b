/** Executables and archives made byte for byte, as small as they can be. */

export interface MadeElf {
  readonly machine?: number;
  readonly endian?: 'little' | 'big';
  readonly bits?: 32 | 64;
  /** null: linked statically. */
  readonly interpreter?: string | null;
  readonly libraries?: readonly string[];
  /** `e_type`: 2 executable, 3 shared object (what a position independent executable is), 1 object file. */
  readonly kind?: number;
}

const headerBytes = 64;
const entryBytes = 56;
/** Where the file is loaded, so that addresses differ from offsets. */
const base = 0x400000;

/** An executable as elf(5) has it: header, three program headers, interpreter, dynamic section, strings. */
export function madeElf(options: MadeElf = {}): Buffer {
  const { machine = 183, endian = 'little', bits = 64, kind = 3, libraries = ['libc.so.6'] } = options;
  const interpreter = options.interpreter === undefined ? '/lib/ld-linux-aarch64.so.1' : options.interpreter;
  const strings = Buffer.from(`\0${libraries.map((library) => `${library}\0`).join('')}`, 'latin1');
  const path = Buffer.from(`${interpreter ?? ''}\0`, 'latin1');
  const pathAt = headerBytes + 3 * entryBytes;
  const dynamicAt = pathAt + path.length;
  const dynamicBytes = (libraries.length + 2) * 16;
  const stringsAt = dynamicAt + dynamicBytes;
  const file = Buffer.alloc(stringsAt + strings.length);
  const half = (value: number, at: number): unknown =>
    endian === 'little' ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at);
  const word = (value: number, at: number): unknown =>
    endian === 'little' ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at);
  const wide = (value: number, at: number): unknown =>
    endian === 'little' ? file.writeBigUInt64LE(BigInt(value), at) : file.writeBigUInt64BE(BigInt(value), at);

  file.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, endian === 'little' ? 1 : 2, 1]);
  half(kind, 16);
  half(machine, 18);
  wide(headerBytes, 32);
  half(entryBytes, 54);
  half(3, 56);
  const segments = [
    [interpreter === null ? 4 : 3, pathAt, path.length],
    [2, dynamicAt, dynamicBytes],
    [1, 0, file.length],
  ] as const;
  for (const [index, [type, offset, size]] of segments.entries()) {
    const at = headerBytes + index * entryBytes;
    word(type, at);
    wide(offset, at + 8);
    wide(base + offset, at + 16);
    wide(size, at + 32);
  }
  path.copy(file, pathAt);
  let nameAt = 1;
  for (const [index, library] of libraries.entries()) {
    wide(1, dynamicAt + index * 16);
    wide(nameAt, dynamicAt + index * 16 + 8);
    nameAt += library.length + 1;
  }
  wide(5, dynamicAt + libraries.length * 16);
  wide(base + stringsAt, dynamicAt + libraries.length * 16 + 8);
  strings.copy(file, stringsAt);
  return file;
}

export interface MadeMember {
  readonly path: string;
  readonly content: Buffer;
  /** The type flag of ustar; default: a plain file. */
  readonly type?: string;
  /** Of the ustar header, before the path. */
  readonly prefix?: string;
}

/** A tar archive, ustar as in POSIX.1-1988. */
export function madeTar(members: readonly MadeMember[]): Buffer {
  const parts = members.flatMap(({ path, content, type = '0', prefix = '' }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write('0000755\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\x0000', 257, 'latin1');
    header.write(prefix, 345, 155);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
