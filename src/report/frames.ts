import { boundedTime } from './check-value.ts';
import { agentFaultCodes, maxCaptureBytes, maxJsonFrameBytes } from './wire.ts';
import type { AgentFault, AgentFaultCode, End, Frame, FrameType, Hello } from './wire.ts';

const headerBytes = 5;
/** The most frames without a report: an agent sends a hello, at most one fault, and the end. */
const maxOtherFrames = 8;

/** Encodes a frame for transmission. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  const length = payload.length;
  // By hand, because Node would compile six functions for `write` and `writeUInt32BE`: 0.1 ms of an agent's start.
  frame[0] = type.charCodeAt(0);
  for (let at = 1; at < headerBytes; at += 1) frame[at] = length >>> (8 * (headerBytes - 1 - at));
  frame.set(payload, headerBytes);
  return frame;
}

export function encodeJsonFrame(type: 'H' | 'F' | 'E', content: Hello | AgentFault | End): Buffer {
  return encodeFrame(type, Buffer.from(JSON.stringify(content)));
}

/** The error for input that no agent sends. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly code: 'agent-output' | 'report-too-large';

  constructor(code: 'agent-output' | 'report-too-large', message: string) {
    super(message);
    this.code = code;
  }
}

export interface FrameLimits {
  /** The marker: 16 bytes before the first frame. */
  readonly marker: Uint8Array;
  /** The most bytes of input before the marker. */
  readonly maxGreetingBytes: number;
  /** The most bytes of the payload of one `R` frame. */
  readonly maxReportBytes: number;
  /** The most reports and captures. The next field limits their payloads together. */
  readonly maxReports: number;
  readonly maxTotalBytes: number;
}

/** Parses marker and frames from a byte stream that arrives in pieces of any size. */
export class FrameParser {
  readonly #limits: FrameLimits;
  #held = Buffer.alloc(0);
  #length = 0;
  #greeting: Buffer | null = null;
  #reports = 0;
  #totalBytes = 0;
  #others = 0;
  /** The header of the frame whose payload is incomplete. */
  #checked: { readonly type: FrameType; readonly size: number } | null = null;
  #isOver = false;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** True once the marker has arrived. */
  get started(): boolean {
    return this.#greeting !== null;
  }

  /** Returns the input before the marker, or all input if there is no marker. */
  greeting(): Buffer {
    return this.#greeting ?? Buffer.from(this.#held.subarray(0, this.#length));
  }

  /**
   * Parses input and returns the frames that it completes. Throws WireFault as soon as a limit is exceeded, even before
   * an oversized payload has arrived.
   */
  push(chunk: Uint8Array): Frame[] {
    if (this.#isOver) return [];
    this.#append(chunk);
    let at = this.#greeting === null ? this.#seekMarker(chunk.length) : 0;
    const frames: Frame[] = [];
    while (this.#greeting !== null) {
      if (this.#checked?.type === 'U' || (this.#checked === null && this.#isCapture(at))) {
        if (this.#checked === null) at += 1;
        const end = this.#endOfCapture(at, chunk.length);
        if (end === -1) break;
        // A part of the memory that this parser leaves below, so that the largest payload is not copied.
        frames.push({ type: 'U', payload: this.#held.subarray(at, end) });
        at = end + this.#limits.marker.length;
        this.#checked = null;
        continue;
      }
      if (this.#checked === null) {
        if (this.#length - at < headerBytes) break;
        const size = this.#held.readUInt32BE(at + 1);
        this.#checked = { type: this.#check(this.#held.toString('latin1', at, at + 1), size), size };
        at += headerBytes;
      }
      if (this.#length - at < this.#checked.size) break;
      frames.push({ type: this.#checked.type, payload: Buffer.from(this.#held.subarray(at, at + this.#checked.size)) });
      at += this.#checked.size;
      if (this.#checked.type === 'E') {
        // The end is the last frame. Later input is ignored, in the same chunk or in later ones.
        this.#isOver = true;
        break;
      }
      this.#checked = null;
    }
    if (at > 0) {
      this.#held = Buffer.from(this.#held.subarray(at, this.#length));
      this.#length = this.#held.length;
    }
    return frames;
  }

  #append(chunk: Uint8Array): void {
    if (this.#length + chunk.length > this.#held.length) {
      const larger = Buffer.allocUnsafe(roomFor(this.#length + chunk.length));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  #seekMarker(newBytes: number): number {
    const { marker, maxGreetingBytes } = this.#limits;
    const from = Math.max(0, this.#length - newBytes - marker.length);
    const at = this.#held.subarray(0, this.#length).indexOf(marker, from);
    if (at > maxGreetingBytes || (at === -1 && this.#length >= maxGreetingBytes + marker.length)) {
      throw new WireFault('agent-output', `more than ${maxGreetingBytes} bytes before the agent's first frame`);
    }
    if (at === -1) return 0;
    this.#greeting = Buffer.from(this.#held.subarray(0, at));
    return at + marker.length;
  }

  #isCapture(at: number): boolean {
    return at < this.#length && this.#held.toString('latin1', at, at + 1) === 'U';
  }

  /** Returns the position of the marker behind a capture; -1 if it has not arrived. */
  #endOfCapture(at: number, newBytes: number): number {
    this.#checked ??= { type: 'U', size: 0 };
    const { marker, maxReports, maxTotalBytes } = this.#limits;
    const from = Math.max(at, this.#length - newBytes - marker.length);
    const end = this.#held.subarray(0, this.#length).indexOf(marker, from);
    // The newest bytes may be those of the marker.
    const size = (end === -1 ? this.#length - (marker.length - 1) : end) - at;
    if (size > maxCaptureBytes)
      throw new WireFault('report-too-large', `a capture of more than ${maxCaptureBytes} bytes`);
    if (this.#reports >= maxReports || this.#totalBytes + size > maxTotalBytes)
      throw new WireFault('agent-output', 'more reports than were asked for: a capture');
    if (end === -1) return -1;
    this.#reports += 1;
    this.#totalBytes += size;
    return end;
  }

  #check(type: string, size: number): FrameType {
    const limits = this.#limits;
    if (type === 'R') {
      this.#reports += 1;
      this.#totalBytes += size;
      const allowed = limits.maxReportBytes;
      if (size > allowed) throw new WireFault('report-too-large', `a report of ${size} bytes, allowed are ${allowed}`);
      if (this.#reports > limits.maxReports || this.#totalBytes > limits.maxTotalBytes) {
        const found = `${this.#reports}, ${this.#totalBytes} bytes`;
        throw new WireFault('agent-output', `more reports than were asked for: ${found}`);
      }
      return type;
    }
    if (type !== 'H' && type !== 'F' && type !== 'E') throw new WireFault('agent-output', 'a frame of no known type');
    this.#others += 1;
    if (this.#others > maxOtherFrames) throw new WireFault('agent-output', 'more frames than an agent sends');
    if (size > maxJsonFrameBytes) throw new WireFault('agent-output', `a frame ${type} of ${size} bytes`);
    return type;
  }
}

/** The input beyond which the next buffer holds any capture. Memory that is not written to costs nothing. */
const largeBytes = 64 * 1024;

/** Returns the size of a buffer for some bytes: so much more that single bytes do not cause a copy for each. */
function roomFor(bytes: number): number {
  const mostBytes = maxCaptureBytes + largeBytes;
  return bytes > largeBytes && bytes <= mostBytes ? mostBytes : Math.max(4096, 2 * bytes);
}

/** Parses the content of a hello frame. Throws WireFault. */
export function parseHello(payload: Buffer): Hello {
  const { v, agent, wall_ms, monotonic_ms, boot_id, pinned, reader } = parseObject(payload, 'H');
  if (
    !isWhole(v) ||
    !isText(agent, 64) ||
    !isWhole(wall_ms) ||
    !isWhole(monotonic_ms) ||
    !(boot_id === null || isText(boot_id, 64)) ||
    !(pinned === undefined || isText(pinned, 64)) ||
    !(reader === undefined || reader === 'shell')
  ) {
    throw new WireFault('agent-output', 'a hello that does not say what it must');
  }
  const clocks = { wall_ms: boundedTime(wall_ms), monotonic_ms, boot_id: isPlain(boot_id) ? boot_id : null };
  const hello = { v, agent, ...clocks, ...(pinned === undefined ? {} : { pinned }) };
  return reader === undefined ? hello : { ...hello, reader };
}

/** Parses the content of a fault frame. Throws WireFault. */
export function parseAgentFault(payload: Buffer): AgentFault {
  const { code, message } = parseObject(payload, 'F');
  if (!agentFaultCodes.includes(code as AgentFaultCode) || !isText(message, maxJsonFrameBytes)) {
    throw new WireFault('agent-output', 'a fault frame that does not say what it must');
  }
  return { code: code as AgentFaultCode, message };
}

/** Parses the content of an end frame. Throws WireFault. */
export function parseEnd(payload: Buffer): End {
  const { left, place, spool_error, dropped, next, stamp } = parseObject(payload, 'E');
  const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value, maxJsonFrameBytes);
  const isCount = dropped === undefined || isWhole(dropped);
  if (
    !isWhole(left) ||
    !isTextOrNull(place) ||
    !isTextOrNull(spool_error) ||
    !isCount ||
    !(next === undefined || isText(next, 64)) ||
    !(stamp === undefined || isText(stamp, 64))
  ) {
    throw new WireFault('agent-output', 'an end frame that does not say what it must');
  }
  return {
    left,
    place,
    spool_error,
    ...(dropped === undefined ? {} : { dropped }),
    ...(next === undefined ? {} : { next }),
    ...(stamp === undefined ? {} : { stamp }),
  };
}

function parseObject(
  payload: Buffer,
  type: FrameType,
): Partial<Record<keyof Hello | keyof AgentFault | keyof End, unknown>> {
  let content: unknown = null;
  try {
    content = JSON.parse(payload.toString());
  } catch {
    // Invalid JSON leads to the same error as JSON that is not an object: `content` stays null.
  }
  if (typeof content !== 'object' || content === null)
    throw new WireFault('agent-output', `a frame ${type} without JSON`);
  return content;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True if a text has the form of boot ids. Any other counts as unknown: rows hold the id. */
function isPlain(text: string | null): boolean {
  return text !== null && /^[\x20-\x7e]+$/.test(text);
}

function isText(value: unknown, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars;
}
