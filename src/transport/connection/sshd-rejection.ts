/**
 * The lines of an sshd that closes a connection without a version line (`drop_connection` in OpenSSH's sshd.c): the
 * first up to release 9.7, for MaxStartups; the second in later releases, also for PerSourcePenalties.
 */
const lines = /^(Exceeded MaxStartups|Not allowed at this time)\r?$/m;

/** The most bytes before the version line that are searched for such a line. */
export const noticeBytes = 256;

/**
 * Returns a sentence for a connection that sshd rejected with a line of text; null if the text has no such line.
 * `localAddress` is the local end of the connection, by which sshd counts; null if it is not known.
 */
export function sshdRejection(greeting: string, localAddress: string | null): string | null {
  const line = lines.exec(greeting)?.[1];
  if (line === undefined) return null;
  const whom = localAddress === null ? 'the connection' : `a connection from ${localAddress.replace(/^::ffff:/, '')}`;
  const why = line.startsWith('Exceeded') ? 'MaxStartups' : 'MaxStartups or PerSourcePenalties';
  return `sshd turned away ${whom}: "${line}" (${why})`;
}
