/** The marks that Git leaves at the beginning of lines where two versions could not be merged. */
const mergeMark = /^(?:<{7}|={7}|>{7}|\|{7})(?: |$)/m;

/** True if a text has the marks of an unfinished merge. */
export function hasMergeMark(text: string): boolean {
  return mergeMark.test(text);
}

export const mergeAdvice = 'the mark of an unfinished merge; keep one version and remove the lines with marks';

/** Forms of configuration other than XML, by their beginnings. */
const otherForms: readonly (readonly [form: RegExp, name: string])[] = [
  [/^[{[]\s*(?:["{}\]]|$)/, 'JSON'],
  [/^\[[\w. -]+\]\s*$/m, 'INI'],
  [/^(?:---\s*$|[\w-]+:(?:\s|$)|- )/m, 'YAML'],
  [/^[\w.-]+\s*=/m, 'INI'],
];

/** Returns the form of a file that begins with text instead of an element, for people; null if it is not known. */
export function otherForm(text: string): string | null {
  const plain = text.replace(/^\s*#.*\n/gm, '').trimStart();
  return otherForms.find(([form]) => form.test(plain))?.[1] ?? null;
}

/** Returns what is wrong with a file that is no text in UTF-8 although its bytes may be; null for others. */
export function binaryFault(bytes: Buffer): string | null {
  const head = bytes.subarray(0, 64);
  if (/^(?:fffe|feff)/.test(head.toString('hex'))) return 'the file is UTF-16; save it as UTF-8';
  if (/^1f8b/.test(head.toString('hex'))) return 'the file is compressed (gzip); unpack it';
  const zeros = [...head.keys()].filter((index) => head[index] === 0);
  // A single zero byte is a control character, which has a line.
  if (zeros.length <= head.length / 4) return null;
  if (zeros.length > head.length / 2) return 'the file is UTF-32; save it as UTF-8';
  const isEveryOther = zeros.every((index) => index % 2 === (zeros[0] ?? 0) % 2);
  return isEveryOther ? 'the file is UTF-16; save it as UTF-8' : 'the file is no text: it has zero bytes';
}
