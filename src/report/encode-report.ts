import { maxLabelChars } from './limits.ts';
import type { Report } from './report.ts';

/**
 * A report as compact JSON in UTF-8. Texts that no reader would take are made fit: longer ones than a label may be are
 * cut with an ellipsis, lone surrogates and U+0000 become U+FFFD; numbers that are not finite become null.
 * The output of checks is cut where it is read.
 */
export function encodeReport(report: Report): Buffer {
  return Buffer.from(
    JSON.stringify(report, (key, value: unknown) =>
      typeof value === 'string' ? fit(value, key === 'output' ? Infinity : maxLabelChars) : value,
    ),
  );
}

/** Most texts: what tells them is found out in half the time. */
const plain = /^[ -~]*$/;

function fit(text: string, maxChars: number): string {
  const short = text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
  // No \p{Cs}, for which V8 asks ICU where the expression stands, matched or not: 0.2 ms of an agent's start.
  return plain.test(short) ? short : short.replace(/[\0\ud800-\udfff]/gu, '\ufffd');
}
