const tag = /<(\/?)([a-z][a-z0-9]*)\b[^<>]*>/iy;
const otherTag = /<[^<>]*>/y;
/** Elements whose content is no text. */
const hidden = new Set(['noscript', 'script', 'style', 'template', 'title', 'xml']);
/** Attributes of an element that readers do not see, such as the preview that mail programs show in lists. */
const unseen =
  /\shidden(?=[\s=/>])|\bstyle\s*=\s*(["'])(?:(?!\1).)*?(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)/is;
const empty = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
/** Elements that begin and end a line. */
const breaking = new Set(
  (
    'address article aside br center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 ' +
    'header hr legend li main nav ol p pre section summary table tbody td tfoot th thead tr ul'
  ).split(' '),
);

/**
 * Returns the text of a reply that is HTML only, up to its first quotation. Takes time that is proportional to the size
 * of the HTML, whatever it holds.
 */
export function textOfHtml(html: string): string {
  const [own = ''] = html.split(/<blockquote\b/i, 1);
  const lower = own.toLowerCase();
  const parts: string[] = [];
  let from = 0;
  /** The element that is not seen, and how many of its name are open; null: all is seen. */
  let within: { readonly element: string; open: number } | null = null;
  const text = (to: number): void => {
    if (within === null) parts.push(own.slice(from, to).replace(/\s+/g, ' '));
  };
  for (let at = own.indexOf('<'); at !== -1; at = own.indexOf('<', Math.max(from, at + 1))) {
    tag.lastIndex = at;
    const [whole, slash, name = ''] = tag.exec(own) ?? [];
    const length = whole?.length ?? lengthOfOther(own, at);
    // A `<` that begins no tag is text.
    if (length === null) continue;
    text(at);
    from = at + length;
    const element = name.toLowerCase();
    if (within !== null) {
      if (element === within.element) within.open += slash === '' ? 1 : -1;
      if (within.open === 0) within = null;
    } else if (slash === '' && name !== '' && !empty.has(element) && unseen.test(whole ?? '')) {
      within = { element, open: 1 };
    }
    if (breaking.has(element)) parts.push('\n');
    if (slash === '' && hidden.has(element)) {
      const end = lower.indexOf(`</${element}`, from);
      from = end === -1 ? own.length : end;
    }
  }
  text(own.length);
  return parts
    .join('')
    .replace(/&(?:nbsp|ensp|emsp|thinsp);/gi, ' ')
    .replace(/&(?:zwn?j|lrm|rlm|shy);/gi, '')
    .replace(/&#(x[0-9a-f]{1,6}|\d{1,7});/gi, (_, code: string) => characterOf(code));
}

/** Returns the length of a comment or declaration, which may hold tags; null if none begins here. */
function lengthOfOther(html: string, at: number): number | null {
  if (html.startsWith('<!--', at)) {
    const end = html.indexOf('-->', at + 2);
    return (end === -1 ? html.length : end + '-->'.length) - at;
  }
  otherTag.lastIndex = at;
  return otherTag.exec(html)?.[0].length ?? null;
}

/** Returns the character of a numeric reference; '' for an impossible one. */
function characterOf(code: string): string {
  const point = Number(code.replace(/^x/i, '0x'));
  return point <= 0x10ffff ? String.fromCodePoint(point) : '';
}
