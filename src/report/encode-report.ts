import { maxLabelChars } from './limits.ts';
import type { Report } from './report.ts';

/**
 * Encodes a report as compact JSON in UTF-8. Corrects texts that readers refuse: cuts those longer than a label with an
 * ellipsis, and replaces lone surrogates and U+0000 by U+FFFD. Numbers that are not finite become null. The output of
 * checks is cut where it is read.
 */
export function encodeReport(report: Report): Buffer {
  return Buffer.from(
    JSON.stringify(report, (key, value: unknown) =>
      typeof value === 'string' ? fit(value, key === 'output' ? Infinity : maxLabelChars) : value,
    ),
  );
}

/** Matches most texts, in half the time of the search for characters to replace. */
const plain = /^[ -~]*$/;

function fit(text: string, maxChars: number): string {
  const short = text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
  // No \p{Cs}: V8 would call ICU when it compiles the expression, used or not, which costs 0.2 ms of an agent's start.
  return plain.test(short) ? short : short.replace(/[\0\ud800-\udfff]/gu, '\ufffd');
}
