/** Returns the host of a web address, an IPv6 address without its brackets, and the port, by default the protocol's. */
export function urlAddress({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}
