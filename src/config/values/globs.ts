import picomatch from 'picomatch';

const options = { dot: true, nonegate: true, noextglob: true, strictSlashes: true } as const;
// `*` does not cross `/` in picomatch. Labels are not paths, so picomatch sees this character in place of `/`.
const slashStand = '\u{2215}';

/** True if a text holds anything but literal characters for `globMatcher`. */
export function isGlob(pattern: string): boolean {
  return /[*?[{\\]/.test(pattern);
}

/** Splits patterns at commas, except commas inside braces or brackets. Trims the parts and leaves out empty ones. */
export function splitGlobs(patterns: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (const character of patterns) {
    if (character === '{' || character === '[') depth += 1;
    else if ((character === '}' || character === ']') && depth > 0) depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  parts.push(part);
  return parts.map((text) => text.trim()).filter((text) => text !== '');
}

/**
 * Returns a function that matches values against patterns separated by commas: `*` matches any text, `/` and leading
 * dots included, `?` one character, `[a-z]` and `{a,b}` as in a shell. `!` in front excludes; exclusions alone mean all
 * other values. Case matters. Make the function once and call it for any number of values.
 */
export function globMatcher(pattern: string): (value: string) => boolean {
  const wanted: ((value: string) => boolean)[] = [];
  const excluded: ((value: string) => boolean)[] = [];
  for (const part of splitGlobs(pattern)) {
    if (part.startsWith('!')) excluded.push(matcherOfOne(part.slice(1)));
    else wanted.push(matcherOfOne(part));
  }
  return (value) =>
    (wanted.length === 0 || wanted.some((matches) => matches(value))) && !excluded.some((matches) => matches(value));
}

function matcherOfOne(pattern: string): (value: string) => boolean {
  if (/^\*+$/.test(pattern)) return () => true;
  if (!isGlob(pattern)) return (value) => value === pattern;
  const matches = picomatch(escapeOthers(pattern).replaceAll('/', slashStand), options);
  return (value) => matches(value.replaceAll('/', slashStand));
}

// Escapes parentheses, bars and similar characters, which picomatch would read as regular expressions.
function escapeOthers(pattern: string): string {
  return pattern.replace(/(?<!\\)[()|+@$^"]/g, '\\$&');
}

/**
 * Returns a function that matches names of a folder's entries as a shell does: hidden files only if the pattern begins
 * with a dot. Without `braces`, `{a,b}` stands for itself, as in glob(3).
 */
export function fileNameMatcher(
  pattern: string,
  { braces = true }: { readonly braces?: boolean } = {},
): (name: string) => boolean {
  const matches = picomatch(escapeOthers(pattern), { ...options, dot: false, nobrace: !braces, posix: true });
  // The matcher of picomatch has a second parameter, and array methods hand the index over.
  return (name) => matches(name);
}
