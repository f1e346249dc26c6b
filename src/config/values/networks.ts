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

/** Returns an address without its zone, and `::ffff:192.0.2.7` as `192.0.2.7`. */
export function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
