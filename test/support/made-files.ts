/** Executables and archives made byte by byte, as small as possible. */

export interface MadeElf {
  readonly machine?: number;
  readonly endian?: 'little' | 'big';
  readonly bits?: 32 | 64;
  /** The interpreter; null if the executable is linked statically. */
  readonly interpreter?: string | null;
  readonly libraries?: readonly string[];
}

/** Returns the start of an executable by elf(5): header, interpreter, names of libraries. */
export function madeElf(options: MadeElf = {}): Buffer {
  const { machine = 183, endian = 'little', bits = 64, libraries = ['libc.so.6'] } = options;
  const { interpreter = '/lib/ld-linux-aarch64.so.1' } = options;
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, endian === 'little' ? 1 : 2, 1]);
  if (endian === 'little') header.writeUInt16LE(machine, 18);
  else header.writeUInt16BE(machine, 18);
  return Buffer.concat([
    header,
    ...[interpreter ?? '', ...libraries].map((text) => Buffer.from(`${text}\0`, 'latin1')),
  ]);
}

export interface MadeMember {
  readonly path: string;
  readonly content: Buffer;
  /** The type flag of ustar; default: a plain file. */
  readonly type?: string;
}

/** Returns a tar archive in the ustar format of POSIX.1-1988. */
export function madeTar(members: readonly MadeMember[]): Buffer {
  const parts = members.flatMap(({ path, content, type = '0' }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write('0000755\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
