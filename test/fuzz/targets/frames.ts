import { FrameParser, encodeFrame, encodeJsonFrame, WireFault } from '../../../src/report/frames.ts';
import { parseAgentFault, parseEnd, parseHello } from '../../../src/report/frames.ts';
import type { Frame } from '../../../src/report/wire.ts';
import { createRandom } from '../random.ts';
import { kindOf, outcomeOf, requireSame, requireThat, type FuzzTarget } from '../target.ts';

const marker = Buffer.from('0123456789abcdef');
const limits = { marker, maxGreetingBytes: 200, maxReportBytes: 3000, maxReports: 12, maxTotalBytes: 12_000 };
const isWireFault = (thrown: unknown): thrown is WireFault => thrown instanceof WireFault;

const facts = { v: 1, agent: '0.1.0', wall_ms: 1, monotonic_ms: 2, boot_id: null };
const hello = encodeJsonFrame('H', facts);
const shellHello = encodeJsonFrame('H', { ...facts, reader: 'shell' });
const fault = encodeJsonFrame('F', { code: 'agent-stuck', message: 'an earlier one hangs' });
const end = encodeJsonFrame('E', { left: 0, place: '/tmp/x', spool_error: null });
const report = encodeFrame('R', Buffer.alloc(300, 7));

/** Returns the frames of an input that arrives in pieces of these sizes. */
function feed(input: Buffer, sizeOf: () => number) {
  const parser = new FrameParser(limits);
  const frames: Frame[] = [];
  let broken: WireFault | null = null;
  for (let at = 0; at < input.length && broken === null;) {
    const size = sizeOf();
    const piece = outcomeOf(() => parser.push(input.subarray(at, at + size)), isWireFault);
    frames.push(...(piece.value ?? []));
    broken = piece.fault;
    at += size;
  }
  return { frames, fault: broken, started: parser.started, greeting: parser.greeting() };
}

const bytesOf = ({ type, payload }: Frame): Buffer =>
  type === 'U' ? Buffer.concat([Buffer.from('U'), payload, marker]) : encodeFrame(type, payload);

/**
 * The frames depend on the bytes, not on the pieces in which they arrive. They contain exactly those bytes, within the
 * limits.
 */
export const framesTarget: FuzzTarget = {
  name: 'frames',
  seeds: () => [
    Buffer.concat([marker, hello, report, end]),
    Buffer.concat([Buffer.from('Welcome\r\n'), marker, hello, fault, report, report, end]),
    Buffer.concat([marker, hello, Buffer.from('R\xff\xff\xff\xff', 'latin1')]),
    Buffer.concat([marker.subarray(0, 15), marker, hello]),
    Buffer.concat([marker, shellHello, Buffer.from('Uproc/uptime:1.00\n=end\n'), marker, end]),
    Buffer.alloc(400, 120),
  ],
  words: [
    String(marker),
    ...Array.from('HRUFE'),
    'R\0\0\0\0',
    'E\0\0\0\x02{}',
    'F\0\0\x20\0',
    '"v":1',
    'null',
    '1e400',
  ],
  check: (input) => {
    const whole = feed(input, () => Math.max(1, input.length));
    const random = createRandom(input.length);
    const pieces = feed(input, () => 1 + random.below(random.pick([2, 20, 1500])));
    requireSame(pieces.fault?.message, whole.fault?.message, 'the fault in pieces');
    requireSame(pieces.started, whole.started, 'the start in pieces');
    const [inPieces, atOnce] = [pieces, whole].map(({ frames }) => Buffer.concat(frames.map(bytesOf)));
    requireThat(inPieces !== undefined && atOnce !== undefined, 'two outcomes');
    // A fault drops the complete frames of the same piece.
    requireThat(inPieces.subarray(0, atOnce.length).equals(atOnce), 'other frames in pieces');
    requireThat(whole.fault !== null || inPieces.length === atOnce.length, 'more frames in pieces');
    if (pieces.started) {
      requireThat(pieces.greeting.length <= limits.maxGreetingBytes, 'a greeting beyond its limit');
      const again = Buffer.concat([pieces.greeting, marker, inPieces]);
      requireThat(input.subarray(0, again.length).equals(again), 'what came out is not what came');
    }
    const reports = pieces.frames.filter(({ type }) => type === 'R' || type === 'U');
    const totalBytes = reports.reduce((sum, { payload }) => sum + payload.length, 0);
    requireThat(reports.length <= limits.maxReports && totalBytes <= limits.maxTotalBytes, 'more reports than allowed');
    const said = pieces.frames.slice(0, 20).map(meaningOf);
    const types = pieces.frames.slice(0, 8).map(({ type }) => type);
    return `${pieces.started} ${types.join('')} ${said.join()} ${pieces.fault === null ? '' : kindOf(pieces.fault)}`;
  },
};

function meaningOf({ type, payload }: Frame): string {
  if (type === 'R' || type === 'U') return '';
  const parse = { H: parseHello, F: parseAgentFault, E: parseEnd }[type];
  const { value, fault: wrong } = outcomeOf(() => parse(payload), isWireFault);
  if (value === null) return kindOf(wrong);
  requireSame(parse(encodeJsonFrame(type, value).subarray(5)), value, `${type} written and read again`);
  return 'ok';
}
