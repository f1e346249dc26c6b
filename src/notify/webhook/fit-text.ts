/** The units in which vendors count a text: bytes of UTF-8, code units of UTF-16, or code points. */
export type TextUnit = keyof typeof sizes;

const sizes = {
  bytes: (text: string): number => Buffer.byteLength(text),
  utf16: (text: string): number => text.length,
  characters: (text: string): number => Array.from(text).length,
};

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Returns the size of a text in a unit. */
export function sizeIn(unit: TextUnit, text: string): number {
  return sizes[unit](text);
}

/** Cuts a text to a size between characters as people see them (graphemes), with an ellipsis at the cut. */
export function cutTo(text: string, most: number, unit: TextUnit = 'bytes'): string {
  if (sizeIn(unit, text) <= most) return text;
  let kept = '';
  let left = most - sizeIn(unit, '…');
  for (const { segment } of graphemes.segment(text)) {
    left -= sizeIn(unit, segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}
