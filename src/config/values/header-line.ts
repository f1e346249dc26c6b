/** Headers that the request itself sets, and headers that would change the end of its body. */
const taken = new Set([
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'host', 'idempotency-key'],
  ...['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent'],
]);

/** Returns the header of a line `Name: value` in printable ASCII. Returns null for any other text. */
export function parseHeaderLine(text: string): readonly [name: string, value: string] | null {
  const [, name = '', value = ''] = /^([A-Za-z0-9][\w-]{0,63}):[ \t]*([!-~](?:[ -~]*[!-~])?)[ \t]*$/.exec(text) ?? [];
  return name === '' || value.length > 4_000 || taken.has(name.toLowerCase()) ? null : [name, value];
}

/** True if a text is a header line. */
export function isHeaderLine(text: string): boolean {
  return parseHeaderLine(text) !== null;
}
