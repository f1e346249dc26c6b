import { escapeMarkup } from '../../text/escape-markup.ts';
import { hasRightToLeft, oneLine, quoted } from '../../text/plain-text.ts';

/** Finished HTML, such as `markup` returns. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

type Part = string | number | Markup | null | false | readonly Part[];

/**
 * Renders a template of HTML. Each value is untrusted text: it is cleaned of control and bidi characters and escaped,
 * so that it is inert between tags and in quoted attributes. Between tags, an element isolates text written from right
 * to left: the text around it keeps its place, and a copy of the text contains no extra characters. `Markup` is
 * inserted unchanged, lists are joined, and null and false render nothing.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const places = attributePlaces(strings);
  let html = strings[0] ?? '';
  for (const [index, part] of parts.entries())
    html += htmlOf(part, places[index] ?? false) + (strings[index + 1] ?? '');
  return new Markup(html);
}

/** Joins values with a separator between them. Each value is isolated by itself. */
export function joined(parts: readonly Part[], separator: string): Markup {
  const between = new Markup(escapeMarkup(separator));
  return markup`${parts.map((part, index) => (index === 0 ? part : [between, part]))}`;
}

/**
 * Renders text where no element may stand: in `<title>`, and in SVG. Characters isolate text written from right to
 * left.
 */
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

/**
 * Returns for each value of a template whether the value is within an attribute, which is after an odd number of
 * quotes.
 */
function attributePlaces(strings: TemplateStringsArray): readonly boolean[] {
  const known = knownPlaces.get(strings);
  if (known !== undefined) return known;
  let quotes = 0;
  const places = strings.map((text) => (quotes += text.split('"').length - 1) % 2 === 1);
  knownPlaces.set(strings, places);
  return places;
}
