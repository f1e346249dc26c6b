import { usageError } from '../../platform/errors/errors.ts';

/** The shortest beginning of an id that is accepted: a shorter text is probably a mistake. */
const minPrefix = 4;

/**
 * Returns the only id that begins with the text. Returns the text itself if no id does or the text has fewer than four
 * characters. Throws FleetError `usage` if several ids do; `noun` is the word for the owner of an id.
 */
export function wholeId(ids: readonly string[], text: string, noun: string): string {
  if (text.length < minPrefix || ids.includes(text)) return text;
  const [first = text, ...others] = ids.filter((id) => id.startsWith(text));
  if (others.length === 0) return first;
  throw usageError(
    `${text} is the beginning of several ${noun}s' ids`,
    `Give more of one of them: ${[first, ...others].join(', ')}.`,
  );
}
