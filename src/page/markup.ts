import { escapeMarkup } from '../text/escape-markup.ts';
import { quoted } from '../text/plain-text.ts';

/** Finished HTML: what `markup` made. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

type Part = string | number | Markup | null | false | readonly Part[];

/**
 * A template of HTML. Each value in it is text from outside: cleaned of control and bidi characters and escaped, so
 * that it is inert between tags and in quoted attributes. `Markup` stands as it is, lists are joined, and null and
 * false leave nothing.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let html = strings[0] ?? '';
  for (const [index, part] of parts.entries()) html += htmlOf(part) + (strings[index + 1] ?? '');
  return new Markup(html);
}

function htmlOf(part: Part): string {
  if (typeof part === 'string') return escapeMarkup(quoted(part));
  if (typeof part === 'number') return String(part);
  if (part === null || part === false) return '';
  return part instanceof Markup ? part.html : part.map(htmlOf).join('');
}
