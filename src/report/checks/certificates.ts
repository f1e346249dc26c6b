/** Turns the agents' answers about certificates into a state, by the time until the first certificate ends. */
import { type Figure, type CheckOutcome, plainFigure, type Range } from './perfdata.ts';

/** The most certificates in a text; the others end later. */
const maxShown = 5;
const dayMs = 86_400_000;
/** The difference of clocks that is no fault. */
const clockMs = 300_000;

interface Certificate {
  /** The path of the file; null for the certificate of a server. */
  readonly file: string | null;
  readonly subject: string;
  readonly issuer: string;
  readonly endMs: number;
  /** The time from which it is valid; NaN if an agent did not tell. */
  readonly startMs: number;
}

/**
 * Reads `warning=` and `critical=` in seconds, then for each certificate `file=` (of files alone), `notBefore=` (not of
 * every agent), `notAfter=`, `subject=` and `issuer=`, and `fault=` for a file without a certificate. The certificate
 * that ends first decides; one that is not valid yet is CRITICAL. A fault is UNKNOWN unless a certificate has reached a
 * limit.
 */
export function parseCertificates(output: string, nowMs: number): CheckOutcome {
  const { certificates, faults, warningDays, criticalDays } = read(output);
  const isEarly = ({ startMs }: Certificate): boolean => startMs > nowMs + clockMs;
  const byEnd = certificates.toSorted((a, b) => a.endMs - b.endMs);
  const [first] = byEnd;
  const shown = [...byEnd.filter(isEarly), ...byEnd.filter((one) => !isEarly(one))];
  const days = first === undefined ? null : (first.endMs - nowMs) / dayMs;
  const isFaulty = faults.length > 0 || days === null || Number.isNaN(warningDays + criticalDays);
  const isCritical = certificates.some(isEarly) || (days !== null && days < criticalDays);
  const state = isCritical ? 2 : days !== null && days < warningDays ? 1 : isFaulty ? 3 : 0;
  const texts = shown.slice(0, maxShown).map((one) => certificateText(one, nowMs));
  if (shown.length > maxShown) texts.push(`and ${shown.length - maxShown} more`);
  const lines = state === 3 ? [...faults, ...texts] : [...texts, ...faults];
  return {
    state,
    text: lines.length === 0 ? 'no certificate' : lines.join('\n'),
    figures: days === null ? [] : [daysFigure(days, warningDays, criticalDays)],
  };
}

function read(output: string) {
  const certificates: Certificate[] = [];
  const faults: string[] = [];
  const last = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    last.set(key, value);
    if (key === 'fault') faults.push(value);
    if (key !== 'issuer') continue;
    const endMs = Date.parse(last.get('notAfter') ?? '');
    const startMs = Date.parse(last.get('notBefore') ?? '');
    const file = last.get('file') ?? null;
    if (Number.isNaN(endMs)) faults.push(file === null ? 'no end of its time' : `no end of its time: ${file}`);
    else certificates.push({ file, subject: last.get('subject') ?? '', issuer: value, endMs, startMs });
    for (const read of ['file', 'notBefore', 'notAfter', 'subject']) last.delete(read);
  }
  if (last.has('notAfter') || last.has('file')) faults.push('more certificates than a result holds');
  const daysOf = (key: string): number => Number(last.get(key) ?? NaN) / 86_400;
  return { certificates, faults, warningDays: daysOf('warning'), criticalDays: daysOf('critical') };
}

function certificateText({ file, subject, issuer, endMs, startMs }: Certificate, nowMs: number): string {
  const days = Math.floor(Math.abs(endMs - nowMs) / dayMs);
  const count = `${days} ${days === 1 ? 'day' : 'days'}`;
  const from = startMs > nowMs + clockMs ? `not valid before ${new Date(startMs).toISOString().slice(0, 16)}Z, ` : '';
  const left = endMs < nowMs ? `expired ${count} ago` : `${count} left`;
  const end = new Date(endMs).toISOString().slice(0, 16).replace('T', ' ');
  return `${file === null ? '' : `${file}: `}${from}${left}: ${subject}, issued by ${issuer}, until ${end} UTC`;
}

function daysFigure(days: number, warningDays: number, criticalDays: number): Figure {
  const from = (low: number): Range | null => (Number.isFinite(low) ? { low, high: null, inside: false } : null);
  const figure = plainFigure('days', Math.floor(days * 10) / 10);
  return { ...figure, warning: from(warningDays), critical: from(criticalDays) };
}
