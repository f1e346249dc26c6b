/**
 * The protocol of clients that begin by themselves. Both ways carry the same: the client sends `pushMarker` and the
 * frames of src/report/wire.ts, and the collector answers with `pushMarker` and 16 raw bytes for each acknowledged
 * report id. Over SSH that is stdin and stdout of `fleet-health receive CLIENT`; over HTTP it is the body of a request
 * and its answer, each with a MAC.
 */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** Goes before the frames, and before the acknowledgements: what a login shell prints stands before it. 16 bytes. */
export const pushMarker: Buffer = Buffer.from('fleet-health v1\n', 'latin1');

/** The limits of one stream: a long spool is emptied by several. */
export const pushLimits = { maxReports: 1000, maxTotalBytes: 2 * 1024 * 1024 } as const;

/** The limit of a whole stream: reports, the heads of their frames, and the other frames. */
export const maxPushBytes: number = pushLimits.maxTotalBytes + 64 * 1024;

export const pushPath = '/v1/visit';
/** Takes the acknowledgements of what a POST to pushPath has answered: the collector polls. */
export const acknowledgePath = '/v1/acknowledge';
export type SignedPath = typeof pushPath | typeof acknowledgePath;
export const pushKeyBytes = 32;

/** The characters of an escaped name in a header. */
const mostNameChars = 400;
/** Begins no name of a client. */
const siteMark = '!';

/** Returns the name by which the collector of a site pushes. */
export function senderOfSite(site: string): string {
  return `${siteMark}${site}`;
}

/** True if a site may have this name: it fits the header of its pushes, as everybody reads it. */
export function isSiteName(site: string): boolean {
  return /^\P{Surrogate}{1,128}$/u.test(site) && encodeURIComponent(senderOfSite(site)).length <= mostNameChars;
}

/** Returns the site of a sender; null: the sender is a client. */
export function siteOfSender(sender: string): string | null {
  return sender.startsWith(siteMark) ? sender.slice(siteMark.length) : null;
}

/** The header `Fleet-Health` of a request. */
export interface PushHeader {
  readonly client: string;
  /** Seconds since 1970 on the client's clock. Part of the MAC, and no limit of any kind. */
  readonly time: number;
  /** 64 hexadecimal digits. */
  readonly mac: string;
}

export function encodePushHeader({ client, time, mac }: PushHeader): string {
  return `v1 client="${encodeURIComponent(client)}", time=${time}, mac="${mac}"`;
}

/** Returns null for a header of another form. */
export function parsePushHeader(text: string): PushHeader | null {
  const [, name = '', time = '', mac = ''] =
    /^v1 client="([\w.!~*'()%-]+)", time=(\d{1,15}), mac="([0-9a-f]{64})"$/.exec(text) ?? [];
  if (name === '' || name.length > mostNameChars) return null;
  try {
    return { client: decodeURIComponent(name), time: Number(time), mac };
  } catch {
    return null;
  }
}

/** The body of a request to pushPath with which a collector polls. */
export interface PolledVisit {
  /** False if only reports that were taken before are asked for. */
  readonly takesReport: boolean;
  /** The time that the collector waits for the answer. */
  readonly timeoutMs: number;
  /** Only reports behind this place of the spool are asked for, as the end of a stream has named it; null: all. */
  readonly after: string | null;
}

/** Returns a body that no other has, so that no two requests have the same MAC. */
export function encodePolledVisit({ takesReport, timeoutMs, after }: PolledVisit): Buffer {
  const place = after === null ? {} : { after };
  const body = { v: 1, report: takesReport, timeout_ms: timeoutMs, ...place, request: randomUUID() };
  return Buffer.from(JSON.stringify(body));
}

/** Returns null for a body of another form or version. */
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

/** Returns the MAC of a request, by the SHA-256 of its body in hexadecimal digits. */
export function requestMac(key: Uint8Array, time: number, bodySha256: string, path: SignedPath = pushPath): string {
  return hmac(key, `v1\nPOST ${path}\n${time}\n${bodySha256}`);
}

/** Returns the MAC of the answer to the request of this MAC. */
export function answerMac(key: Uint8Array, macOfRequest: string, body: Uint8Array): string {
  return hmac(key, `v1\nanswer\n${macOfRequest}\n${sha256(body).toString('hex')}`);
}

/** Returns the header `Fleet-Health` of an answer. */
export function encodeAnswerHeader(mac: string): string {
  return `v1 mac="${mac}"`;
}

/** Returns the MAC in the header of an answer; '' for a header of another form. */
export function parseAnswerHeader(text: string): string {
  return /^v1 mac="([0-9a-f]{64})"$/.exec(text)?.[1] ?? '';
}

/** Returns the header `Content-Digest` of a body (RFC 9530). */
export function contentDigest(digest: Buffer): string {
  return `sha-256=:${digest.toString('base64')}:`;
}

/** Returns the SHA-256 in a header `Content-Digest`; null if it has none. */
export function parseContentDigest(text: string): Buffer | null {
  const [, base64 = ''] = /^sha-256=:([\w+/]{43}=):$/.exec(text) ?? [];
  return base64 === '' ? null : Buffer.from(base64, 'base64');
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Compares two MACs in the same time whatever they are. */
export function isSameMac(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function hmac(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
