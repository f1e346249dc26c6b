import type { ForwardConfig, RetentionConfig } from '../config.ts';
import { databaseKinds, embeddedKind, kindNamed, parseStorageUrl } from '../databases/kinds.ts';
import type { NoStorageConfig, StorageConfig } from '../databases/kinds.ts';
import type { DatabaseKind } from '../databases/database-kind.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import { formatDuration, parseDuration } from '../../text/durations.ts';
import { dayMs } from '../../platform/units.ts';
import { noteLiteral, readSecret, type ReadContext } from './read-secret.ts';
import { Secret } from '../secret.ts';

const yearMs = 365 * dayMs;
/** Attributes of `<storage>` with a password, which a file does not take. */
const passwordAttributes = ['password', 'passwordFile', 'passwordEnv'];

/** Reads `<storage>`. Returns the embedded database if the element is missing. */
export function readStorage(element: Element | null, databasePath: string, context: ReadContext): StorageConfig {
  const migrate = element?.attributes['migrate'] !== 'no';
  const embedded: StorageConfig = { kind: embeddedKind.name, path: databasePath, migrate };
  if (element === null) return embedded;
  const { url } = element.attributes;
  const parsed = url === undefined ? null : parseStorageUrl(url);
  if (element.faulty && parsed === null) return embedded;
  const password = readSecret(element, 'password', context) ?? null;
  const kind = parsed === null || typeof parsed === 'string' ? embeddedKind : kindNamed(parsed.kind);
  refuseNeedless(element, kind, context);
  if (url === undefined || parsed === null || typeof parsed === 'string') return embedded;
  const { findings, places } = context;
  if (parsed.password !== null) {
    noteLiteral(element, places);
    if (password !== null)
      findings.fault(element, '<storage> has a password in url and as an attribute; keep one of them');
  }
  return kind.read(url, {
    attributes: element.attributes,
    migrate,
    password: parsed.password === null ? password : new Secret({ kind: 'literal', value: parsed.password }),
    localPath: (path) => localPath(path, element.source),
    fault: (message) => findings.fault(element, message),
  });
}

/** Reports attributes that only other kinds of databases take. */
function refuseNeedless(element: Element, kind: DatabaseKind, { findings }: ReadContext): void {
  const attributesOf = ({ isFile, attributes }: DatabaseKind): readonly string[] => [
    ...(isFile ? [] : passwordAttributes),
    ...Object.keys(attributes),
  ];
  const others = databaseKinds.filter((other) => other.name !== kind.name);
  const own = new Set(attributesOf(kind));
  const ofOthers = [...new Set(others.flatMap(attributesOf))].filter((name) => !own.has(name));
  const needless = ofOthers.filter((name) => name in element.attributes);
  if (needless.length === 0) return;
  const takers = others.filter((other) => attributesOf(other).some((name) => needless.includes(name)));
  const urls = takers.map(({ beginning }) => beginning).join(' or ');
  findings.fault(element, `<storage> has ${needless.join(', ')}, which only a ${urls} url takes; remove them`);
}

/** Returns the storage of a site that forwards, which has no database. */
export function noStorage(element: Element | null, { url }: ForwardConfig, { findings }: ReadContext): NoStorageConfig {
  if (element !== null) {
    findings.warn(element, '<storage> does nothing beside <forward>: a site that forwards has no database; remove it');
  }
  return { kind: 'none', path: null, migrate: false, forwardUrl: url };
}

/** Returns `<retention>` with its defaults. */
export function readRetention(element: Element | null, { findings }: ReadContext): RetentionConfig {
  const duration = (name: string): number | null => parseDuration(element?.attributes[name] ?? '');
  const rawMs = duration('raw') ?? 30 * dayMs;
  const detailMs = duration('detail') ?? Math.min(2 * dayMs, rawMs);
  const logsMs = duration('logs') ?? rawMs;
  const alertsMs = duration('alerts') ?? Math.max(5 * yearMs, rawMs);
  const visitsMs = duration('visits') ?? Math.max(90 * dayMs, rawMs);
  const changesMs = duration('changes') ?? 400 * dayMs;
  // By default a rollup is not kept unless it outlasts the finer one.
  const kept = (name: string, usualMs: number, finerMs: number): number | null => {
    if (element !== null && name in element.attributes) return duration(name);
    return usualMs > finerMs ? usualMs : null;
  };
  const hourlyMs = kept('hourly', yearMs, rawMs);
  const dailyMs = kept('daily', 5 * yearMs, hourlyMs ?? rawMs);
  if (element !== null) {
    for (const name of ['raw', 'detail', 'logs', 'alerts', 'visits', 'changes', 'hourly', 'daily']) {
      if (duration(name) === 0) findings.fault(element, `<retention> ${name} keeps nothing; write at least 1s`);
    }
    const raw = formatDuration(rawMs);
    for (const [name, what, keptMs] of [
      ['detail', 'reports', detailMs],
      ['logs', 'lines', logsMs],
    ] as const) {
      if (keptMs <= rawMs) continue;
      const words = `<retention> ${name} is longer than raw (${raw}), and ${what} go with their rows`;
      findings.fault(element, `${words}; write at most ${raw}`);
    }
    if (hourlyMs !== null && hourlyMs < rawMs)
      findings.warn(element, '<retention> hourly is shorter than raw, so it keeps nothing more');
    if (dailyMs !== null && dailyMs < (hourlyMs ?? rawMs)) {
      findings.warn(
        element,
        `<retention> daily is shorter than ${hourlyMs === null ? 'raw' : 'hourly'}, so it keeps nothing more`,
      );
    }
  }
  return { rawMs, detailMs, logsMs, alertsMs, visitsMs, changesMs, hourlyMs, dailyMs };
}
