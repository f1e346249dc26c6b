import picomatch from 'picomatch';

const options = { dot: true, nonegate: true, noextglob: true, strictSlashes: true } as const;
// picomatch treats `/` as a border that `*` does not cross; labels are not paths, so matching sees another character.
const slashStand = '\u{2215}';

/** True if a text holds anything but literal characters for `globMatcher`. */
export function isGlob(pattern: string): boolean {
  return /[*?[{\\]/.test(pattern);
}

/** The parts between commas, trimmed, empty ones left out; commas inside braces or brackets do not count. */
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
 * Matches values against patterns separated by commas: `*` stands for anything, `/` and leading dots included, `?` for
 * one character, `[a-z]` and `{a,b}` as in a shell; `!` in front excludes, and exclusions alone mean all the others.
 * Case matters. The answer may be called for any number of values; make it once.
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

// Parentheses, bars and their like would be regular expressions to picomatch; here they are letters.
function escapeOthers(pattern: string): string {
  return pattern.replace(/(?<!\\)[()|+@$^"]/g, '\\$&');
}

/** Matches one name of a folder's entries as a shell does: hidden files only when the pattern begins with a dot. */
export function fileNameMatcher(pattern: string): (name: string) => boolean {
  return picomatch(escapeOthers(pattern), { ...options, dot: false });
}
