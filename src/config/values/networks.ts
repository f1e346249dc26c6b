import { BlockList, isIP } from 'node:net';

/** The word for all peers of a Unix socket in a list of networks. */
export const socketWord = 'socket';

/**
 * Parses addresses and networks (`192.0.2.7, 10.0.0.0/8, ::1`) with commas between. Returns null for any other text.
 */
export function parseNetworks(text: string): readonly string[] | null {
  const words = text.split(',').map((word) => word.trim());
  return words.every((word) => word === socketWord || isNetwork(word)) ? words : null;
}

function isNetwork(word: string): boolean {
  const [address = '', bits, ...rest] = word.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/**
 * Returns a test for addresses in one of these networks. Recognises IPv4 addresses in the form that IPv6 sockets show.
 */
export function networkMatcher(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (isIP(address) !== 0)
      list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/**
 * Returns a host in the form in which two hosts are compared: in small letters, an IPv6 address as RFC 5952 writes it
 * and an IPv4 address in IPv6 as IPv4. Accepts `[ADDRESS]:PORT` too, as known_hosts has it.
 */
export function comparableHost(host: string): string {
  const lower = host.toLowerCase();
  // Most hosts are names: the expression of isIP takes V8 6 ms to compile.
  if (!lower.includes(':')) return lower;
  const [, bracketed, port = ''] = /^\[(.*)\](:\d+)$/.exec(lower) ?? [];
  const [address = '', ...zone] = (bracketed ?? lower).split('%');
  if (isIP(address) !== 6) return lower;
  const plain = withoutMapping(new URL(`http://[${address}]`).hostname.slice(1, -1));
  const whole = [plain, ...zone].join('%');
  return bracketed === undefined ? whole : `[${whole}]${port}`;
}

/** Returns the IPv4 address in `::ffff:c000:207`; any other address unchanged. */
function withoutMapping(address: string): string {
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return [high, low].flatMap((half) => [parseInt(half, 16) >> 8, parseInt(half, 16) & 0xff]).join('.');
}

/** Returns an address without its zone, and `::ffff:192.0.2.7` as `192.0.2.7`. */
export function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
