import { Writable } from 'node:stream';

import { openReceiver } from '../../collector/receive/receiver.ts';
import { receiveVisit } from '../../collector/receive/receive-visit.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { complaintText } from '../command/complain.ts';
import { loadLastSettings } from '../command/settings.ts';
import { pushingClient } from './pushing-client.ts';

/**
 * `receive`: takes the reports of one client from stdin and acknowledges on stdout what is safe. Prints nothing else
 * there. A fault goes to stderr, which ssh shows to the client.
 */
export async function receiveCommand(context: Context, name: string): Promise<ExitStatus> {
  const { config } = loadLastSettings(context);
  const client = pushingClient(config, name);
  const now = steadyClock();
  const receiver = await openReceiver(config, now());
  const { fault } = await receiveVisit({
    receiver,
    config,
    client,
    input: process.stdin,
    output: ontoStdout(),
    signal: context.signal,
    now,
  });
  if (fault === null) return 0;
  context.output.complain(complaintText(fault));
  return fault.exitStatus;
}

/** stdout cannot be ended before the process. */
function ontoStdout(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      process.stdout.write(chunk, () => done());
    },
  });
}
