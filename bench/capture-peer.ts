/**
 * A client without Node in a process of its own, for bench/strangers.ts. Argument: a CaptureKind. Prints JSON of
 * PeerAddress, and ends with its input.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import type { PeerAddress } from '../test/support/ssh/flooding-peers.ts';
import { captureAtBounds } from '../test/support/clients/large-captures.ts';
import { startReportServer } from '../test/support/fleets/report-server.ts';
import { account } from '../test/support/fleets/ssh-fleet.ts';

/** The sizes of captures: some lines, as large as may be, and the same as text. */
export type CaptureKind = 'small' | 'packed' | 'text';

/** The time that an agent takes. */
export const agentMs = 250;

/** Returns a state of as many accounts and groups as a capture may have. */
function stateAtBounds(): Buffer {
  const lines = Array.from({ length: 16_000 }, (_, at) => [
    `etc/passwd:a${at}::${at}:${at}::/:/bin/sh`,
    `etc/group:sudo::${at}:${`a${at},`.repeat(20)}`,
  ]);
  return Buffer.from(`=state\n+var/lib/dpkg/status\n${lines.flat().join('\n')}\n=place /x\n=end 1|2|3|\n`);
}

const end = Buffer.from('proc/uptime:77.50 1.00\n=place /x\n=end 1|2|3|\n');
const kinds: Readonly<Record<CaptureKind, () => Readonly<Record<'visit' | 'state', Buffer>>>> = {
  small: () => ({ visit: end, state: end }),
  packed: () => ({ visit: gzipSync(captureAtBounds()), state: gzipSync(stateAtBounds()) }),
  text: () => ({ visit: captureAtBounds(), state: stateAtBounds() }),
};

if (process.argv[1] === import.meta.filename) {
  const { visit, state } = kinds[process.argv[2] as CaptureKind]();
  const { port, hostKey } = await startReportServer({
    ...account,
    mayAnswer: () => sleep(agentMs),
    reports: () => [],
    hello: () => ({ reader: 'shell' }),
    bytes: (request) => {
      const capture = request.state === true ? state : visit;
      return Buffer.concat([Buffer.from('U'), capture, Buffer.from(request.marker, 'base64url')]);
    },
  });
  process.stdout.write(`${JSON.stringify({ port, key: `${hostKey.type} ${hostKey.key}` } satisfies PeerAddress)}\n`);
  process.stdin.resume().once('end', () => process.exit(0));
}
