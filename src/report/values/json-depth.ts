const [quote, backslash, openBrace, openBracket, closeBrace, closeBracket] = Buffer.from('"\\{[}]');

/**
 * True if objects and lists in JSON are nested deeper than allowed. Called before JSON.parse, so that no deep object is
 * ever built: JSON.stringify and every other recursion over it would exceed the stack.
 */
export function isDeeper(json: Uint8Array, most: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) inText = !inText;
    else if (inText) at += byte === backslash ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    if (depth > most) return true;
  }
  return false;
}
