import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const maxColours = 256;
const bytesPerPixel = 3;

/**
 * Returns the PNG of a browser (8 bits a channel, no alpha) with at most 256 colours: a third of its size. Replaces
 * other colours by the nearest of these.
 */
export function withPalette(png: Buffer): Buffer {
  const { head, pixels } = decode(png);
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += bytesPerPixel) {
    const colour = pixels.readUIntBE(at, bytesPerPixel);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const colours = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  const palette = paletteOf(colours);
  const places = new Map(colours.map((colour) => [colour, nearest(palette, colour)]));
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  // Each line begins with its filter: none.
  const lines = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const colour = pixels.readUIntBE((y * width + x) * bytesPerPixel, bytesPerPixel);
      lines[y * (width + 1) + x + 1] = places.get(colour) ?? 0;
    }
  }
  const entries = Buffer.alloc(palette.length * bytesPerPixel);
  for (const [index, colour] of palette.entries()) entries.writeUIntBE(colour, index * bytesPerPixel, bytesPerPixel);
  const indexed = Buffer.from(head);
  indexed[9] = 3;
  return Buffer.concat([
    signature,
    chunk('IHDR', indexed),
    chunk('PLTE', entries),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Chooses the most frequent colours, without those near to an earlier one, so that rare hues have a place too. */
function paletteOf(colours: readonly number[]): readonly number[] {
  for (let least = 1; ; least += 1) {
    const palette: number[] = [];
    for (const colour of colours) {
      if (palette.every((other) => distance(other, colour) >= least ** 2)) palette.push(colour);
    }
    if (palette.length <= maxColours) return palette;
  }
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0;
  for (const [index, other] of palette.entries()) {
    if (distance(other, colour) < distance(palette[best] ?? 0, colour)) best = index;
  }
  return best;
}

/** Returns the square of the distance of two colours. */
function distance(one: number, other: number): number {
  const part = (shift: number): number => ((one >> shift) & 255) - ((other >> shift) & 255);
  return part(16) ** 2 + part(8) ** 2 + part(0) ** 2;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Returns the header and the pixels without filters (PNG, third edition, section 9). */
function decode(png: Buffer): { readonly head: Buffer; readonly pixels: Buffer } {
  let head: Buffer = Buffer.alloc(0);
  const data: Buffer[] = [];
  for (let at = signature.length; at < png.length; at += png.readUInt32BE(at) + 12) {
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR') head = body;
    if (type === 'IDAT') data.push(body);
  }
  if (head[8] !== 8 || head[9] !== 2) throw new Error('the picture is no PNG of 24 bits a pixel');
  const stride = head.readUInt32BE(0) * bytesPerPixel;
  const lines = inflateSync(Buffer.concat(data));
  const pixels = Buffer.alloc(stride * head.readUInt32BE(4));
  for (let at = 0; at < pixels.length; at += 1) {
    const [y, x] = [Math.floor(at / stride), at % stride];
    const left = x < bytesPerPixel ? 0 : (pixels[at - bytesPerPixel] ?? 0);
    const above = pixels[at - stride] ?? 0;
    const corner = x < bytesPerPixel ? 0 : (pixels[at - stride - bytesPerPixel] ?? 0);
    const guess = predict(lines[y * (stride + 1)] ?? 0, left, above, corner);
    pixels[at] = (lines[y * (stride + 1) + x + 1] ?? 0) + guess;
  }
  return { head, pixels };
}

function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 4) {
    const guess = left + above - corner;
    return [left, above, corner].reduce((best, one) => (Math.abs(guess - one) < Math.abs(guess - best) ? one : best));
  }
  return [0, left, above, (left + above) >> 1][filter] ?? 0;
}
