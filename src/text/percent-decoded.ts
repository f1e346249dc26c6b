/** Returns the text without percent encoding (RFC 3986), or the text unchanged if the encoding is faulty. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
