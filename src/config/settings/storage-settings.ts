import type { RetentionConfig, StorageConfig } from '../config.ts';
import { isThisMachine } from './is-this-machine.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import { formatDuration, parseDuration } from '../../text/durations.ts';
import { dayMs } from '../../platform/units.ts';
import { noteLiteral, readSecret, type ReadContext } from './read-secret.ts';
import { Secret } from '../secret.ts';
import { parseStorageUrl } from '../values/storage-url.ts';

const yearMs = 365 * dayMs;
/** Attributes of <storage> that a file has no use for. */
const mysqlAttributes = ['password', 'passwordFile', 'passwordEnv', 'socketPath', 'tls', 'ca', 'serverPublicKeyFile'];

/** `<storage>`, or the embedded database when there is none. */
export function readStorage(element: Element | null, databasePath: string, context: ReadContext): StorageConfig {
  const embedded: StorageConfig = {
    kind: 'sqlite',
    path: databasePath,
    host: null,
    port: null,
    user: null,
    database: null,
    password: null,
    socketPath: null,
    tls: 'no',
    ca: null,
    migrate: element?.attributes['migrate'] !== 'no',
  };
  if (element === null) return embedded;
  const { findings, places } = context;
  const { url, socketPath, tls, ca, serverPublicKeyFile } = element.attributes;
  const parsed = url === undefined ? null : parseStorageUrl(url);
  if (element.faulty && parsed === null) return embedded;
  const password = readSecret(element, 'password', context) ?? null;
  if (parsed === null || typeof parsed === 'string' || parsed.kind === 'sqlite') {
    const needless = mysqlAttributes.filter((name) => name in element.attributes);
    if (needless.length > 0) {
      findings.fault(element, `<storage> has ${needless.join(', ')}, which only a mysql:// url takes; remove them`);
    }
    if (parsed === null || typeof parsed === 'string') return embedded;
    return { ...embedded, path: localPath(parsed.path, element.source) };
  }
  if (parsed.password !== null) {
    noteLiteral(element, places);
    if (password !== null)
      findings.fault(element, '<storage> has a password in url and as an attribute; keep one of them');
  }
  if (parsed.host === null && socketPath === undefined) {
    findings.fault(element, '<storage> url names no host; write mysql://user@host/database, or add socketPath');
  }
  if (parsed.furtherHosts.length > 0 && socketPath !== undefined) {
    findings.fault(element, '<storage> has several hosts and a socketPath, which is of one server; keep one of them');
  }
  if (parsed.user === null) findings.fault(element, '<storage> url names no user; write mysql://user@host/database');
  if (ca !== undefined && tls === 'no') findings.fault(element, '<storage> has ca but tls="no"; write tls="verify"');
  const hosts = socketPath === undefined ? [parsed, ...parsed.furtherHosts] : [];
  const crossesNetwork = hosts.some(({ host }) => !isThisMachine(host ?? 'localhost'));
  const usualTls = ca !== undefined || crossesNetwork ? 'verify' : 'no';
  return {
    ...embedded,
    kind: 'mysql',
    path: null,
    host: parsed.host ?? 'localhost',
    port: parsed.port ?? 3306,
    furtherHosts: parsed.furtherHosts.map(({ host, port }) => ({ host, port: port ?? 3306 })),
    user: parsed.user,
    database: parsed.database,
    password: parsed.password === null ? password : new Secret({ kind: 'literal', value: parsed.password }),
    socketPath: socketPath === undefined ? null : localPath(socketPath, element.source),
    tls: tls === 'yes' || tls === 'verify' || tls === 'no' ? tls : usualTls,
    ca: ca === undefined ? null : localPath(ca, element.source),
    serverPublicKeyFile: serverPublicKeyFile === undefined ? null : localPath(serverPublicKeyFile, element.source),
  };
}

/** `<retention>` with its defaults. */
export function readRetention(element: Element | null, { findings }: ReadContext): RetentionConfig {
  const duration = (name: string): number | null => parseDuration(element?.attributes[name] ?? '');
  const rawMs = duration('raw') ?? 30 * dayMs;
  const detailMs = duration('detail') ?? Math.min(2 * dayMs, rawMs);
  // By default no rollup is kept that would not outlast the finer one.
  const kept = (name: string, usualMs: number, finerMs: number): number | null => {
    if (element !== null && name in element.attributes) return duration(name);
    return usualMs > finerMs ? usualMs : null;
  };
  const hourlyMs = kept('hourly', yearMs, rawMs);
  const dailyMs = kept('daily', 5 * yearMs, hourlyMs ?? rawMs);
  if (element !== null) {
    for (const name of ['raw', 'detail', 'hourly', 'daily']) {
      if (duration(name) === 0) findings.fault(element, `<retention> ${name} keeps nothing; write at least 1s`);
    }
    if (detailMs > rawMs) {
      const raw = formatDuration(rawMs);
      findings.fault(
        element,
        `<retention> detail is longer than raw (${raw}), and reports go with their rows; write at most ${raw}`,
      );
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
  return { rawMs, detailMs, hourlyMs, dailyMs };
}
