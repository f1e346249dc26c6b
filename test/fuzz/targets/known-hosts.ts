import { parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { requireSame, requireThat, type FuzzTarget } from '../target.ts';

export const ed25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIJmmiRR0jqgNVSYjJ8DrRvXyiEmhOWTgDW/Fj17JWrGP';
const ecdsa =
  'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGFkJ9OC3LfVXhpFbHk0cZhBc4f0gBWWJHJ8bWZ1Y0fhPbFJtq2dcGfWgqXyQWbJ8l1i1LQ5nVn0ZkQzV0uR3mM=';
const names = ['web-1', '[web-1]:2222', '192.0.2.10', '[2001:db8::1]:22', 'WEB-1', '', '*', 'a'.repeat(200)];

/** No line hides another line, and every found key is written in the line found. */
export const knownHostsTarget: FuzzTarget = {
  name: 'known-hosts',
  seeds: () => [
    Buffer.from(`# comment\nweb-1,192.0.2.10 ssh-ed25519 ${ed25519} root@web\n`),
    Buffer.from(`[web-1]:2222 ssh-ed25519 ${ed25519}\r\n@revoked * ecdsa-sha2-nistp256 ${ecdsa}\n`),
    Buffer.from(
      `*.example.org,!bad.example.org,web-? ssh-ed25519 ${ed25519}\n@cert-authority *.org ssh-ed25519 ${ed25519}`,
    ),
    Buffer.from(`|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${ed25519}\n`),
    Buffer.from(`web-1 ssh-rsa ${ed25519}\nweb-1 ssh-ed25519 AAAA\nweb-1\n@new web-1 ssh-ed25519 ${ed25519}\n`),
  ],
  words: [
    ...['web-1', '@revoked ', '@cert-authority ', '|1|', '|', '*', '?', '!', ',', ' ', '\t', '\n', '\r\n', '\0', '#'],
    ...['ssh-ed25519 ', 'ecdsa-sha2-nistp256 ', ed25519, 'AAAA', '=', '[', ']:2222', '***************', '\xff'],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const text = input.toString('utf8');
    const known = parseKnownHosts(text, 'known_hosts');
    const lines = text.split('\n');
    const counts = names.map((name) => {
      const found = known.lookup(name);
      for (const { type, key, line } of [...found.keys, ...found.revoked]) {
        const written = lines[line - 1] ?? '';
        requireThat(written.includes(type), `a key of line ${line} that does not stand there`);
        const again = parseKnownHosts(`web-1 ${type} ${key}`, 'known_hosts').lookup('web-1').keys;
        requireSame([again[0]?.type, again[0]?.key], [type, key], 'a key that cannot be written and read again');
      }
      return `${found.keys.length > 0}${found.revoked.length > 0}`;
    });
    requireThat(known.notes.length <= lines.length, 'more notes than lines');
    requireThat(
      known.notes.every((note) => note.length < 300),
      'a note as long as its line',
    );
    // A name that no pattern can match. Its line comes last, after the arbitrary input.
    const last = parseKnownHosts(`${text}\nlast\u0001host ssh-ed25519 ${ed25519}\n`, 'known_hosts').lookup(
      'last\u0001host',
    );
    requireThat(
      last.keys.some(({ key }) => key === ed25519),
      'a line that another one hides',
    );
    const kinds = known.notes.map((note) => note.replace(/\d+/g, 'N').slice(0, 40));
    return `${counts.join()} ${[...new Set(kinds)].toSorted().join().slice(0, 100)}`;
  },
};
