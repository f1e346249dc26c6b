/** Judges the facts that the agents tell about servers (http, tcp and dns), and says them in words. */
import { plainFigure, type CheckOutcome, type Figure } from './perfdata.ts';
import type { CheckState } from '../checks.ts';
import { valuesOf, type ServerKind } from '../server-checks.ts';
import { bounded, faultWords, type ServerFacts } from './server-faults.ts';

const dayMs = 86_400_000;
const defaults = { status: '200-399', warning: '21d', critical: '7d' } as const;

/** A part of a judgement: a state and its words. */
interface Finding {
  readonly state: CheckState;
  readonly text: string;
}

/** Judges the facts of a check of a kind. */
export function parseServer(kind: ServerKind, output: string, nowMs: number): CheckOutcome {
  const facts = readFacts(output);
  const figures = figuresOf(kind, facts, nowMs);
  const fault = facts.one('fault');
  if (fault !== '') {
    const { text, state } = faultWords(fault, facts);
    return { state, text: `${text}${firstTry(facts, text)}`, figures };
  }
  const seconds = Number(facts.one('seconds'));
  if (facts.one('seconds') === '' || !Number.isFinite(seconds)) {
    return { state: 3, text: 'no whole answer of the agent', figures: [] };
  }
  const findings = [...judges[kind](facts, seconds), ...certificateFindings(facts, nowMs), ...slowness(facts, seconds)];
  const state = Math.max(0, ...findings.map((one) => one.state)) as CheckState;
  const first = findings.findIndex((one) => one.state === state);
  const ordered = [...findings.slice(first, first + 1), ...findings.slice(0, first), ...findings.slice(first + 1)];
  const text = ordered.flatMap((one) => (one.text === '' ? [] : one.text)).join('; ');
  return { state, text: `${text}${firstTry(facts, text)}`, figures };
}

function readFacts(output: string): ServerFacts {
  const byKey = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(0, at));
    const values = byKey.get(key) ?? [];
    values.push(line.slice(at + 1));
    byKey.set(key, values);
  }
  const all = (key: string): readonly string[] => byKey.get(key) ?? [];
  return { wants: all('want'), one: (key) => all(key).at(-1) ?? '', all };
}

/** Returns words about a first try that failed. */
function firstTry(facts: ServerFacts, text: string): string {
  const first = facts.one('first');
  if (first === '') return '';
  const words = faultWords(first, facts).text;
  return words === text ? ', twice' : `; a second before: ${words}`;
}

const judges: Readonly<Record<ServerKind, (facts: ServerFacts, seconds: number) => readonly Finding[]>> = {
  http: httpFindings,
  tcp: tcpFindings,
  dns: dnsFindings,
};

function httpFindings(facts: ServerFacts, seconds: number): readonly Finding[] {
  const status = facts.one('status').trim();
  const location = facts.one('location');
  const hops = facts.all('hop').map((hop) => quoted(hop));
  const via = hops.length === 0 ? '' : `, redirected to ${hops.join(', ')}`;
  const to = location === '' ? '' : `, to ${quoted(location)}, which is not followed`;
  const isWanted = isStatusOf(Number(status.slice(0, 3)), lastOf(facts, 'status', defaults.status));
  const answer = `${bounded(status)} after ${secondsText(seconds)}${to}${via}`;
  const body = quoted(facts.one('begins').trim());
  return [
    { state: isWanted ? 0 : 2, text: answer },
    ...facts.all('lacks').map((text) => ({ state: 2, text: `body lacks ${quoted(text)}: begins ${body}` }) as const),
    ...facts.all('has').map((text) => ({ state: 2, text: `body has ${quoted(text)}` }) as const),
  ];
}

function tcpFindings(facts: ServerFacts, seconds: number): readonly Finding[] {
  const begins = facts.one('begins') === '' ? '' : `, answer begins ${quoted(facts.one('begins').trim())}`;
  const lacks = facts.all('lacks').map((text) => quoted(text));
  if (lacks.length > 0)
    return [{ state: 2, text: `answer lacks ${lacks.join(', ')}${begins.replace(', answer', ':')}` }];
  return [{ state: 0, text: `connected to ${bounded(facts.one('at'))} after ${secondsText(seconds)}${begins}` }];
}

function dnsFindings(facts: ServerFacts): readonly Finding[] {
  const type = lastOf(facts, 'type', 'A');
  const values = facts.all('value');
  const plain = (text: string): string => text.trim().toLowerCase().replace(/\.$/, '');
  const found = new Set(values.map(plain));
  const expected = valuesOf(facts.wants, 'expect').flatMap((text) => (type === 'TXT' ? text : text.split(',')));
  const missing = expected.filter((text) => !found.has(plain(text)));
  const name = `${bounded(facts.one('host'))} ${type}`;
  const has = values.length === 0 ? 'nothing' : values.slice(0, 5).map(bounded).join(', ');
  if (missing.length > 0) return [{ state: 2, text: `${name} lacks ${missing.map(bounded).join(', ')}: it is ${has}` }];
  if (values.length === 0) return [{ state: 2, text: `name: ${name} has no value` }];
  return [{ state: 0, text: `${name} is ${has}` }];
}

/** Judges the days of a certificate. Without a verification they count only if limits are written. */
function certificateFindings(facts: ServerFacts, nowMs: number): readonly Finding[] {
  const days = daysOf(facts, nowMs);
  const isJudged =
    lastOf(facts, 'verify', 'yes') === 'yes' || facts.wants.some((word) => /^(warning|critical)=/.test(word));
  if (days === null || !isJudged) return [];
  const [warning, critical] = [daysIn(facts, 'warning'), daysIn(facts, 'critical')];
  const state = days < critical ? 2 : days < warning ? 1 : 0;
  const whole = Math.floor(Math.abs(days));
  const count = `${whole} ${whole === 1 ? 'day' : 'days'}`;
  return [{ state, text: days < 0 ? `certificate expired ${count} ago` : `certificate ends in ${count}` }];
}

function slowness(facts: ServerFacts, seconds: number): readonly Finding[] {
  const [warning, critical = Infinity] = slowLimits(facts);
  if (warning === undefined) return [];
  const state = seconds > critical ? 2 : seconds > warning ? 1 : 0;
  if (state === 0) return [];
  const limit = state === 2 ? critical : warning;
  return [{ state, text: `slow: ${secondsText(seconds)}, more than ${secondsText(limit)}` }];
}

function figuresOf(kind: ServerKind, facts: ServerFacts, nowMs: number): readonly Figure[] {
  const figure = (key: string, unit: 'seconds' | 'bytes' | 'count'): readonly Figure[] => {
    const value = parseFloat(facts.one(key));
    return Number.isFinite(value) ? [plainFigure(key, value, unit)] : [];
  };
  const limit = (low: number | null, high: number | undefined) =>
    low === null && high === undefined ? null : { low, high: high ?? null, inside: false };
  const [warning, critical] = slowLimits(facts);
  const days = daysOf(facts, nowMs);
  return [
    ...figure('seconds', 'seconds').map((one) => ({
      ...one,
      warning: limit(warning === undefined ? null : 0, warning),
      critical: limit(critical === undefined ? null : 0, critical),
    })),
    ...figure('connect', 'seconds'),
    ...figure('tls', 'seconds'),
    ...figure('first_byte', 'seconds'),
    ...figure('bytes', 'bytes'),
    ...(kind === 'http' ? figure('status', 'count') : []),
    ...(days === null
      ? []
      : [
          {
            ...plainFigure('days', Math.floor(days * 10) / 10),
            warning: limit(daysIn(facts, 'warning'), undefined),
            critical: limit(daysIn(facts, 'critical'), undefined),
          },
        ]),
  ];
}

function slowLimits(facts: ServerFacts): readonly number[] {
  const texts = lastOf(facts, 'slow', '').split(',').filter(Boolean);
  return texts.map((text) => parseFloat(text) / (text.endsWith('ms') ? 1000 : 1));
}

function daysOf(facts: ServerFacts, nowMs: number): number | null {
  const endMs = Date.parse(facts.one('end'));
  return Number.isNaN(endMs) ? null : (endMs - nowMs) / dayMs;
}

function daysIn(facts: ServerFacts, option: 'warning' | 'critical'): number {
  const text = lastOf(facts, option, defaults[option]);
  const inDays: Readonly<Record<string, number>> = { d: 1, h: 24, m: 1440 };
  return parseInt(text, 10) / (inDays[text.slice(-1)] ?? 86_400);
}

function lastOf({ wants }: ServerFacts, option: string, otherwise: string): string {
  return valuesOf(wants, option).at(-1) ?? otherwise;
}

function isStatusOf(status: number, ranges: string): boolean {
  return ranges.split(',').some((range) => {
    const [low = NaN, high = low] = range.split('-').map(Number);
    return status >= low && status <= high;
  });
}

function secondsText(seconds: number): string {
  return `${seconds.toFixed(seconds < 0.095 ? 3 : 1)} s`;
}

/** Returns a text in quotes, on one line. */
function quoted(text: string): string {
  return `"${bounded(text.replaceAll(/\s+/g, ' '))}"`;
}
