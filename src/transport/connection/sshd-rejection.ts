/**
 * Both lines stand for a refusal by the listening sshd (`drop_connection` in OpenSSH's sshd.c), which closes without a
 * version line: the first up to 9.7, for MaxStartups; the second since, for PerSourcePenalties as well.
 */
const lines = /^(Exceeded MaxStartups|Not allowed at this time)\r?$/m;

/** How much of what comes before the version line is looked at. */
export const noticeBytes = 256;

/**
 * Returns a sentence about a connection that sshd rejected with a line of text; null if the text has no such line.
 * `localAddress` is the address that it was dialled from, which sshd counts by; null if not known.
 */
export function sshdRejection(greeting: string, localAddress: string | null): string | null {
  const line = lines.exec(greeting)?.[1];
  if (line === undefined) return null;
  const whom = localAddress === null ? 'the connection' : `a connection from ${localAddress.replace(/^::ffff:/, '')}`;
  const why = line.startsWith('Exceeded') ? 'MaxStartups' : 'MaxStartups or PerSourcePenalties';
  return `sshd turned away ${whom}: "${line}" (${why})`;
}
