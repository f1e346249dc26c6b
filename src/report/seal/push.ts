/**
 * The protocol of clients that begin by themselves. Over both transports the client sends `pushMarker` and the frames
 * of src/report/wire.ts, and the collector answers with `pushMarker` and 16 raw bytes for each acknowledged report id.
 * Over SSH these streams are stdin and stdout of `fleet-health receive CLIENT`; over HTTP they are the body of a
 * request and its answer, each with a MAC. The collector of a site puts single files instead (`inboxPath`).
 */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/**
 * The marker before the frames, and before the acknowledgements, because a login shell may print something first. 16
 * bytes.
 */
export const pushMarker: Buffer = Buffer.from('fleet-health v1\n', 'latin1');

/** The limits of one stream: several streams empty a long spool. */
export const pushLimits = { maxReports: 1000, maxTotalBytes: 2 * 1024 * 1024 } as const;

/** The most bytes of a whole stream: reports, the headers of their frames, and the other frames. */
export const maxPushBytes: number = pushLimits.maxTotalBytes + 64 * 1024;

export const pushPath = '/v1/visit';
/** The path for acknowledgements of the answer to a POST to pushPath, if the collector polls. */
export const acknowledgePath = '/v1/acknowledge';
/** The path below which the collector of a site puts its files: a folder and a name. */
export const inboxPath = '/v1/inbox';
export type SignedPath = typeof pushPath | typeof acknowledgePath | `${typeof inboxPath}/${string}`;
export const pushKeyBytes = 32;

/** The most characters of an escaped name in a header. */
const maxNameChars = 400;
/** The mark of a site. No client name begins with it. */
const siteMark = '!';

/** Returns the path of a file of a site. */
export function pathInInbox(folder: string, name: string): SignedPath {
  return `${inboxPath}/${encodeURIComponent(folder)}/${encodeURIComponent(name)}`;
}

/** Returns the method of requests to a path. */
export function methodOf(path: SignedPath): 'POST' | 'PUT' {
  return path.startsWith(`${inboxPath}/`) ? 'PUT' : 'POST';
}

/** Returns the sender name of a site, by which its collector pushes. */
export function senderOfSite(site: string): string {
  return `${siteMark}${site}`;
}

/** True if a site may have this name: it fits the header of the site's pushes. */
export function isSiteName(site: string): boolean {
  return /^\P{Surrogate}{1,128}$/u.test(site) && encodeURIComponent(senderOfSite(site)).length <= maxNameChars;
}

/** Returns the site of a sender; null if the sender is a client. */
export function siteOfSender(sender: string): string | null {
  return sender.startsWith(siteMark) ? sender.slice(siteMark.length) : null;
}

/** The `Fleet-Health` header of a request. */
export interface PushHeader {
  readonly client: string;
  /**
   * Seconds since 1970 on the client's clock, which may be wrong by any amount. A request that is older than the newest
   * one of its client is refused with the newest time (`encodeTime`), and is sent again with a later one.
   */
  readonly time: number;
  /** The MAC in 64 hexadecimal digits. */
  readonly mac: string;
}

export function encodePushHeader({ client, time, mac }: PushHeader): string {
  return `v1 client="${encodeURIComponent(client)}", time=${time}, mac="${mac}"`;
}

/** Parses a header. Returns null for another form. */
export function parsePushHeader(text: string): PushHeader | null {
  const [, name = '', time = '', mac = ''] =
    /^v1 client="([\w.!~*'()%-]+)", time=(\d{1,15}), mac="([0-9a-f]{64})"$/.exec(text) ?? [];
  if (name === '' || name.length > maxNameChars) return null;
  try {
    return { client: decodeURIComponent(name), time: Number(time), mac };
  } catch {
    return null;
  }
}

/** The body of a collector's request to pushPath when it polls. */
export interface PolledVisit {
  /** False to request only reports that were made before. */
  readonly takesReport: boolean;
  /** The time that the collector waits for the answer. */
  readonly timeoutMs: number;
  /** The place in the spool behind which reports are requested, as named by the end of a stream; null: all reports. */
  readonly after: string | null;
}

/** Encodes a request. Each body is unique, so that no two requests have the same MAC. */
export function encodePolledVisit({ takesReport, timeoutMs, after }: PolledVisit): Buffer {
  const place = after === null ? {} : { after };
  const body = { v: 1, report: takesReport, timeout_ms: timeoutMs, ...place, request: randomUUID() };
  return Buffer.from(JSON.stringify(body));
}

/** Parses a body. Returns null for another form or version. */
export function parsePolledVisit(body: Buffer): PolledVisit | null {
  try {
    const asked = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
    const { v, report, timeout_ms: timeoutMs, after = null } = asked;
    if (v !== 1 || typeof report !== 'boolean' || !Number.isSafeInteger(timeoutMs)) return null;
    if (after !== null && typeof after !== 'string') return null;
    return { takesReport: report, timeoutMs: Number(timeoutMs), after };
  } catch {
    return null;
  }
}

/** Computes the MAC of a request, from the SHA-256 of its body in hexadecimal digits. */
export function requestMac(key: Uint8Array, time: number, bodySha256: string, path: SignedPath = pushPath): string {
  return hmac(key, `v1\n${methodOf(path)} ${path}\n${time}\n${bodySha256}`);
}

/** Computes the MAC of the answer to the request with this MAC. */
export function answerMac(key: Uint8Array, macOfRequest: string, body: Uint8Array): string {
  return hmac(key, `v1\nanswer\n${macOfRequest}\n${sha256(body).toString('hex')}`);
}

/** Returns the `Fleet-Health` header of an answer. */
export function encodeAnswerHeader(mac: string): string {
  return `v1 mac="${mac}"`;
}

/** The most bytes of an encoded time. */
export const maxTimeBytes = 16;

/** Encodes the newest time of a client: the body of the answer 409, which has a MAC as other answers have. */
export function encodeTime(time: number): Buffer {
  return Buffer.from(`${time}\n`);
}

/** Parses a time. Returns null for another form. */
export function parseTime(body: Buffer): number | null {
  const [, time] = /^(\d{1,15})\n$/.exec(body.toString('latin1')) ?? [];
  return time === undefined ? null : Number(time);
}

/** Parses the MAC from the header of an answer; '' for a header of another form. */
export function parseAnswerHeader(text: string): string {
  return /^v1 mac="([0-9a-f]{64})"$/.exec(text)?.[1] ?? '';
}

/** Returns the `Content-Digest` header of a body (RFC 9530). */
export function contentDigest(digest: Buffer): string {
  return `sha-256=:${digest.toString('base64')}:`;
}

/** Parses the SHA-256 from a `Content-Digest` header; null if there is none. */
export function parseContentDigest(text: string): Buffer | null {
  const [, base64 = ''] = /^sha-256=:([\w+/]{43}=):$/.exec(text) ?? [];
  return base64 === '' ? null : Buffer.from(base64, 'base64');
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Compares two MACs in constant time. */
export function isSameMac(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function hmac(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
