import { parsePerfdata } from './perfdata.ts';

/** The output of a plugin: its text, and its performance data as written. */
export interface PluginOutput {
  readonly text: string;
  readonly perfdata: string;
}

/**
 * Reads the output of a plugin: `TEXT | PERFDATA`, then lines of long text. Behind a bar in these lines everything is
 * performance data, except the text of a line that has a bar again. A bar without a figure behind it belongs to the
 * text: plugins quote logs and patterns.
 */
export function parsePluginOutput(output: string): PluginOutput {
  const texts: string[] = [];
  const perfdata: string[] = [];
  let isLongPerfdata = false;
  for (const [index, line] of output.split(/\r?\n|\r/).entries()) {
    const parts = splitLine(line);
    const isText = parts.perfdata !== '' && !hasFigures(parts.text);
    if (isLongPerfdata && !isText && hasFigures(line)) {
      perfdata.push(line.trim());
      continue;
    }
    texts.push(parts.text);
    if (parts.perfdata === '') continue;
    perfdata.push(parts.perfdata);
    isLongPerfdata = index > 0;
  }
  return { text: texts.join('\n').trim(), perfdata: perfdata.join(' ') };
}

/** Splits a line before the first of the parts at its end that hold figures. */
function splitLine(line: string): PluginOutput {
  const parts = splitAtBars(line);
  let first = parts.length;
  while (first > 1 && (isBlank(parts[first - 1]) || hasFigures(parts[first - 1] ?? ''))) first--;
  const perfdata = parts
    .slice(first)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
  if (perfdata !== '') return { text: parts.slice(0, first).join('|').trim(), perfdata };
  const isOnlyBar = parts.length === 2 && isBlank(parts[1]);
  return { text: (isOnlyBar ? (parts[0] ?? '') : line).trim(), perfdata: '' };
}

/** Splits a line at its bars, except bars in quoted labels: `'a|b'=1`, `"a|b"=1`. */
function splitAtBars(line: string): readonly string[] {
  const stand = '\u0000';
  const kept = line.replaceAll(/'[^']*'(?==)|"[^"]*"(?==)/g, (label) => label.replaceAll('|', stand));
  return kept.split('|').map((part) => part.replaceAll(stand, '|'));
}

function isBlank(text = ''): boolean {
  return text.trim() === '';
}

function hasFigures(text: string): boolean {
  return text.includes('=') && parsePerfdata(text).length > 0;
}
