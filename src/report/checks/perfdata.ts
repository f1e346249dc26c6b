/**
 * The performance data of a plugin, by the guidelines of the Monitoring Plugins, and by the usual deviations of
 * plugins.
 */
import type { CheckState } from '../checks.ts';

/** The base unit of a figure. `count` stands for every unknown unit. */
export type FigureUnit = 'seconds' | 'bytes' | 'ratio' | 'count';

/** A threshold: the check alerts outside of the range, or inside. null: no end on that side. */
export interface Range {
  readonly low: number | null;
  readonly high: number | null;
  readonly inside: boolean;
  /** True if the text names a lower end of 0: a single number has none, although `low` is 0. */
  readonly isLowWritten?: true;
}

export interface Figure {
  readonly label: string;
  /** The value in the base unit; null: `U`, or a number that cannot be stored. */
  readonly value: number | null;
  readonly unit: FigureUnit;
  /** True if the value only grows, so that a rate has to be computed. */
  readonly counter: boolean;
  readonly warning: Range | null;
  readonly critical: Range | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
}

/** The meaning of a check's output, whatever its format. */
export interface CheckOutcome {
  readonly state: CheckState;
  readonly text: string;
  readonly figures: readonly Figure[];
}

/** Returns a figure without limits. A number that is not finite makes its value unknown. */
export function plainFigure(label: string, value: number, unit: FigureUnit = 'count'): Figure {
  const none = { warning: null, critical: null, minimum: null, maximum: null };
  return { label, value: Number.isFinite(value) ? value : null, unit, counter: false, ...none };
}

/** The most figures of one check. */
export const maxFigures = 64;
const maxLabelChars = 128;

/**
 * Returns the figures of a text, at most 64. Skips other words. The first of two figures with one label counts. Reads
 * commas as blanks between figures, and as the point in numbers.
 */
export function parsePerfdata(text: string): readonly Figure[] {
  return [...readPerfdata(text).figures.values()];
}

/** Returns the labels that `parsePerfdata` leaves out, with the reason. `further`: some labels were not looked at. */
export function unreadFigures(text: string): Pick<ReadPerfdata, 'labels' | 'further'> {
  return readPerfdata(text);
}

const thereTwice = 'it is there twice';

/** Returns a line for each label of a text that figures behind the first one have, too. */
export function repeatedFigures(text: string): readonly string[] {
  const labels = readPerfdata(text).labels.flatMap(([label, why]) => (why === thereTwice ? label : []));
  return [...new Set(labels)].map((label) => `figure ${label}: ${thereTwice}, the first one counts`);
}

interface ReadPerfdata {
  readonly figures: ReadonlyMap<string, Figure>;
  readonly labels: readonly (readonly [label: string, why: string])[];
  readonly further: boolean;
}

function readPerfdata(text: string): ReadPerfdata {
  const figures = new Map<string, Figure>();
  const labels: (readonly [string, string])[] = [];
  for (let at = 0; at < text.length;) {
    const found = labelAt(text, at);
    if (found === null) break;
    if (figures.size === maxFigures) return { figures, labels, further: true };
    const { label, from } = found;
    const end = endOfValue(text, from);
    const figure = label === '' ? null : figureOf(label, text.slice(from, end));
    if (figure === null) labels.push([label, 'its value is no number']);
    else if (figures.has(label)) labels.push([label, thereTwice]);
    else figures.set(label, figure);
    at = end;
  }
  return { figures, labels, further: false };
}

interface Label {
  readonly label: string;
  /** The index at which the value begins. */
  readonly from: number;
}

/** Returns the next label; null if no equals sign follows. */
function labelAt(text: string, start: number): Label | null {
  let at = start;
  while (at < text.length && isBetween(text[at] ?? '')) at++;
  const quote = text[at];
  if (quote === "'" || quote === '"') {
    const quoted = quotedLabel(text, at, quote, false) ?? quotedLabel(text, at, quote, true);
    if (quoted !== null) return quoted;
  }
  const equals = text.indexOf('=', at);
  if (equals < 0) return null;
  return { label: plainLabel(text.slice(at, equals)), from: valueAt(text, equals) };
}

/**
 * Returns a label in quotes, in which a doubled quote stands for one; null if no equals sign follows the quotes. With
 * `isTwice`, two quotes before an equals sign end the label, as plugins write them that quote twice.
 */
function quotedLabel(text: string, start: number, quote: string, isTwice: boolean): Label | null {
  for (let at = text.indexOf(quote, start + 1); at >= 0; at = text.indexOf(quote, at)) {
    const isDoubled = text[at + 1] === quote;
    if (isDoubled && !(isTwice && text[at + 2] === '=')) {
      at += 2;
      continue;
    }
    const equals = afterBlanks(text, isDoubled ? at + 2 : at + 1);
    if (text[equals] !== '=') return null;
    const label = text.slice(start + 1, at).replaceAll(quote + quote, quote);
    return { label: cleanLabel(label), from: valueAt(text, equals) };
  }
  return null;
}

/** Returns a label without quotes. Blanks are part of the label: many plugins forget the quotes. */
function plainLabel(text: string): string {
  const written = text.slice(text.lastIndexOf(';') + 1).replace(/^[\s'",|]+/, '');
  let end = written.length;
  // A pattern of blanks before an end takes quadratic time for blanks within the text.
  while (end > 0 && /[\s'"]/.test(written[end - 1] ?? '')) end--;
  return cleanLabel(written.slice(0, end));
}

function cleanLabel(label: string): string {
  return label
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, maxLabelChars)
    .trimEnd()
    .replaceAll(/\p{Cs}/gu, '\uFFFD');
}

/**
 * Returns the index of the value. Skips blanks behind an equals sign only if a blank stands before the sign:
 * `tracehosts= traceloss=5` has no value.
 */
function valueAt(text: string, equals: number): number {
  return text[equals - 1] === ' ' ? afterBlanks(text, equals + 1) : equals + 1;
}

function afterBlanks(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

function isBetween(char: string): boolean {
  return char === ',' || char === ';' || char === '|' || char.trim() === '';
}

/** A unit behind a blank: `12 ms;5;10`. */
const unitBehindBlank = /[ \t](?=(?:[mu]?s|%|[KMGTP]?i?B)(?:[;\s]|$))/y;
/** The next figure, behind a semicolon or a comma without a blank: `active=3;idle=2`. */
const nextFigure = /(?:;|,(?!\d))[^\s;,=|]+=/y;

const narrowBlank = /(?<=\d)[\u00a0\u2009\u202f](?=\d)/y;

function endOfValue(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? '';
    // A narrow blank stands between thousands.
    const isBlank = char.trim() === '' && !matchesAt(narrowBlank, text, at);
    if (isBlank && at > start && matchesAt(unitBehindBlank, text, at)) continue;
    if (isBlank || char === '|' || ((char === ';' || char === ',') && matchesAt(nextFigure, text, at))) return at;
  }
  return text.length;
}

function matchesAt(form: RegExp, text: string, at: number): boolean {
  form.lastIndex = at;
  return form.test(text);
}

/** A number with commas between thousands, which a second comma or a point shows. */
const grouped = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+|(?<=,\d{3},\d{3}))|\d{1,3}(?:['’]\d{3})+(?:\.\d+)?`;
const number = String.raw`[-+]?(?:${grouped}|\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?`;
const valueForm = new RegExp(`^(${number})(.*)$`, 's');
const groupedForm = new RegExp(`^[-+]?(?:${grouped})`);

function figureOf(label: string, text: string): Figure | null {
  const [written = '', warning, critical, minimum, maximum] = text.replace(/,$/, '').split(';');
  const [, digits, suffix = ''] = valueForm.exec(written) ?? [];
  // `U`, also with a unit behind it, means an unknown value; any other word is no figure.
  if (digits === undefined && !/^U(?:s|ms|us|%|B|KB|MB|GB|TB|c)?$/.test(written)) return null;
  // The beginning of a number of another base, an address, a version, a date or a span such as 4h12m is no value.
  if (/^(?:[-+._:,\d'’\u00a0\u2009\u202f]|x[\da-f]|[bdho]\d|[a-zµμ]+\d+[a-z:])/i.test(suffix)) return null;
  const form = unitOf(digits === undefined ? written.slice(1) : suffix);
  const { unit, factor, counter } = form;
  return {
    label,
    value: digits === undefined ? null : numberOf(digits, factor),
    unit,
    counter,
    warning: rangeOf(warning, form),
    critical: rangeOf(critical, form),
    minimum: limitOf(minimum?.trim() ?? '', form) ?? null,
    maximum: limitOf(maximum?.trim() ?? '', form) ?? null,
  };
}

/** Returns a limit in the base unit. It has the unit of its value unless it names another; undefined: it is none. */
function limitOf(text: string, { unit, factor }: UnitForm): number | null | undefined {
  const [, digits, suffix = ''] = valueForm.exec(text) ?? [];
  const own = suffix.trim() === '' ? { unit, factor } : unitOf(suffix);
  return digits === undefined || own.unit !== unit ? undefined : numberOf(digits, own.factor);
}

function numberOf(text: string, factor: number): number | null {
  const value = Number(groupedForm.test(text) ? text.replaceAll(/[,'’]/g, '') : text.replace(',', '.'));
  // Division keeps 57 % and 12 ms the numbers that people would write.
  const scaled = factor < 1 ? value / Math.round(1 / factor) : value * factor;
  return Number.isFinite(scaled) ? scaled : null;
}

/** Reads a threshold: `10`, `10:`, `~:10`, `10:20`, `@10:20`. Returns null for an empty and for an invalid one. */
export function rangeOf(text: string | undefined, form: UnitForm = plainForm): Range | null {
  const parts = /^(@?)(?:(~|[^:~]*):)?([^:]*)$/.exec(text?.trim() ?? '');
  const [, at = '', low, high = ''] = parts ?? [];
  const end = (part: string): number | null | undefined => (part === '' || part === '~' ? null : limitOf(part, form));
  const [from, to] = [low === undefined || low === '' ? 0 : end(low), end(high)];
  if (parts === null || from === undefined || to === undefined || (low === undefined && to === null)) return null;
  const written = low !== undefined && low !== '' && from === 0 ? ({ isLowWritten: true } as const) : {};
  return { low: from, high: to, inside: at === '@', ...written };
}

interface UnitForm {
  readonly unit: FigureUnit;
  readonly factor: number;
  readonly counter: boolean;
}

const plainForm: UnitForm = { unit: 'count', factor: 1, counter: false };

const seconds: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  secs: 1,
  seconds: 1,
  ms: 1e-3,
  msec: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ns: 1e-9,
  min: 60,
  h: 3600,
  hours: 3600,
  d: 86_400,
  days: 86_400,
};
const prefixes = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/** Returns the base unit of a unit. K, M and G of bytes are powers of 1024, as in check_disk and check_swap. */
function unitOf(text: string): UnitForm {
  const suffix = text.trim();
  if (suffix === 'c') return { unit: 'count', factor: 1, counter: true };
  if (suffix === '%') return { unit: 'ratio', factor: 1e-2, counter: false };
  const time = Object.hasOwn(seconds, suffix) ? seconds[suffix] : undefined;
  if (time !== undefined) return { unit: 'seconds', factor: time, counter: false };
  const bytes = /^([kmgtpe]?)(?:i?b|bytes)$/i.exec(suffix);
  const [, prefix = ''] = bytes ?? [];
  // A small b alone means bits.
  if (bytes === null || suffix === 'b') return plainForm;
  return { unit: 'bytes', factor: 1024 ** prefixes.indexOf(prefix.toLowerCase()), counter: false };
}
