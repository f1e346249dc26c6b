import { type Figure, type CheckOutcome, parsePerfdata, type Range } from './perfdata.ts';

/** A check of a Checkmk local check, whose script writes one line for each. */
export interface LocalCheck extends CheckOutcome {
  readonly name: string;
  /** The figures as written. */
  readonly perfdata: string;
}

export interface LocalChecks {
  readonly checks: readonly LocalCheck[];
  /** The first line of another form; null: none. */
  readonly wrongLine: string | null;
}

const lineForm = /^(?:cached\(\d+,\d+\)\s+)?([0-3P])\s+(?:"([^"]+)"|'([^']+)'|(\S+))(?:\s+(\S+)(?:\s+(.*))?)?$/;

/** Reads lines of the form `STATE NAME FIGURES TEXT`; the state `P` follows from the figures and their levels. */
export function parseCheckmkLines(output: string): LocalChecks {
  const checks: LocalCheck[] = [];
  let wrongLine: string | null = null;
  for (const line of output.split(/\r?\n|\r/)) {
    // Plugins of agents that also run alone write the header of a section.
    if (line.trim() === '' || line.startsWith('<<<')) continue;
    const form = lineForm.exec(line.trim());
    if (form === null) {
      wrongLine ??= line;
      continue;
    }
    const [, state = '', double, single, bare = '', written = '-', text = ''] = form;
    const figures = written === '-' ? [] : parsePerfdata(written);
    checks.push({
      name: double ?? single ?? bare,
      state: state === 'P' ? worstState(written) : (Number(state) as LocalCheck['state']),
      text: text.replaceAll(String.raw`\n`, '\n').trim(),
      figures,
      perfdata: written === '-' ? '' : written,
    });
  }
  return { checks, wrongLine };
}

/**
 * Returns the state by the levels of figures, each of which counts, however many there are; UNKNOWN without a figure
 * whose value is known, and instead of OK if a part of the text has levels without a value, or is no figure.
 */
function worstState(written: string): LocalCheck['state'] {
  const parts = written.split('|').map((text) => ({ text: text.trim(), figures: parsePerfdata(text) }));
  const known = parts.flatMap(({ figures }) => figures).filter(({ value }) => value !== null);
  if (known.length === 0) return 3;
  if (known.some(({ value, critical }) => isBeyond(value ?? 0, critical))) return 2;
  if (known.some(({ value, warning }) => isBeyond(value ?? 0, warning))) return 1;
  return parts.some(lacksValue) ? 3 : 0;
}

/** True if a part is no figure, or has levels without a value. */
function lacksValue({ text, figures }: { readonly text: string; readonly figures: readonly Figure[] }): boolean {
  const hasValue = figures.some(({ value }) => value !== null);
  return text !== '' && !hasValue && (text.includes(';') || !text.includes('='));
}

/**
 * True if a value has reached a level. A single level is an upper one, and a reached level counts: Nagios differs from
 * Checkmk in this.
 */
function isBeyond(value: number, range: Range | null): boolean {
  if (range === null) return false;
  const { low, high, isLowWritten = false } = range;
  const isSingle = low === 0 && high !== null && !isLowWritten;
  return (high !== null && value >= high) || (low !== null && !isSingle && value < low);
}
