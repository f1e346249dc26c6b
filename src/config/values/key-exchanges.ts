/**
 * The key exchanges that are offered by default. All are cheap, because a peer whose host key is not proved yet chooses
 * the numbers.
 */
export const usualKeyExchanges = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
] as const;

/**
 * The key exchange in which the server chooses the group (RFC 4419). It costs the most, so it is offered only if `kex`
 * names it.
 */
export const groupExchange = 'diffie-hellman-group-exchange-sha256';

/** All key exchanges of the built-in transport. */
export const allKeyExchanges = [...usualKeyExchanges, groupExchange] as const;

/** The KexAlgorithms of OpenSSH without any that a quantum computer could break. The built-in transport has none. */
export const postQuantumKex = '-curve25519*,ecdh*,diffie*,kex*,rsa*,gss*';

export type KeyExchange = (typeof allKeyExchanges)[number];

/** Returns what is wrong with `kex`, as the end of a sentence that begins with the value; null if nothing is. */
export function keyExchangesFault(text: string): string | null {
  const names = text.replace(/^[+^-]/, '').split(',');
  const isKnown = (name: string): boolean => (allKeyExchanges as readonly string[]).includes(name);
  const unknown = names.find((name) => !isKnown(name));
  return unknown === undefined
    ? null
    : `names "${unknown}", which is not offered here; choose from ${allKeyExchanges.join(', ')}`;
}
