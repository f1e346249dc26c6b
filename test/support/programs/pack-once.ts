/**
 * Makes this process compress equal contents once: every run of the program in it brings clients the same agents, and
 * to pack them costs more than the visit.
 */
import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import zlib, { type BrotliOptions, type InputType } from 'node:zlib';

const pack = zlib.brotliCompressSync;
const packed = new Map<string, ReturnType<typeof pack>>();

zlib.brotliCompressSync = (content: InputType, options?: BrotliOptions) => {
  if (!Buffer.isBuffer(content)) return pack(content, options);
  const key = createHash('sha256').update(content).update(JSON.stringify(options)).digest('hex');
  const known = packed.get(key) ?? pack(content, options);
  packed.set(key, known);
  return known;
};
syncBuiltinESMExports();
