import { createHash, randomUUID } from 'node:crypto';

import { isObject } from '../../platform/parse-json.ts';
import { isDeeper } from '../../report/check-value.ts';
import type { EventStatus, NewEvent } from '../../storage/store/event-store.ts';
import { oneLine } from '../../text/plain-text.ts';

const longestName = 128;
const maxTags = 32;
/** The most events of one body. */
const maxEvents = 1_000;
/** The levels of JSON. Programs that read it recurse. */
const maxLevels = 64;
const longestTtl = 10 * 365 * 86_400;

const statuses: Readonly<Record<string, EventStatus>> = {
  ok: 'OK',
  warn: 'WARN',
  warning: 'WARN',
  crit: 'CRIT',
  critical: 'CRIT',
  unknown: 'UNKNOWN',
  0: 'OK',
  1: 'WARN',
  2: 'CRIT',
  3: 'UNKNOWN',
};

/** Returns the status of a word or number; null for other values. */
export function eventStatus(value: unknown): EventStatus | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const key = String(value).toLowerCase();
  return Object.hasOwn(statuses, key) ? (statuses[key] ?? null) : null;
}

/** An event as it was read. */
export interface ParsedEvent extends NewEvent {
  /** The reason why its sender may have meant something else, for the log. Default: none. */
  readonly doubt?: string;
}

/**
 * Reads JSON of any form: an event, several as `{"events": [..]}`, or another value, which is kept unchanged. Returns
 * null if the text is no JSON, is deeper than 64 levels, or has too many events.
 */
export function parseEvents(text: string, receivedAtMs: number): readonly ParsedEvent[] | null {
  let value: unknown;
  if (isDeeper(Buffer.from(text), maxLevels)) return null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const event = eventOf(value, receivedAtMs);
  if (event !== null) return [event];
  const list = isObject(value) ? value['events'] : null;
  if (!Array.isArray(list) || list.length === 0) return [rawEvent(text, value, receivedAtMs)];
  if (list.length > maxEvents) return null;
  return list.map((one: unknown) => eventOf(one, receivedAtMs) ?? rawEvent(JSON.stringify(one), one, receivedAtMs));
}

function eventOf(value: unknown, receivedAtMs: number): ParsedEvent | null {
  if (!isObject(value)) return null;
  const status = eventStatus(value['status']);
  const service = nameOf(value['service']);
  if (status === null || service === '') return null;
  const { host, instance, description, tags, value: figure, ttl, id } = value;
  const isTtl = typeof ttl === 'number' && ttl > 0 && ttl <= longestTtl;
  return {
    eventId: idOf(id, nameOf(host)),
    receivedAtMs,
    host: nameOf(host),
    service,
    instance: nameOf(instance),
    status,
    description: typeof description === 'string' ? oneLine(description) : '',
    tags: tagsOf(tags),
    value: typeof figure === 'number' && Number.isFinite(figure) ? figure : null,
    ttl: isTtl ? Math.ceil(ttl) : null,
    raw: null,
    ...(isTtl || ttl === undefined || ttl === null ? {} : { doubt: 'ttl is no number of seconds, and does not count' }),
  };
}

/** Returns the reason why JSON that names a service is no event; null if the JSON does not look like an event. */
function doubtOf(value: unknown): string | null {
  const { service, status } = isObject(value) ? value : {};
  if (service === undefined || eventStatus(status) !== null) return null;
  return 'it has a service, and its status is none of OK, WARN, CRIT, UNKNOWN or 0 to 3: no rule evaluates it';
}

function rawEvent(raw: string, value: unknown, receivedAtMs: number): ParsedEvent {
  const doubt = doubtOf(value);
  const nothing = { host: '', service: '', instance: '', status: null, description: '', tags: [], value: null };
  return { eventId: randomUUID(), receivedAtMs, ...nothing, ttl: null, raw, ...(doubt === null ? {} : { doubt }) };
}

/**
 * Returns the id of a host's event: two hosts may use the same ids. A short id of plain characters is kept; others are
 * stored by their digest, because databases may compare them as equal.
 */
function idOf(id: unknown, host: string): string {
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '') return randomUUID();
  const text = host === '' ? String(id) : `${host}:${id}`;
  return /^[\w.:/@-]{1,100}$/.test(text) ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? clipped(oneLine(value), longestName) : '';
}

function tagsOf(value: unknown): readonly string[] {
  const tags = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? (value as unknown[]) : [];
  return tags
    .map(nameOf)
    .filter((tag) => tag !== '')
    .slice(0, maxTags);
}

/** Cuts a text without leaving half of a character. */
function clipped(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/u, '');
}
