import { parseTrustSource } from '../../../src/transport/known-hosts/trust-source.ts';
import { fingerprint } from '../../../src/transport/known-hosts/fingerprint.ts';
import { requireThat, type FuzzTarget } from '../target.ts';
import { ed25519 } from './known-hosts.ts';

const print = fingerprint(ed25519);
const hosts = [
  { client: 'web-1', address: '192.0.2.10', port: 22 },
  { client: 'Web-1', address: '2001:db8::1', port: 2222 },
];

/** Every trusted value has the form of a fingerprint and is contained in the file. */
export const trustSourceTarget: FuzzTarget = {
  name: 'trust-source',
  seeds: () => [
    Buffer.from(`web-1 ${print}\n# comment\n192.0.2.10 ssh-ed25519 ${ed25519}\n`),
    Buffer.from(`256 ${print} [2001:db8::1]:2222 (ED25519)\nweb-1,web-2 ${print}=\n`),
    Buffer.from(`@revoked web-1 ssh-ed25519 ${ed25519}\n${print}\nweb-1 SHA256:short\n`),
  ],
  words: [
    ...['web-1', 'SHA256:', print, '256 ', '@revoked ', ',', ' ', '\t', '\n', '\r\n', '\0', '#', '=', 'ssh-ed25519 '],
    ...[ed25519, '192.0.2.10:22', '[2001:db8::1]:2222', '(ED25519)', '__proto__', '\xff'],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const text = input.toString('utf8');
    const source = parseTrustSource(text, 'keys');
    const counts = hosts.map((host) => {
      const vouched = source.fingerprints(host);
      const keys = source.keys(host);
      for (const one of vouched) {
        requireThat(/^SHA256:[A-Za-z0-9+/]{43}$/.test(one), `${one} is no fingerprint`);
        requireThat(
          text.includes(one) || keys.some(({ key }) => fingerprint(key) === one),
          `${one} is not in the file`,
        );
      }
      for (const { key } of keys) requireThat(vouched.includes(fingerprint(key)), 'a key that is not vouched for');
      return `${Math.min(3, vouched.length)}${Math.min(3, keys.length)}`;
    });
    requireThat(source.notes.length <= 2 * text.split('\n').length, 'more notes than lines');
    return `${counts.join()} ${Math.min(4, source.notes.length)}`;
  },
};
