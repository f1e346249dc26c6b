/** Clients that answer with the bytes of a test, in place of a login shell. */
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { markerBytes } from '../../../src/report/wire.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import { keyPair, visit, type Visited, type VisitOptions } from './agent-visit.ts';
import { shellConnection } from './shell-connection.ts';

const PATH = process.env['PATH'] ?? '';
export const reportId = '11111111-2222-4333-8444-555555555555';
export const hello = encodeJsonFrame('H', {
  v: 1,
  agent: '9',
  wall_ms: 1_700_000_000_000,
  monotonic_ms: 1,
  boot_id: null,
});
export const end = encodeJsonFrame('E', { left: 0, place: null, spool_error: null });
export const report = encodeFrame(
  'R',
  sealReport({ publicKey: keyPair.publicKey, reportId, client: 'web-1', plaintext: Buffer.from('{}') }),
);

/** Returns shell text that prints bytes. */
export const print = (bytes: Uint8Array): string =>
  `printf %b '${[...bytes].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')}'`;

/** The first part of a script. The request, the marker and the sign depend on the visit. No Node is started for it. */
export const prelude =
  "fromBase64url() { tr '_-' '/+' | base64 -d 2>/dev/null; }\n" +
  'R=$(printf %s "$COMMAND" | grep -o "eyJ2Ijox[A-Za-z0-9_-]*" | fromBase64url)\n' +
  'M=${R#*\'"marker":"\'}\nM=${M%%\'"\'*}\n' +
  'sign() { echo "fh-$M-loader-$1"; }\n' +
  `mark() { printf %s "$M${'='.repeat((3 - (markerBytes % 3)) % 3)}" | fromBase64url; }\n`;

/**
 * Runs texts in place of the requested command. In a text `sign N` prints the loader's first line and `mark` the
 * marker.
 */
export async function meet(
  texts: readonly string[],
  { withoutStatus = false, ...options }: Partial<VisitOptions> & { readonly withoutStatus?: boolean } = {},
): Promise<Visited> {
  const scripts = texts.map((text) => prelude + text);
  const connection = shellConnection({ env: { PATH, HOME: '/nonexistent' }, scripts, withoutStatus });
  try {
    return await visit({ connection, waitForExit: false, ...options });
  } finally {
    connection.destroy();
  }
}

export const opening = 'sign 81; mark';
export const answer = `${opening}; ${print(hello)}; ${print(report)}; ${print(end)}`;
