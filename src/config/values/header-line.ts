/** Headers that the request itself has, or that would change where its body ends. */
const taken = new Set([
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'host', 'idempotency-key'],
  ...['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent'],
]);

/** Returns the header of a line `Name: value` in printable ASCII. Returns null for any other text. */
export function parseHeaderLine(text: string): readonly [name: string, value: string] | null {
  const [, name = '', value = ''] = /^([A-Za-z0-9][\w-]{0,63}):[ \t]*([!-~](?:[ -~]*[!-~])?)[ \t]*$/.exec(text) ?? [];
  return name === '' || value.length > 4_000 || taken.has(name.toLowerCase()) ? null : [name, value];
}

/** True for a line that is a header. */
export function isHeaderLine(text: string): boolean {
  return parseHeaderLine(text) !== null;
}
