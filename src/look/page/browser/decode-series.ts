import { type HistoryHead, type SeriesHead, steps, unknown } from '../series-layout.ts';

export interface DecodedSeries extends SeriesHead {
  readonly values: readonly (number | null)[];
}

export interface DecodedHistory extends Omit<HistoryHead, 'series'> {
  readonly series: readonly DecodedSeries[];
  /** Seconds since 1970 of each point. */
  readonly times: readonly number[];
}

/** True if the browser can decompress a client's history. */
export const canDecode = typeof DecompressionStream === 'function';

/** Decodes a client's history; see series-layout.ts. Rejects if the text is no history. */
export async function decodeHistory(base64: string): Promise<DecodedHistory> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const headLength = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headLength))) as HistoryHead;
  const body = bytes.subarray(4 + headLength);
  return {
    ...head,
    times: Array.from({ length: head.points }, (_, index) => head.start + index * head.step),
    series: head.series.map((series, index) => ({
      ...series,
      values: decodeValues(body.subarray(index * head.points, (index + 1) * head.points), series),
    })),
  };
}

function decodeValues(bytes: Uint8Array, { low, high }: SeriesHead): readonly (number | null)[] {
  let byte = 0;
  return Array.from(bytes, (difference) => {
    byte = (byte + difference) & 255;
    return byte === unknown ? null : low + ((high - low) * byte) / steps;
  });
}
