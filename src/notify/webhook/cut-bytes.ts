/** Returns the text cut to a number of bytes of UTF-8, and so of characters, with an ellipsis at the cut. */
export function cutBytes(text: string, mostBytes: number): string {
  if (Buffer.byteLength(text) <= mostBytes) return text;
  let kept = '';
  let left = mostBytes - Buffer.byteLength('…');
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}…`;
}
