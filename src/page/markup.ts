import { escapeMarkup } from '../text/escape-markup.ts';
import { hasRightToLeft, oneLine, quoted } from '../text/plain-text.ts';

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
 * that it is inert between tags and in quoted attributes. Between tags text from right to left is isolated by an
 * element: what stands beside it keeps its place, and who copies the text gets nothing else. `Markup` stands as it is,
 * lists are joined, and null and false leave nothing.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const places = attributePlaces(strings);
  let html = strings[0] ?? '';
  for (const [index, part] of parts.entries())
    html += htmlOf(part, places[index] ?? false) + (strings[index + 1] ?? '');
  return new Markup(html);
}

/** The values with a separator between them, each isolated by itself. */
export function joined(parts: readonly Part[], separator: string): Markup {
  const between = new Markup(escapeMarkup(separator));
  return markup`${parts.map((part, index) => (index === 0 ? part : [between, part]))}`;
}

/** Text where no element may stand: in `<title>`, and in SVG. Text from right to left is isolated by characters. */
export function bareText(text: string): Markup {
  return new Markup(escapeMarkup(quoted(text)));
}

function htmlOf(part: Part, isAttribute: boolean): string {
  if (typeof part === 'string') {
    const line = oneLine(part);
    return isAttribute || !hasRightToLeft(line) ? escapeMarkup(line) : `<bdi>${escapeMarkup(line)}</bdi>`;
  }
  if (typeof part === 'number') return String(part);
  if (part === null || part === false) return '';
  return part instanceof Markup ? part.html : part.map((one) => htmlOf(one, isAttribute)).join('');
}

const knownPlaces = new WeakMap<TemplateStringsArray, readonly boolean[]>();

/** Returns for each value of a template if it stands within an attribute: after an odd number of quotes. */
function attributePlaces(strings: TemplateStringsArray): readonly boolean[] {
  const known = knownPlaces.get(strings);
  if (known !== undefined) return known;
  let quotes = 0;
  const places = strings.map((text) => (quotes += text.split('"').length - 1) % 2 === 1);
  knownPlaces.set(strings, places);
  return places;
}
